"""What card networks print on a payer's statement."""

from __future__ import annotations

import re

from sycee.services.payments.contract.intents import DescriptorInvalid

DESCRIPTOR_LENGTH_MIN = 5
"""Of what may stand alone on a statement."""

_LETTER = "A-Za-zÀ-ÖØ-öø-ÿ"
_PRINTED = re.compile(rf"[{_LETTER}0-9 !#$%&()+,\-./:;=?@\[\]^_`{{|}}~]*")


def check_descriptor(name: str, text: str | None, length_min: int) -> None:
    """Refuse a text that is not printed as it is; an empty one only clears. Stripe's rules."""
    if not text:
        return
    if not _PRINTED.fullmatch(text):
        raise DescriptorInvalid(
            f"{name} may hold Latin letters, digits, spaces and punctuation,"
            " but none of < > ' \" * \\.",
            param=name,
        )
    if len(text) < length_min:
        raise DescriptorInvalid(f"{name} has at least {length_min} characters.", param=name)
    if not re.search(f"[{_LETTER}]", text):
        raise DescriptorInvalid(f"{name} has at least one letter.", param=name)
