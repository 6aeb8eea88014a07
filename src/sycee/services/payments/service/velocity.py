"""Lets operators set limits, and tells how far they are used."""

from __future__ import annotations

from sycee.runtime.database import Session
from sycee.services.payments.contract.velocity import (
    LimitUse,
    ListVelocityVersions,
    SetVelocityLimits,
    VelocityLimit,
    VelocityLimits,
    VelocityLimitsChanged,
    VelocityLimitsQuery,
    VelocityUse,
    VelocityUseQuery,
    VelocityVersions,
)
from sycee.services.payments.domain import velocity as rules
from sycee.services.payments.service.allowance import Allowance
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import velocity as rows


class VelocityService:
    """All of ``Velocity``."""

    _parts: Parts

    def __init__(self, parts: Parts, allowance: Allowance) -> None:
        self._parts = parts
        self._allowance = allowance

    async def set_velocity_limits(self, command: SetVelocityLimits) -> VelocityLimits:
        rules.check_limits(command.limits)
        limits = await self._parts.database.write(lambda session: self._set(session, command))
        self._allowance.forget()
        return limits

    async def get_velocity_limits(self, query: VelocityLimitsQuery) -> VelocityLimits:
        return await self._parts.database.read(
            lambda session: rows.current(session, query.merchant)
        )

    async def list_velocity_versions(self, query: ListVelocityVersions) -> VelocityVersions:
        return await self._parts.database.read(
            lambda session: VelocityVersions(rows.versions_of(session, query.merchant, query.limit))
        )

    async def get_velocity_use(self, query: VelocityUseQuery) -> VelocityUse:
        return await self._parts.database.read(lambda session: self._use(session, query))

    def _set(self, session: Session, command: SetVelocityLimits) -> VelocityLimits:
        before = rows.current(session, command.merchant)
        if before.limits == command.limits:
            return before
        if command.replaces not in (None, before.version):
            raise VelocityLimitsChanged(
                f"Version {before.version} is in force, not {command.replaces}.", param="replaces"
            )
        limits = VelocityLimits(
            command.merchant,
            before.version + 1,
            command.limits,
            self._parts.clock.now(),
            command.author,
        )
        rows.add(session, limits)
        return limits

    def _use(self, session: Session, query: VelocityUseQuery) -> VelocityUse:
        current = rows.current(session, query.merchant)
        uses = tuple(self._used(session, query, limit) for limit in current.limits)
        return VelocityUse(query.merchant, current.version, uses)

    def _used(self, session: Session, query: VelocityUseQuery, limit: VelocityLimit) -> LimitUse:
        subject = rules.subject_of(limit, query.customer, query.card)
        if limit.period == "payment" or subject is None:
            return LimitUse(limit)
        on = rules.window(limit.period, self._parts.clock.now())
        key = rules.key_of(query.merchant, query.livemode, limit, subject, on)
        count, minor = rows.used(session, key)
        return LimitUse(limit, on.begins, on.ends, count, None if limit.currency is None else minor)
