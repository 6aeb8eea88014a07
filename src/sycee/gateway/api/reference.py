"""``/``, ``/openapi.json`` and ``/docs``: an offline reference, rendered from the document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from html import escape

import msgspec

from sycee.gateway.api.pages import style_hash
from sycee.gateway.asgi import Header
from sycee.gateway.openapi.document import encoded
from sycee.gateway.request import HTML, Answer, Request
from sycee.gateway.routes import ANYONE, Empty, Route, route
from sycee.gateway.stripe.errors import WORDINGS, Wording, public_status
from sycee.kernel.refusal import Refusal

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "nav{columns:24rem;margin:1rem 0;font-size:.9rem}"
    "nav a{display:block;overflow-wrap:anywhere;text-decoration:none}"
    "code{background:#8881;padding:.1em .3em;border-radius:.3em;overflow-wrap:anywhere}"
    "section{border-top:1px solid #8884;padding:.5rem 0}"
    "table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.2rem .8rem "
    ".2rem 0}h3{margin:.5rem 0}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}"
    "a{color:#8bf}}"
)
POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src '%s'; frame-ancestors 'none'; base-uri 'none'"
    % style_hash(STYLE),
)
WELCOME = b'{"name":"sycee","docs":"/docs","openapi":"/openapi.json","health":"/health"}'


class Reference:
    """The document in two forms; made when first asked for."""

    def __init__(self, documented: Iterable[Route]) -> None:
        self._documented = tuple(documented)

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route("GET /", self.welcome, Empty, answers="page", roles=ANYONE, page=True),
            route("GET /docs", self.docs, Empty, answers="page", roles=ANYONE, page=True),
            route("GET /openapi.json", self.json, Empty, answers="page", roles=ANYONE, page=True),
        ]

    async def welcome(self, request: Request, given: Empty) -> Answer:
        """Say where to read on."""
        return Answer(200, WELCOME)

    async def docs(self, request: Request, given: Empty) -> Answer:
        """Show the reference."""
        return Answer(200, self._page, HTML, (POLICY,))

    async def json(self, request: Request, given: Empty) -> Answer:
        """Show the OpenAPI document."""
        return Answer(200, self._document)

    @cached_property
    def _document(self) -> bytes:
        return encoded(self._documented)

    @cached_property
    def _page(self) -> bytes:
        document = msgspec.json.decode(self._document, type=_Document)
        parts = [_contents(document), _operations(document), _errors()]
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>Sycee API</title>'
            f"<style>{STYLE}</style><h1>Sycee API {escape(document.info.version)}</h1>"
            f"<p>{escape(document.info.description)} "
            '<a href="/openapi.json">OpenAPI document</a> · <a href="#errors">Errors</a></p>'
            f"{''.join(parts)}</html>"
        ).encode()


class _About(msgspec.Struct):
    version: str
    description: str


class _Schema(msgspec.Struct):
    properties: dict[str, msgspec.Raw] = {}
    required: list[str] = []


class _Components(msgspec.Struct):
    schemas: dict[str, _Schema]


class _Parameter(msgspec.Struct):
    name: str
    required: bool = False


class _Operation(msgspec.Struct):
    operationId: str  # noqa: N815 - OpenAPI's word
    summary: str
    parameters: list[_Parameter]


class _Document(msgspec.Struct):
    info: _About
    paths: dict[str, dict[str, _Operation]]
    components: _Components


def _each(document: _Document) -> Iterator[tuple[str, str, _Operation]]:
    for path, methods in document.paths.items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _contents(document: _Document) -> str:
    links = "".join(
        f'<a href="#{operation.operationId}">{method} {escape(path)}</a>'
        for method, path, operation in _each(document)
    )
    return f"<nav>{links}</nav>"


def _operations(document: _Document) -> str:
    schemas = document.components.schemas
    return "".join(_operation(*each, schemas) for each in _each(document))


def _operation(method: str, path: str, operation: _Operation, schemas: dict[str, _Schema]) -> str:
    names = [(each.name, each.required) for each in operation.parameters]
    body = schemas.get(operation.operationId, _Schema())
    names += [(name, name in body.required) for name in body.properties]
    listed = ", ".join(
        f"<code>{escape(name)}</code>{' (required)' if required else ''}"
        for name, required in names
    )
    return (
        f'<section id="{operation.operationId}"><h3><code>{method} {escape(path)}</code></h3>'
        f"<p>{escape(operation.summary)}</p>{f'<p>Takes {listed}.</p>' if listed else ''}</section>"
    )


def _errors() -> str:
    rows = "".join(_error(refusal) for _, refusal in sorted(Refusal.by_code.items()))
    return (
        '<h2 id="errors">Errors</h2><table><tr><th>Code<th>Status under /v1<th>Meaning</tr>'
        f"{rows}</table>"
    )


def _error(refusal: type[Refusal]) -> str:
    code = WORDINGS.get(refusal.code, Wording()).code or refusal.code
    meaning = " ".join((refusal.__doc__ or "").replace("``", "").split())
    return (
        f'<tr id="error-{escape(code)}"><td><code>{escape(code)}</code>'
        f"<td>{public_status(refusal)}<td>{escape(meaning)}</tr>"
    )
