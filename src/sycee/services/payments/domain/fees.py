"""What the platform takes of a captured payment."""

from __future__ import annotations

from sycee.kernel.money import Money, exponent

_PARTS = 10_000
"""A basis point is one of ten thousand parts."""
_HUNDREDTH = _PARTS // 100


def fee_minor(amount: Money, basis_points: int, fixed_hundredths: int) -> int:
    """The fee in minor units: a share and a fixed part, summed exactly and then rounded half up.

    The fixed part is in hundredths of the currency's unit, so that 30 is 0.30 USD and 0.300 KWD.
    Never more than the amount.
    """
    unit: int = 10 ** exponent(amount.currency)
    parts = amount.minor * basis_points + fixed_hundredths * unit * _HUNDREDTH
    return min((parts + _PARTS // 2) // _PARTS, amount.minor)
