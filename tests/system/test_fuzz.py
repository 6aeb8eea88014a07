"""Random requests, seeded: whatever comes in, nothing ends in a fault."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from sycee.gateway.app import documented_routes
from sycee.gateway.routes import Route
from sycee.services.identity.contract import Role
from tests.system.octets import corpus, mutated
from tests.system.platform import Platform
from tests.system.shops import Shop, bearer, lunch, open_shop, operator
from tests.system.wire import connected, statuses

SEED = 20_261_124
RAW_REQUESTS = 1_500
AT_ONCE = 50
SILENCE_S = 0.15
EXAMPLES = 25

ROUTES = [route for route in documented_routes() if route.roles and "/replays" not in route.path]
TEXTS = st.one_of(
    st.sampled_from(["", "usd", "card", "true", "0", "-1", "1e3", "NaN", "2000", "9" * 30, "*"]),
    st.sampled_from(["pm_card_visa", "tok_visa", "pm_card_chargeDeclined", "jpy", "off_session"]),
    st.sampled_from(["https://shop.example/", "http://[", "javascript:x", "'; --", "\u202e", "💳"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50),
)
VALUES: st.SearchStrategy[object] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXTS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture(scope="module")
def ids(shop: Shop) -> dict[str, list[str]]:
    """Real ids by the variable or the field that may hold them."""
    v1 = shop.client.v1
    customer = v1.customers.create({"name": "Jenny"}).id
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    paid = v1.payment_intents.create(lunch())
    held = v1.payment_intents.create(lunch(capture_method="manual")).id
    refund = v1.refunds.create({"payment_intent": paid.id, "amount": 1}).id
    setup = v1.setup_intents.create({"payment_method": "pm_card_visa"}).id
    return {
        "customer": [customer],
        "payment_method": [method],
        "payment_intent": [paid.id, held],
        "payment_intents": [paid.id, held],
        "charge": [paid.latest_charge],
        "charges": [paid.latest_charge],
        "refunds": [refund],
        "customers": [customer],
        "payment_methods": [method],
        "setup_intents": [setup],
        "merchants": [open_shop(shop.platform).id],
    }


@pytest.fixture(scope="module")
def callers(shop: Shop) -> Iterator[dict[Role, httpx.Client]]:
    with bearer(shop.platform, shop.secret_key) as own, operator(shop.platform) as desk:
        yield {Role.SECRET: own, Role.OPERATOR: desk}


@pytest.mark.parametrize("route", ROUTES, ids=[route.operation for route in ROUTES])
def test_no_parameters_end_in_a_fault(
    callers: dict[Role, httpx.Client], ids: dict[str, list[str]], route: Route
) -> None:
    """AE1."""
    client = callers[Role.SECRET if Role.SECRET in route.roles else Role.OPERATOR]
    fitting = fields(inspect.type_info(route.parameters))
    odd = [*route.parameters.__struct_fields__, "nonsense", "expand", "metadata"]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        given_ = dict(data.draw(fitting))
        for name in sorted(given_.keys() & ids.keys()):
            given_[name] = data.draw(st.sampled_from(ids[name]))
        given_ |= data.draw(st.dictionaries(st.sampled_from(odd), VALUES, max_size=1))
        answer = sent(client, route, path_of(route, ids, data), given_, data.draw(st.booleans()))
        assert answer.status_code < 500, (answer.status_code, answer.text, given_)

    attempt()


def fields(kind: inspect.StructType) -> st.SearchStrategy[dict[str, object]]:
    """Parameters that fit, all that are required and some of the others."""
    required = {field.name: fitting(field.type) for field in kind.fields if field.required}
    optional = {field.name: fitting(field.type) for field in kind.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional)


def fitting(kind: inspect.Type) -> st.SearchStrategy[object]:
    """Values of a type, with its edges."""
    match kind:
        case inspect.StructType():
            return fields(kind)
        case inspect.UnionType():
            return st.one_of([fitting(each) for each in kind.types])
        case inspect.LiteralType():
            return st.sampled_from(list(kind.values))
        case inspect.EnumType():
            return st.sampled_from([each.value for each in kind.cls])
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.sampled_from([0, 1, 50, 2000, 12, 2040, 10**9, 10**12, -1])
        case inspect.NoneType():
            return st.none()
        case inspect.DictType():
            return st.dictionaries(TEXTS, TEXTS, max_size=3)
        case inspect.ListType() | inspect.VarTupleType():
            return st.lists(fitting(kind.item_type), max_size=3)
    return TEXTS


def path_of(route: Route, ids: dict[str, list[str]], data: st.DataObject) -> str:
    """The path with real ids, as far as there are, or none."""

    def chosen(match: re.Match[str]) -> str:
        known = ids.get(match[1]) or ids.get(match[2]) or ["nobodys"]
        return f"/{match[1]}/{data.draw(st.sampled_from([*known, 'nobodys']))}"

    return re.sub(r"/(\w+)/\{(\w+)\}", chosen, route.path)


def sent(
    client: httpx.Client, route: Route, path: str, given_: dict[str, object], as_json: bool
) -> httpx.Response:
    """As JSON, or as a form or query with brackets."""
    if as_json and route.method == "POST":
        body = msgspec.json.encode(given_)
        return client.post(path, content=body, headers={"content-type": "application/json"})
    pairs = dict(_flat(given_, ""))
    if route.method == "POST":
        return client.post(path, data=pairs)
    return client.request(route.method, path, params=pairs)


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{index}]")
    else:
        yield name, str(value)


def test_no_octets_end_in_a_fault(platform: Platform, shop: Shop) -> None:
    """AE1."""
    draw = random.Random(SEED)
    seeds = corpus(shop.secret_key)
    requests = [mutated(draw, draw.choice(seeds)) for _ in range(RAW_REQUESTS)]

    async def answered(octets: bytes, gate: asyncio.Semaphore) -> bytes:
        async with gate:
            line = await connected(platform)
            await line.say(octets)
            return await line.end(SILENCE_S)

    async def all_of_them() -> list[bytes]:
        gate = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*[answered(octets, gate) for octets in requests])

    answers = asyncio.run(all_of_them())
    for octets, answer in zip(requests, answers, strict=True):
        assert all(status < 500 for status in statuses(answer)), (octets, answer)
    outcomes = {status for answer in answers for status in statuses(answer)}
    assert {200, 400} <= outcomes, "the requests are neither all good nor all bad"


def test_nothing_was_a_fault_inside_either(platform: Platform) -> None:
    """AE1: what was answered late, or to nobody, is in the log."""
    assert '"request_failed"' not in platform.log.read_text()
