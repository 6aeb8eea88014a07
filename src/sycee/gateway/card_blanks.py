"""Requests as they may be remembered: without what must not be kept of a card, not even hashed.

A hash of a number, or of three digits, is undone by trying all of them (PCI DSS 4.0.1, 3.3.1 and
3.5.1). What may be shown of a number, its first six and last four digits, still tells requests
apart.
"""

from __future__ import annotations

CVC = "cvc"
NUMBER = "number"
EXPIRY = "exp_month"


def tells_of_card(encoded: bytes) -> bool:
    """Whether there may be a card in parameters, as JSON or MessagePack: most have none."""
    return CVC.encode() in encoded or EXPIRY.encode() in encoded


def blanked(value: object) -> object:
    """A copy of any tree of parameters in which cards have no CVC and half a number."""
    if isinstance(value, dict):
        is_card = CVC in value or (NUMBER in value and EXPIRY in value)
        inner = {key: blanked(each) for key, each in value.items()}
        return _of_card(inner) if is_card else inner
    if isinstance(value, (list, tuple)):
        return [blanked(each) for each in value]
    return value


def _of_card(card: dict[object, object]) -> dict[object, object]:
    left = {key: value for key, value in card.items() if key != CVC}
    if NUMBER in left:
        number = str(left[NUMBER])
        left[NUMBER] = f"{number[:6]}…{number[-4:]}" if len(number) > 10 else ""
    return left
