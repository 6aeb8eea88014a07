"""Keeps the vault contract: seals outside of units, keeps inside, and remembers for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import NotFound
from sycee.runtime.cache import Cache
from sycee.runtime.database import Database, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.vault import domain, store
from sycee.services.vault.adapters.keeper import Keeper, KeyMissing, Wrapped
from sycee.services.vault.contract import (
    Detokenize,
    Detokenized,
    Forget,
    Forgotten,
    KeptNumber,
    Rotate,
    StatusQuery,
    Tokenize,
    Tokenized,
    VaultStatus,
)
from sycee.services.vault.domain import CARDS, SealedNumber, SealingKey

_ENTROPY_BYTES = 16
_REWRAP_BATCH = 100


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the vault."""

    remember_keys_s: float = 300.0
    """Seconds for which a data key stays in memory in clear."""
    key_uses_max: int = 1_000_000
    """Numbers that one data key seals before a fresh one does; far below 2³²."""
    key_period_s: int = 365 * 86_400
    """Seconds for which one data key seals (its crypto-period)."""

    def __post_init__(self) -> None:
        if not 0 < self.key_uses_max <= 2**28:
            raise ValueError("key_uses_max must be from 1 to 2^28")


class VaultService:
    """Sealed numbers in a database of its own, under keys that a keeper wraps."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keeper: Keeper,
        clock: Clock,
        ids: Ids,
        entropy: Callable[[int], bytes],
        fingerprint_key: bytes,
    ) -> None:
        self._settings = settings
        self._database = database
        self._keeper = keeper
        self._clock = clock
        self._ids = ids
        self._entropy = entropy
        self._fingerprint_key = fingerprint_key
        self._known: Cache[tuple[MerchantId, str], KeptNumber] = Cache(
            clock.monotonic_s, settings.remember_keys_s
        )
        self._opened: Cache[tuple[MerchantId, int], bytes] = Cache(
            clock.monotonic_s, settings.remember_keys_s
        )
        self._rotating = asyncio.Lock()

    async def tokenize(self, command: Tokenize) -> Tokenized:
        domain.check_size(len(command.numbers))
        merchant = command.merchant
        marks = {domain.fingerprint(self._fingerprint_key, each): each for each in command.numbers}
        known = {mark: self._known.get((merchant, mark)) for mark in marks}
        fresh = {mark: number for mark, number in marks.items() if known[mark] is None}
        if fresh:
            known.update(await self._keep(merchant, fresh))
        by_number = {number: known[mark] for mark, number in marks.items()}
        return Tokenized(tuple(_there(by_number[number]) for number in command.numbers))

    async def detokenize(self, query: Detokenize) -> Detokenized:
        domain.check_size(len(query.tokens))
        now = self._clock.now()
        access_ids = [self._ids.new("acc") for _ in query.tokens]

        def unit(session: Session) -> tuple[SealedNumber, ...]:
            found = store.cards_of(session, query.merchant, query.tokens)
            cards = tuple(card for card in found if card is not None)
            if len(cards) < len(found):
                raise NotFound("No such card.", param="token")
            for id, token in zip(access_ids, query.tokens, strict=True):
                store.add_access(session, id, query, token, now)
            return cards

        cards = await self._database.write(unit)
        return Detokenized(tuple([await self._opened_number(card) for card in cards]))

    async def forget(self, command: Forget) -> Forgotten:
        await self._database.write(
            lambda session: store.forget(session, command.merchant, command.token)
        )
        self._known.forget()
        return Forgotten(command.token)

    async def rotate(self, command: Rotate) -> VaultStatus:
        async with self._rotating:
            ring = await self._keeper.ring()
            if len(ring.versions) == 1:
                await self._keeper.rotate()
            await self._finish_rotation()
        return await self.status(StatusQuery())

    async def begin(self) -> None:
        """Go on with a rotation that a crash broke off."""
        async with self._rotating:
            await self._finish_rotation()

    async def status(self, query: StatusQuery) -> VaultStatus:
        ring = await self._keeper.ring()
        keys, behind, uses, cards, accesses = await self._database.read(
            lambda session: store.counts(session, ring.current)
        )
        return VaultStatus(
            keeper=self._keeper.name,
            version=ring.current,
            versions=ring.versions,
            rotated=ring.rotated,
            data_keys=keys,
            data_keys_behind=behind,
            uses_max=uses,
            cards=cards,
            detokenized=accesses,
        )

    async def _keep(self, merchant: MerchantId, fresh: dict[str, str]) -> dict[str, KeptNumber]:
        look = self._known.look()
        key = await self._sealing_key(merchant, len(fresh))
        opened = await self._opened_key(key)
        cards = [self._sealed(key, opened, mark, number) for mark, number in fresh.items()]

        def unit(session: Session) -> list[KeptNumber]:
            store.count_uses(session, key, len(cards))
            return [store.add_card(session, card) for card in cards]

        kept = {each.fingerprint: each for each in await self._database.write(unit)}
        for mark, each in kept.items():
            self._known.remember((merchant, mark), each, look)
        return kept

    def _sealed(self, key: SealingKey, opened: bytes, mark: str, number: str) -> SealedNumber:
        token = domain.token_of(self._entropy(_ENTROPY_BYTES))
        bound = domain.bound_number(key.merchant, token, key.version)
        sealed = domain.seal(opened, self._entropy(domain.NONCE_BYTES), number.encode(), bound)
        return SealedNumber(key.merchant, domain.kept(token, mark, number), key.version, sealed)

    async def _sealing_key(self, merchant: MerchantId, more: int) -> SealingKey:
        """The merchant's newest data key, or a fresh one where it is absent or spent."""
        settings, now = self._settings, self._clock.now()
        newest = await self._database.read(
            lambda session: store.newest_key(session, merchant, CARDS)
        )
        if newest is not None and not domain.is_spent(
            newest, more, now, settings.key_uses_max, settings.key_period_s
        ):
            return newest
        version = newest.version + 1 if newest else 1
        bound = domain.bound_key(merchant, CARDS, version)
        # No rotation may retire the wrapping key between here and the row.
        async with self._rotating:
            wrapped = await self._keeper.wrap(self._entropy(domain.KEY_BYTES), bound)
            fresh = SealingKey(merchant, CARDS, version, now, 0, wrapped.version, wrapped.text)
            return await self._database.write(lambda session: store.add_key(session, fresh))

    async def _opened_number(self, card: SealedNumber) -> str:
        merchant, token, version = card.merchant, card.kept.token, card.key_version
        opened = self._opened.get((merchant, version))
        if opened is None:
            opened = await self._opened_key(await self._key(merchant, version))
        bound = domain.bound_number(merchant, token, version)
        return domain.open_sealed(opened, card.sealed, bound).decode()

    async def _opened_key(self, key: SealingKey) -> bytes:
        known = self._opened.get((key.merchant, key.version))
        if known is not None:
            return known
        look = self._opened.look()
        opened = await self._unwrapped(key)
        self._opened.remember((key.merchant, key.version), opened, look)
        return opened

    async def _unwrapped(self, key: SealingKey) -> bytes:
        bound = domain.bound_key(key.merchant, key.kind, key.version)
        while True:
            try:
                return await self._keeper.unwrap(Wrapped(key.kek, key.wrapped), bound)
            except KeyMissing:
                # A rotation may have rewrapped it since its row was read.
                read, key = key, await self._key(key.merchant, key.version)
                if key.kek == read.kek:
                    raise

    async def _key(self, merchant: MerchantId, version: int) -> SealingKey:
        key = await self._database.read(
            lambda session: store.key_of(session, merchant, CARDS, version)
        )
        assert key is not None, "what sealed a number is kept"
        return key

    async def _finish_rotation(self) -> None:
        """Rewrap what a former key wrapped, then give the former keys up."""
        ring = await self._keeper.ring()
        while behind := await self._database.read(
            lambda session: store.keys_behind(session, ring.current, _REWRAP_BATCH)
        ):
            for key in behind:
                await self._rewrap(key)
        await self._keeper.retire()

    async def _rewrap(self, key: SealingKey) -> None:
        bound = domain.bound_key(key.merchant, key.kind, key.version)
        wrapped = await self._keeper.wrap(await self._unwrapped(key), bound)
        await self._database.write(
            lambda session: store.rewrap(session, key, wrapped.version, wrapped.text)
        )


def _there(card: KeptNumber | None) -> KeptNumber:
    assert card is not None, "every number was kept or known"
    return card
