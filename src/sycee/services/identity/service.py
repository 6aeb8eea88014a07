"""Keeps the identity contract: merchants, keys, and fast answers to who is calling."""

from __future__ import annotations

import secrets

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import NotFound
from sycee.runtime.cache import Cache
from sycee.runtime.database import Database, Session
from sycee.services.identity import domain, store
from sycee.services.identity.contract import (
    ApiKey,
    ApiKeyId,
    ApiKeyInvalid,
    ApiKeys,
    Authenticate,
    Caller,
    CreateMerchant,
    GetMerchant,
    IssuedKey,
    IssueKey,
    ListKeys,
    Merchant,
    MerchantId,
    MerchantStatus,
    Revoked,
    RevokeKey,
    UpdateMerchant,
)


class IdentityService:
    """Merchants and keys in one database, callers in a short memory beside it."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, pepper: bytes, remember_s: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._pepper = pepper
        self._callers: Cache[bytes, Caller] = Cache(clock.monotonic_s, remember_s)
        self._used: set[ApiKeyId] = set()

    async def create_merchant(self, command: CreateMerchant) -> Merchant:
        domain.check_merchant(command)
        merchant = Merchant(
            id=command.id,
            name=command.name,
            country=command.country,
            default_currency=command.default_currency,
            status=MerchantStatus.ACTIVE,
            limits=command.limits,
            created=self._clock.now(),
        )
        return await self._database.write(lambda session: store.add_merchant(session, merchant))

    async def update_merchant(self, command: UpdateMerchant) -> Merchant:
        if command.limits is not None:
            domain.check_limits(command.limits)
        merchant = await self._database.write(lambda session: _update(session, command))
        self._callers.forget()
        return merchant

    async def get_merchant(self, query: GetMerchant) -> Merchant:
        return await self._database.read(lambda session: _merchant(session, query.id))

    async def issue_key(self, command: IssueKey) -> IssuedKey:
        secret = domain.secret_text(
            command.role, command.livemode, secrets.token_bytes(domain.ENTROPY_BYTES)
        )
        key = ApiKey(
            id=ApiKeyId(self._ids.new("key")),
            merchant=command.merchant,
            role=command.role,
            livemode=command.livemode,
            scopes=command.scopes,
            created=self._clock.now(),
        )
        digest = domain.digest(self._pepper, secret)
        await self._database.write(lambda session: _issue(session, key, digest))
        return IssuedKey(id=key.id, secret=secret)

    async def revoke_key(self, command: RevokeKey) -> Revoked:
        now = self._clock.now()

        def unit(session: Session) -> Revoked:
            key = store.key_by_id(session, command.merchant, command.id)
            if key is None:
                raise NotFound(f"No such API key: {command.id}", param="id")
            store.revoke_key(session, key.id, now)
            return Revoked(id=key.id, at=key.revoked or now)

        revoked = await self._database.write(unit)
        self._callers.forget()
        return revoked

    async def list_keys(self, query: ListKeys) -> ApiKeys:
        keys = await self._database.read(
            lambda session: store.keys_of(session, query.merchant, query.limit)
        )
        return ApiKeys(keys)

    async def authenticate(self, query: Authenticate) -> Caller:
        if len(query.secret) > domain.SECRET_LENGTH_MAX:
            raise ApiKeyInvalid("Invalid API key.")
        digest = domain.digest(self._pepper, query.secret)
        caller = self._callers.get(digest) or await self._look_up(digest)
        self._used.add(caller.key)
        return caller

    async def keep_last_used(self) -> None:
        """Write down which keys were used since the last time."""
        if not self._used:
            return
        used, self._used = self._used, set()
        now = self._clock.now()
        await self._database.write(lambda session: store.touch_keys(session, used, now))

    async def _look_up(self, digest: bytes) -> Caller:
        look = self._callers.look()
        caller = await self._database.read(lambda session: store.caller_by_digest(session, digest))
        if caller is None:
            raise ApiKeyInvalid("Invalid API key.")
        self._callers.remember(digest, caller, look)
        return caller


def _merchant(session: Session, merchant: MerchantId) -> Merchant:
    found = store.merchant_by_id(session, merchant)
    if found is None:
        raise NotFound(f"No such merchant: {merchant}", param="id")
    return found


def _update(session: Session, command: UpdateMerchant) -> Merchant:
    before = _merchant(session, command.id)
    after = msgspec.structs.replace(
        before,
        status=command.status or before.status,
        limits=command.limits or before.limits,
    )
    store.replace_merchant(session, after)
    return after


def _issue(session: Session, key: ApiKey, digest: bytes) -> None:
    _merchant(session, key.merchant)
    store.add_key(session, key, digest)
