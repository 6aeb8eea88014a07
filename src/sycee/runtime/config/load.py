"""Fills a schema, and remembers for every value where it came from."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from sycee.runtime.config.schema import PREFIX, Key, keys

Shape = TypeVar("Shape", bound=msgspec.Struct)

DEFAULT = "default"
COMMAND_LINE = "command line"

OTHER_VARIABLES = frozenset(
    {
        "SYCEE_CONFIG",
        "SYCEE_PYTHON",
        "SYCEE_URL",
        "SYCEE_KEY",
        "SYCEE_PUBLISHABLE_KEY",
        "SYCEE_OPERATOR_KEY",
        "SYCEE_LEDGER_KEY",
        "SYCEE_GRPC",
        "SYCEE_PROTO",
        "SYCEE_TIGERBEETLE",
        "SYCEE_HOME",
    }
)
"""Variables that begin like ours and are no configuration."""


class ConfigurationInvalid(Exception):
    """Something that was configured cannot be taken; the text names each key and its source."""


class Setting(msgspec.Struct, frozen=True):
    """One value in force."""

    key: Key
    value: object
    source: str
    """``default``, a file's name, ``environment SYCEE_…`` or ``command line``."""


class Loaded(msgspec.Struct, Generic[Shape], frozen=True):
    """The configuration, and every value of it with its source."""

    value: Shape
    settings: tuple[Setting, ...]


class _Given(msgspec.Struct, frozen=True):
    """A value as it came."""

    name: str
    value: object
    source: str


def load(
    schema: type[Shape],
    file: Path | None,
    environment: Mapping[str, str],
    overrides: Sequence[str],
) -> Loaded[Shape]:
    """Fill the schema: the command line (``key=value``) wins over the environment, that over the
    file, that over the defaults. Raises ``ConfigurationInvalid`` with all that is wrong."""
    known = {key.name: key for key in keys(schema)}
    given = [
        *(_from_file(file) if file else ()),
        *_from_environment(environment, known),
        *_from_command_line(overrides),
    ]
    problems = [_unknown(each, known) for each in given if each.name not in known]
    if problems:
        raise ConfigurationInvalid("\n".join(problems))
    values = {each.name: _read(each, known[each.name]) for each in given}
    sources = {each.name: each.source for each in given}
    filled = _filled(schema, values, sources)
    return Loaded(filled, tuple(_settings(filled, known.values(), sources)))


def _from_file(file: Path) -> Iterator[_Given]:
    try:
        tree = tomllib.loads(file.read_text())
    except FileNotFoundError:
        raise ConfigurationInvalid(f"There is no configuration file {file}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"{file} is not TOML: {error}") from None
    return _leaves(tree, "", str(file))


def _leaves(tree: Mapping[str, object], prefix: str, source: str) -> Iterator[_Given]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.", source)
        else:
            yield _Given(prefix + name, value, source)


def _from_environment(environment: Mapping[str, str], known: Mapping[str, Key]) -> Iterator[_Given]:
    by_variable = {key.variable: name for name, key in known.items()}
    for variable, text in environment.items():
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES:
            spelled = variable.removeprefix(PREFIX).replace("__", ".").lower()
            name = by_variable.get(variable, spelled)
            yield _Given(name, text, f"environment {variable}")


def _from_command_line(overrides: Iterable[str]) -> Iterator[_Given]:
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise ConfigurationInvalid(f"{override!r} is not of the form key=value.")
        yield _Given(name, text, COMMAND_LINE)


def _unknown(given: _Given, known: Mapping[str, Key]) -> str:
    close = difflib.get_close_matches(given.name, known, 1, 0.5)
    suggestion = f" Did you mean {close[0]}?" if close else ""
    return f"{given.name} ({given.source}) is not a key.{suggestion}"


def _read(given: _Given, key: Key) -> object:
    """A text from environment or command line as a value: JSON where the key is not a text."""
    if not isinstance(given.value, str) or key.takes_text:
        return given.value
    try:
        return msgspec.json.decode(given.value)
    except msgspec.DecodeError:
        return given.value


def _filled(schema: type[Shape], values: Mapping[str, object], sources: Mapping[str, str]) -> Shape:
    tree: dict[str, object] = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        branch = tree
        for section in sections:
            inner = branch.setdefault(section, {})
            assert isinstance(inner, dict), "only leaves of the schema hold values"
            branch = inner
        branch[last] = value
    try:
        return msgspec.convert(tree, schema, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationInvalid(_located(str(error), sources)) from None


def _located(error: str, sources: Mapping[str, str]) -> str:
    """The converter's message with the key in our words, and where its value came from."""
    message, _, path = error.partition(" - at `$.")
    name = path.rstrip("`").partition("[")[0]
    if not name:
        return message
    return f"{name} ({sources.get(name, 'several values')}): {message}."


def _settings(
    filled: msgspec.Struct, known: Iterable[Key], sources: Mapping[str, str]
) -> Iterator[Setting]:
    for key in known:
        value: object = filled
        for part in key.name.split("."):
            value = getattr(value, part)
        yield Setting(key, value, sources.get(key.name, DEFAULT))
