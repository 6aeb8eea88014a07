"""Reads JSON as I-JSON (RFC 7493) and a little stricter: one text has one meaning.

The standard library's scanner is used because it can tell of repeated keys; compiled parsers keep
the last one silently. Money never arrives as a float, so floats survive reading only to be refused
by name where a parameter wants something else.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

from sycee.gateway.refusals import BodyInvalid
from sycee.gateway.request import Raw

DEPTH_MAX = 32
DIGITS_MAX = 19

_BAD_TEXT = re.compile("[\0\ud800-\udfff]")


def read_json(octets: bytes) -> dict[str, Raw]:
    """The members of the one object that the body is."""
    try:
        value = _decode(octets.decode())
    except UnicodeDecodeError:
        raise BodyInvalid("The body is not valid UTF-8.") from None
    except RecursionError:
        raise BodyInvalid(f"The body is nested deeper than {DEPTH_MAX}.") from None
    except json.JSONDecodeError as error:
        raise BodyInvalid(f"The body is not JSON: {error.msg} at {error.pos}.") from None
    if not isinstance(value, dict):
        raise BodyInvalid("The body must be a JSON object.")
    _check_depth(octets, value)
    if b"\\u" in octets:
        _check_texts(value)
    return value


def _decode(text: str) -> Raw:
    value: Raw = _decoder.decode(text)
    return value


def _unique(pairs: list[tuple[str, Raw]]) -> dict[str, Raw]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise BodyInvalid(f"The key {twice[:100]!r} is there twice.", param=twice[:100])
    return members


def _bounded(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise BodyInvalid(f"A number has more than {DIGITS_MAX} digits.")
    if digits == "-0":
        raise BodyInvalid("Minus zero is not an integer here.")
    return int(digits)


def _not_a_number(word: str) -> NoReturn:
    raise BodyInvalid(f"{word} is not JSON.")


def _check_depth(octets: bytes, value: Raw) -> None:
    if octets.count(b"{") + octets.count(b"[") > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise BodyInvalid(f"The body is nested deeper than {DEPTH_MAX}.")


def _depth(value: Raw) -> int:
    """Levels of nesting, counted level by level so that depth costs no recursion."""
    level, depth = [value], 0
    while level:
        level = [child for node in level for child in _children(node)]
        level = [child for child in level if isinstance(child, (dict, list))]
        depth += 1
    return depth


def _children(value: Raw) -> list[Raw]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_texts(value: Raw) -> None:
    """Escapes can smuggle in what UTF-8 itself rules out: NUL and lone surrogates."""
    level: list[Raw] = [value]
    while level:
        for node in level:
            for text in _own_texts(node):
                if _BAD_TEXT.search(text):
                    raise BodyInvalid("A text contains NUL or half a surrogate pair.")
        level = [child for node in level for child in _children(node)]


def _own_texts(value: Raw) -> list[str]:
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, dict) else []


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_bounded, parse_constant=_not_a_number
)
