"""How long texts and metadata may be, and how an update changes them."""

from __future__ import annotations

from collections.abc import Mapping

from sycee.services.payments.contract.shared import Metadata, MetadataInvalid, TextTooLong

TEXT_LENGTH_MAX = 5000
METADATA_KEYS_MAX = 50
METADATA_KEY_LENGTH_MAX = 40
METADATA_VALUE_LENGTH_MAX = 500


def check_texts(texts: Mapping[str, str | None], limits: Mapping[str, int]) -> None:
    """Refuse the first text that is longer than its limit."""
    for name, text in texts.items():
        limit = limits.get(name, TEXT_LENGTH_MAX)
        if text is not None and len(text) > limit:
            raise TextTooLong(f"{name} may have at most {limit} characters.", param=name)


def changed_text(before: str | None, change: str | None) -> str | None:
    """A text after an update: None leaves it, an empty one clears it."""
    if change is None:
        return before
    return change or None


def changed_metadata(before: Metadata, change: Metadata | None) -> Metadata:
    """Metadata after an update: given keys are set, those with an empty value removed."""
    if not change:
        return before
    for key, value in change.items():
        if not 0 < len(key) <= METADATA_KEY_LENGTH_MAX:
            raise MetadataInvalid("A metadata key has 1 to 40 characters.", param="metadata")
        if len(value) > METADATA_VALUE_LENGTH_MAX:
            raise MetadataInvalid(
                f"The value of {key} has more than 500 characters.", param=f"metadata[{key}]"
            )
    after = {key: value for key, value in {**before, **change}.items() if value}
    if len(after) > METADATA_KEYS_MAX:
        raise MetadataInvalid("Metadata holds at most 50 keys.", param="metadata")
    return after


def former_metadata(before: Metadata, after: Metadata) -> dict[str, str | None]:
    """Former values of the keys that an update changed; None for one that was not there."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before.get(key) for key in keys}
