"""Which templates make sense."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from sycee.kernel.currencies import BY_CODE
from sycee.services.accounting.contract import (
    DefineTemplate,
    Move,
    ParameterKind,
    Rounding,
    Share,
    Source,
    TemplateInvalid,
)
from sycee.services.accounting.domain.legs import AMOUNT_MAX
from sycee.services.accounting.domain.names import check_plain_name, is_account_name
from sycee.services.accounting.domain.rounding import decimal

MOVES_MAX: Final = 20
SOURCES_MAX: Final = 50
SHARES_MAX: Final = 200
PARAMETERS_MAX: Final = 50
VERSION_MAX: Final = 2**31 - 1
DESCRIPTION_LENGTH_MAX: Final = 500
WHOLE: Final = Fraction(100)

_PARAMETER: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_DIGITS: Final = re.compile(r"[0-9]{1,39}")
_PERCENT_PLACES_MAX: Final = 6

Kinds = Mapping[str, ParameterKind]


def check_template(command: DefineTemplate) -> None:
    """Refuse a template that could not be run."""
    check_plain_name(command.name, "name")
    if not 1 <= command.version <= VERSION_MAX:
        raise TemplateInvalid("A version is 1 or more.", param="version")
    if len(command.description) > DESCRIPTION_LENGTH_MAX:
        text = f"A description has at most {DESCRIPTION_LENGTH_MAX} characters."
        raise TemplateInvalid(text, param="description")
    kinds = _kinds(command)
    _check_word(command.currency, ParameterKind.CURRENCY, kinds, "currency")
    if not 1 <= len(command.moves) <= MOVES_MAX:
        raise TemplateInvalid(f"A template has 1 to {MOVES_MAX} moves.", param="moves")
    for place, move in enumerate(command.moves):
        _check_move(move, kinds, f"moves[{place}]")
        if place and is_share_of_what_is_there(move):
            text = "Only the first move may split what is there by percentages."
            raise TemplateInvalid(text, param=f"moves[{place}]")


def is_share_of_what_is_there(move: Move) -> bool:
    """Whether its shares depend on balances that are known only when it is done."""
    return not move.complete and any(share.percent is not None for share in move.shares)


def _kinds(command: DefineTemplate) -> Kinds:
    if len(command.parameters) > PARAMETERS_MAX:
        text = f"A template has at most {PARAMETERS_MAX} parameters."
        raise TemplateInvalid(text, param="parameters")
    kinds: dict[str, ParameterKind] = {}
    for place, parameter in enumerate(command.parameters):
        if not _PARAMETER.fullmatch(parameter.name):
            text = "A parameter's name is a small letter, then small letters, digits and _."
            raise TemplateInvalid(text, param=f"parameters[{place}].name")
        if parameter.name in kinds:
            text = f"The parameter {parameter.name} is there twice."
            raise TemplateInvalid(text, param=f"parameters[{place}].name")
        kinds[parameter.name] = parameter.kind
    return kinds


def _check_move(move: Move, kinds: Kinds, at: str) -> None:
    if not 1 <= len(move.sources) <= SOURCES_MAX:
        raise TemplateInvalid(f"A move has 1 to {SOURCES_MAX} sources.", param=f"{at}.sources")
    if not 1 <= len(move.shares) <= SHARES_MAX:
        raise TemplateInvalid(f"A move has 1 to {SHARES_MAX} shares.", param=f"{at}.shares")
    if move.amount is not None:
        _check_word(move.amount, ParameterKind.AMOUNT, kinds, f"{at}.amount")
    elif move.complete:
        text = "A complete move has an amount; all that is there is not complete."
        raise TemplateInvalid(text, param=f"{at}.amount")
    for place, source in enumerate(move.sources):
        _check_source(source, move, kinds, f"{at}.sources[{place}]")
    for place, share in enumerate(move.shares):
        _check_share(share, kinds, f"{at}.shares[{place}]")
    _check_split(move.shares, move.rounding, f"{at}.shares")


def _check_source(source: Source, move: Move, kinds: Kinds, at: str) -> None:
    _check_account(source.account, kinds, f"{at}.account")
    if source.up_to is not None:
        _check_word(source.up_to, ParameterKind.AMOUNT, kinds, f"{at}.up_to")
    if source.unlimited and not move.complete:
        text = "There is no end to what is in an unlimited source: name the amount."
        raise TemplateInvalid(text, param=f"{at}.unlimited")


def _check_share(share: Share, kinds: Kinds, at: str) -> None:
    _check_account(share.account, kinds, f"{at}.account")
    if share.fixed is not None and share.percent is not None:
        raise TemplateInvalid("A share is fixed or a percentage, not both.", param=at)
    if share.fixed is not None:
        _check_word(share.fixed, ParameterKind.AMOUNT, kinds, f"{at}.fixed")
    if share.percent is not None:
        _check_word(share.percent, ParameterKind.PERCENT, kinds, f"{at}.percent")


def _check_split(shares: Sequence[Share], rounding: Rounding, at: str) -> None:
    remainders = sum(share.fixed is None and share.percent is None for share in shares)
    if remainders > 1:
        raise TemplateInvalid("Only one share can be the remainder.", param=at)
    percents = [share.percent for share in shares if share.percent is not None]
    if remainders:
        if percents and rounding is Rounding.LARGEST_REMAINDER:
            text = "With a remainder, percentages need a rounding of their own, such as half_even."
            raise TemplateInvalid(text, param=at.replace(".shares", ".rounding"))
        return
    if len(percents) < len(shares):
        raise TemplateInvalid("Without a remainder all shares are percentages.", param=at)
    if rounding is not Rounding.LARGEST_REMAINDER:
        text = "Without a remainder, only largest_remainder makes shares sum to the whole."
        raise TemplateInvalid(text, param=at.replace(".shares", ".rounding"))
    known = [percentage(percent) for percent in percents]
    values = [value for value in known if value is not None]
    if len(values) == len(known) and sum(values) != WHOLE:
        raise TemplateInvalid("The percentages do not make up 100.", param=at)


def _check_account(text: str, kinds: Kinds, at: str) -> None:
    named = parameter_of(text)
    if named is not None and kinds.get(named) is ParameterKind.ACCOUNT:
        return
    for name in _BRACES.findall(text):
        if kinds.get(name) is not ParameterKind.TEXT:
            raise TemplateInvalid(f"There is no parameter {name} of kind text.", param=at)
    if not is_account_name(_BRACES.sub("x", text)):
        raise TemplateInvalid("It is no account's name.", param=at)


def _check_word(text: str, kind: ParameterKind, kinds: Kinds, at: str) -> None:
    named = parameter_of(text)
    if named is not None:
        if kinds.get(named) is not kind:
            raise TemplateInvalid(f"There is no parameter {named} of kind {kind.value}.", param=at)
    elif not fits(text, kind):
        raise TemplateInvalid(f"{text!r} is not of kind {kind.value}.", param=at)


def parameter_of(text: str) -> str | None:
    """The parameter that a text stands for as a whole."""
    found = _BRACES.fullmatch(text)
    return found[1] if found else None


def fits(text: str, kind: ParameterKind) -> bool:
    """Whether a text is an amount, a currency or a percentage."""
    if kind is ParameterKind.AMOUNT:
        return minor_units(text) is not None
    if kind is ParameterKind.CURRENCY:
        return text in BY_CODE
    return percentage(text) is not None


def minor_units(text: str) -> int | None:
    """Minor units, when the text says some."""
    if not (text.isascii() and _DIGITS.fullmatch(text)):
        return None
    return int(text) if int(text) <= AMOUNT_MAX else None


def percentage(text: str) -> Fraction | None:
    """A percentage from 0 to 100, when the text says one."""
    value = decimal(text)
    if value is None or value > WHOLE or len(text.partition(".")[2]) > _PERCENT_PLACES_MAX:
        return None
    return value


def filled(text: str, arguments: Mapping[str, str]) -> str:
    """A text with its parameters replaced."""
    return _BRACES.sub(lambda found: arguments[found[1]], text)
