"""Reads ``application/x-www-form-urlencoded`` with nested brackets, strictly."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from sycee.gateway.refusals import BodyInvalid
from sycee.gateway.request import Raw

PAIRS_MAX = 1000
NAME_CHARACTERS_MAX = 300
DEPTH_MAX = 8

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_NESTED = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")


def read_form(octets: bytes) -> dict[str, Raw]:
    """A tree of texts: ``a[b]=x`` is a dict in a dict, ``a[]=x`` a list, ``a[0]=x`` keeps its
    index as a key."""
    tree: dict[str, Raw] = {}
    if octets.count(b"&") >= PAIRS_MAX:
        raise BodyInvalid(f"More than {PAIRS_MAX} parameters.")
    for pair in octets.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            _put(tree, _text(name), _text(value))
    return tree


def _text(octets: bytes) -> str:
    """Undo percent-encoding; the result is UTF-8 without NUL."""
    if b"+" in octets:
        octets = octets.replace(b"+", b" ")
    if b"%" in octets:
        if _BAD_ESCAPE.search(octets):
            raise BodyInvalid("A percent sign is not followed by two hexadecimal digits.")
        octets = unquote_to_bytes(octets)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise BodyInvalid("The parameters are not valid UTF-8.") from None
    if "\0" in text:
        raise BodyInvalid("A parameter contains NUL.")
    return text


def _put(tree: dict[str, Raw], name: str, value: str) -> None:
    if not name or len(name) > NAME_CHARACTERS_MAX:
        raise BodyInvalid("A parameter's name is empty or too long.")
    if "[" not in name and "]" not in name:
        if name in tree:
            raise BodyInvalid(f"The parameter {name} is there twice.", param=name)
        tree[name] = value
        return
    _put_nested(tree, name, value)


def _put_nested(tree: dict[str, Raw], name: str, value: str) -> None:
    match = _NESTED.fullmatch(name)
    if match is None:
        raise BodyInvalid(f"The brackets of the parameter {name} do not match.", param=name)
    keys = [match[1], *match[2][1:-1].split("][")]
    if len(keys) > DEPTH_MAX:
        raise BodyInvalid(f"The parameter {name} is nested too deeply.", param=name)
    is_item = keys[-1] == ""
    inner = keys[:-1] if is_item else keys
    if "" in inner:
        raise BodyInvalid(f"Number the items: {name} is ambiguous.", param=name)
    node = _descend(tree, inner[:-1], name)
    if is_item:
        _append(node, inner[-1], value, name)
    elif inner[-1] in node:
        raise BodyInvalid(f"The parameter {name} is there twice.", param=name)
    else:
        node[inner[-1]] = value


def _descend(node: dict[str, Raw], keys: list[str], name: str) -> dict[str, Raw]:
    for key in keys:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise BodyInvalid(f"The parameter {name} is there in two shapes.", param=name)
        node = child
    return node


def _append(node: dict[str, Raw], key: str, value: str, name: str) -> None:
    items = node.setdefault(key, [])
    if not isinstance(items, list):
        raise BodyInvalid(f"The parameter {name} is there in two shapes.", param=name)
    items.append(value)
