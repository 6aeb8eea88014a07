"""What a run's arguments make of a template: accounts, amounts and percentages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import msgspec

from sycee.kernel.money import Currency
from sycee.services.accounting.contract import (
    AccountName,
    ArgumentInvalid,
    Move,
    ParameterKind,
    Rounding,
    Share,
    Source,
    Template,
)
from sycee.services.accounting.domain.names import is_account_name, is_account_part
from sycee.services.accounting.domain.rounding import by_largest_remainder, limited, rounded
from sycee.services.accounting.domain.templates.definition import (
    WHOLE,
    filled,
    fits,
    is_share_of_what_is_there,
    minor_units,
    percentage,
)


class BoundSource(msgspec.Struct, frozen=True):
    """A source whose account and limit are known."""

    account: AccountName
    up_to: int | None
    unlimited: bool


class BoundShare(msgspec.Struct, frozen=True):
    """A share whose account and size are known. Neither size: the remainder."""

    account: AccountName
    fixed: int | None
    percent: Fraction | None


class BoundMove(msgspec.Struct, frozen=True):
    """A move without parameters."""

    sources: tuple[BoundSource, ...]
    shares: tuple[BoundShare, ...]
    amount: int | None
    complete: bool
    rounding: Rounding
    by_balance: bool
    """Whether its shares are percentages of what is there."""


class Run(msgspec.Struct, frozen=True):
    """A template without parameters."""

    currency: Currency
    moves: tuple[BoundMove, ...]

    def names(self) -> Iterator[AccountName]:
        """Every account that it names."""
        for move in self.moves:
            yield from (source.account for source in move.sources)
            yield from (share.account for share in move.shares)


def bound(template: Template, arguments: Mapping[str, str]) -> Run:
    """The run that these arguments make; ``ArgumentInvalid`` says what is wrong with them."""
    _check_arguments(template, arguments)
    moves = tuple(_bound(move, arguments) for move in template.moves)
    return Run(Currency(filled(template.currency, arguments)), moves)


def _check_arguments(template: Template, arguments: Mapping[str, str]) -> None:
    wanted = {parameter.name: parameter.kind for parameter in template.parameters}
    for name in arguments:
        if name not in wanted:
            raise _invalid("The template has no such parameter.", name)
    for name, kind in wanted.items():
        if name not in arguments:
            raise _invalid("The argument is missing.", name)
        if not _is_of(arguments[name], kind):
            raise _invalid(f"It is not of kind {kind.value}.", name)


def _is_of(text: str, kind: ParameterKind) -> bool:
    if kind is ParameterKind.ACCOUNT:
        return is_account_name(text)
    if kind is ParameterKind.TEXT:
        return is_account_part(text)
    return fits(text, kind)


def _invalid(text: str, name: str) -> ArgumentInvalid:
    return ArgumentInvalid(text, param=f"arguments.{name}")


def _bound(move: Move, arguments: Mapping[str, str]) -> BoundMove:
    sources = tuple(_source(source, arguments) for source in move.sources)
    shares = tuple(_share(share, arguments) for share in move.shares)
    _check_accounts(sources, shares)
    amount = _amount(move.amount, arguments)
    if amount == 0 and move.complete:
        raise ArgumentInvalid("The amount of a complete move is at least 1.", param="arguments")
    percents = [share.percent for share in shares if share.percent is not None]
    if len(percents) == len(shares) and sum(percents) != WHOLE:
        raise ArgumentInvalid("The percentages do not make up 100.", param="arguments")
    return BoundMove(
        sources,
        shares,
        amount,
        move.complete,
        move.rounding,
        is_share_of_what_is_there(move),
    )


def _check_accounts(sources: tuple[BoundSource, ...], shares: tuple[BoundShare, ...]) -> None:
    names = [source.account for source in sources]
    for share in shares:
        if share.account in names:
            text = f"{share.account} is a source and a share of one move."
            raise ArgumentInvalid(text, param="arguments")
    if len(set(names)) < len(names):
        raise ArgumentInvalid("A source is there twice in one move.", param="arguments")


def _source(source: Source, arguments: Mapping[str, str]) -> BoundSource:
    account = _account(source.account, arguments)
    return BoundSource(account, _amount(source.up_to, arguments), source.unlimited)


def _share(share: Share, arguments: Mapping[str, str]) -> BoundShare:
    percent = None if share.percent is None else percentage(filled(share.percent, arguments))
    fixed = _amount(share.fixed, arguments)
    return BoundShare(_account(share.account, arguments), fixed, percent)


def _account(text: str, arguments: Mapping[str, str]) -> AccountName:
    name = filled(text, arguments)
    if not is_account_name(name):
        raise ArgumentInvalid(f"{name[:60]} is no account's name.", param="arguments")
    return AccountName(name)


def _amount(text: str | None, arguments: Mapping[str, str]) -> int | None:
    return None if text is None else minor_units(filled(text, arguments))


def split(move: BoundMove, whole: int) -> list[int]:
    """What each share gets of a whole: together exactly the whole.

    ``ArgumentInvalid`` when fixed shares come to more than there is and nothing may be left out.
    """
    shares = move.shares
    if all(share.percent is not None for share in shares):
        weights = [(share.percent or Fraction(0)) * WHOLE**-1 for share in shares]
        return by_largest_remainder(whole, weights)
    order = [place for place, share in enumerate(shares) if share.fixed is not None]
    order += [place for place, share in enumerate(shares) if share.percent is not None]
    wanted = [_wanted(shares[place], whole, move.rounding) for place in order]
    given, rest = limited(whole, wanted)
    parts = [rest] * len(shares)
    for place, part in zip(order, given, strict=True):
        parts[place] = part
    fixed = sum(share.fixed or 0 for share in shares)
    if move.complete and fixed > whole:
        text = f"The fixed shares come to {fixed}, more than the whole of {whole}."
        raise ArgumentInvalid(text, param="arguments")
    return parts


def _wanted(share: BoundShare, whole: int, rounding: Rounding) -> int:
    if share.fixed is not None:
        return share.fixed
    return rounded(whole * (share.percent or Fraction(0)) * WHOLE**-1, rounding)
