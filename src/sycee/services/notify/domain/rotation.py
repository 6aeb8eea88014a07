"""Which keys of an endpoint sign at an instant: those it has, and for a while those it had."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant, after
from sycee.services.notify.contract import OverlapNotAllowed

OVERLAP_S_MAX = 7 * 86_400


class Former(msgspec.Struct, frozen=True):
    """The secret before the last rotation, under its seal, and when it stops signing."""

    secret: bytes
    until: Instant


class Keys(msgspec.Struct, frozen=True):
    """An endpoint's secret under its seal, and which generation of its keys this is."""

    secret: bytes
    generation: int = 1
    former: Former | None = None


class Signing(msgspec.Struct, frozen=True):
    """One generation of keys that signs."""

    secret: bytes
    generation: int


def check_overlap(overlap_s: int) -> None:
    """Refuse to sign by former keys for longer than anybody needs to exchange them."""
    if not 0 <= overlap_s <= OVERLAP_S_MAX:
        raise OverlapNotAllowed(
            f"overlap_s must be from 0 to {OVERLAP_S_MAX} seconds, which are 7 days.",
            param="overlap_s",
        )


def rotated(before: Keys, secret: bytes, now: Instant, overlap_s: int) -> Keys:
    """The keys after a rotation; what was former before is forgotten."""
    former = Former(before.secret, after(now, overlap_s)) if overlap_s else None
    return Keys(secret, before.generation + 1, former)


def former_at(keys: Keys, now: Instant) -> Former | None:
    """The former secret, while it signs."""
    return keys.former if keys.former is not None and now < keys.former.until else None


def signing_at(keys: Keys, now: Instant) -> tuple[Signing, ...]:
    """All generations that sign at an instant, the newest first."""
    newest = Signing(keys.secret, keys.generation)
    former = former_at(keys, now)
    return (newest,) if former is None else (newest, Signing(former.secret, keys.generation - 1))
