"""Builds validation beside identity."""

from __future__ import annotations

import msgspec

from sycee.runtime.host import Host
from sycee.services.identity.contract import Identity
from sycee.services.validation.contract import Validation
from sycee.services.validation.service import ValidationService


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the validation service."""

    remember_s: float = 0.5
    """Seconds for which a merchant's status and limits are remembered."""


async def build(host: Host, settings: Settings, identity: Identity) -> Validation:
    """The rules, with merchants' facts from identity."""
    return ValidationService(host.clock, identity, settings.remember_s)
