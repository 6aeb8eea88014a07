"""What a price may ask, and how an update changes one."""

from __future__ import annotations

import re

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.services.checkout.contract.catalog import (
    DefaultPriceInvalid,
    LookupKeyTaken,
    Price,
    PriceFields,
    PriceId,
    PriceInvalid,
    Product,
    UnitAmount,
)
from sycee.services.checkout.domain.texts import (
    changed_metadata,
    changed_text,
    check_texts,
    former_metadata,
)

UNIT_AMOUNT_MAX = 10**12
LIMITS = {"nickname": 5000, "lookup_key": 200}
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,12}))?")
_SHOWN_ALIKE = ("active", "nickname", "lookup_key", "tax_behavior")
"""Fields whose public shape is the contract's own."""


def unit_amount(given: UnitAmount) -> tuple[int | None, str]:
    """The amount of one unit: whole minor units where it is whole, and the shortest decimal."""
    if (given.minor is None) == (given.decimal is None):
        raise PriceInvalid(
            "Give either unit_amount or unit_amount_decimal, in minor units.", param="unit_amount"
        )
    if given.decimal is not None:
        return _of_decimal(given.decimal)
    assert given.minor is not None, "one of both is given"
    _check_range(given.minor, "unit_amount")
    return given.minor, str(given.minor)


def check_fields(fields: PriceFields) -> None:
    """Refuse texts that are too long."""
    check_texts({"nickname": fields.nickname, "lookup_key": fields.lookup_key}, LIMITS)


def changed(before: Price, fields: PriceFields) -> Price:
    """The price after an update."""
    return msgspec.structs.replace(
        before,
        active=before.active if fields.active is None else fields.active,
        nickname=changed_text(before.nickname, fields.nickname),
        lookup_key=changed_text(before.lookup_key, fields.lookup_key),
        metadata=changed_metadata(before.metadata, fields.metadata),
        tax_behavior=fields.tax_behavior or before.tax_behavior,
    )


def check_change(before: Price, after: Price, product: Product) -> None:
    """Refuse another tax behavior once there is one, and to archive a product's default price."""
    if before.tax_behavior not in ("unspecified", after.tax_behavior):
        raise PriceInvalid(
            f"tax_behavior is {before.tax_behavior} and cannot change any more.",
            param="tax_behavior",
        )
    if not after.active and product.default_price == after.id:
        raise DefaultPriceInvalid(
            f"{after.id} is the default price of {product.id}; choose another one first.",
            param="active",
        )


def check_key(price: PriceId | None, holder: Price | None, fields: PriceFields) -> None:
    """Refuse a lookup key that another price has, unless it is to be taken from it."""
    if holder is None or holder.id == price or fields.transfer_lookup_key:
        return
    raise LookupKeyTaken(
        f"{holder.id} has the lookup key '{fields.lookup_key}'; to move it, set"
        " transfer_lookup_key.",
        param="lookup_key",
    )


def previous(before: Price, after: Price) -> dict[str, object]:
    """Former values of what an update changed, in the public shape."""
    former: dict[str, object] = {
        name: getattr(before, name)
        for name in _SHOWN_ALIKE
        if getattr(before, name) != getattr(after, name)
    }
    if before.metadata != after.metadata:
        former["metadata"] = former_metadata(before.metadata, after.metadata)
    return former


def existing(price: Price | None, wanted: PriceId) -> Price:
    """The price, unless it is unknown or foreign."""
    if price is None:
        raise NotFound(f"No such price: '{wanted}'", param="price")
    return price


def _of_decimal(text: str) -> tuple[int | None, str]:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise PriceInvalid(
            "unit_amount_decimal is a decimal of minor units with at most 12 places.",
            param="unit_amount_decimal",
        )
    whole, places = int(found[1]), (found[2] or "").rstrip("0")
    _check_range(whole + bool(places), "unit_amount_decimal")
    return (None, f"{whole}.{places}") if places else (whole, str(whole))


def _check_range(minor: int, param: str) -> None:
    if not 0 <= minor <= UNIT_AMOUNT_MAX:
        raise PriceInvalid(f"{param} is between 0 and {UNIT_AMOUNT_MAX}.", param=param)
