"""Every route by every kind of key: refused by default, and strangers' things do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from sycee.gateway.app import documented_routes
from sycee.gateway.routes import Route
from sycee.services.identity.contract import Role
from tests.system.platform import Platform
from tests.system.shops import (
    Shop,
    bearer,
    issued_key,
    lunch,
    open_shop,
    operator,
    seen,
    stranger,
)

ROUTES = [route for route in documented_routes() if route.roles]
OPEN = {route.operation for route in documented_routes() if not route.roles}
every_route = pytest.mark.parametrize("route", ROUTES, ids=[route.operation for route in ROUTES])


class Belongings(msgspec.Struct, frozen=True):
    """One of everything that a shop can have."""

    shop: Shop
    ids: dict[str, str]
    """Resource as in paths -> id."""


class Keys(msgspec.Struct, frozen=True):
    """A shop's keys of every kind."""

    shop: Shop
    secret: str
    publishable: str
    read_only: str
    elsewhere: str
    """Narrowed to a scope that no route asks for."""
    revoked: str
    operator: str


@pytest.fixture(scope="module")
def keys(platform: Platform) -> Keys:
    shop = open_shop(platform)
    assert platform.ready is not None
    return Keys(
        shop,
        shop.secret_key,
        shop.key("publishable"),
        shop.key("read_only"),
        shop.key("secret", "moon:walk"),
        revoked_key(shop),
        platform.ready.operator_key,
    )


def revoked_key(shop: Shop) -> str:
    key = issued_key(shop.platform, shop.id)
    with bearer(shop.platform, key["secret"]) as client:
        assert client.get("/v1/balance").status_code == 200
        with operator(shop.platform) as desk:
            gone = desk.delete(f"/api/merchants/{shop.id}/keys/{key['id']}")
        assert gone.status_code == 200
        seen(lambda: client.get("/v1/balance").status_code == 401)
    return key["secret"]


@pytest.fixture(scope="module")
def belongings(platform: Platform) -> Belongings:
    shop = open_shop(platform)
    v1 = shop.client.v1
    customer = v1.customers.create({"name": "Jenny"})
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    paid = v1.payment_intents.create(lunch(customer=customer.id, payment_method=method.id))
    held = v1.payment_intents.create(lunch(capture_method="manual"))
    refund = v1.refunds.create({"payment_intent": paid.id, "amount": 1})
    setup = v1.setup_intents.create({"payment_method": "pm_card_visa"})
    price = v1.prices.create(
        {"currency": "usd", "unit_amount": 100, "product_data": {"name": "Soup"}}
    )
    with bearer(platform, shop.secret_key) as client:
        path = f"/api/test_helpers/charges/{paid.latest_charge}/dispute"
        dispute = client.post(path, data={"amount": "1"}).json()
    hook = v1.webhook_endpoints.create({"url": "https://shop.example/", "enabled_events": ["*"]})
    ids = {
        "payment_intents": held.id,
        "charges": paid.latest_charge,
        "refunds": refund.id,
        "customers": customer.id,
        "payment_methods": method.id,
        "setup_intents": setup.id,
        "disputes": dispute["id"],
        "products": price.product,
        "prices": price.id,
        "webhook_endpoints": hook.id,
        "balance_transactions": refund.balance_transaction,
        "events": seen(lambda: v1.events.list().data)[0].id,
    }
    return Belongings(shop, ids)


def ask(client: httpx.Client, route: Route, path: str | None = None) -> httpx.Response:
    """The route, with ids that nobody has unless a path is given."""
    return client.request(route.method, path or re.sub(r"\{\w+\}", "nobodys", route.path))


def code(answer: httpx.Response) -> str:
    told = answer.json()
    return str(told.get("error", told)["code"])


def test_only_these_routes_are_open_to_everybody() -> None:
    """IA1."""
    assert sorted(OPEN) == ["get_health", "get_ready"]
    assert len(ROUTES) > 50


@every_route
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "api_key_missing"),
        ("Digest sk_test_x", "api_key_missing"),
        ("Bearer nonsense", "api_key_invalid"),
        ("Bearer sk_test_" + "0" * 43, "api_key_invalid"),
        ("revoked", "api_key_invalid"),
    ],
    ids=["none", "another scheme", "malformed", "unknown", "revoked"],
)
def test_a_route_refuses_who_shows_no_valid_key(
    keys: Keys, route: Route, header: str | None, expected: str
) -> None:
    """IA1, IA5."""
    shown = f"Bearer {keys.revoked}" if header == "revoked" else header
    with stranger(keys.shop.platform) as client:
        if shown is not None:
            client.headers["authorization"] = shown
        answer = ask(client, route)
    assert answer.status_code == 401
    assert code(answer) in (expected, "api_key_invalid")
    assert "www-authenticate" in answer.headers


@every_route
@pytest.mark.parametrize("kind", ["secret", "publishable", "read_only", "operator"])
def test_a_route_refuses_a_key_of_another_role(keys: Keys, route: Route, kind: str) -> None:
    """IA1."""
    with bearer(keys.shop.platform, getattr(keys, kind)) as client:
        answer = ask(client, route)
    if Role(kind) in route.roles:
        assert answer.status_code != 401
        needs_ticket = kind == "publishable" and "{" in route.path
        assert (answer.status_code == 403) == needs_ticket
    else:
        assert answer.status_code == 403
        assert code(answer) in ("api_key_not_allowed", "secret_key_required")


@every_route
def test_a_route_refuses_a_key_without_its_scope(keys: Keys, route: Route) -> None:
    """IA1."""
    with bearer(keys.shop.platform, keys.elsewhere) as client:
        answer = ask(client, route)
    assert (answer.status_code, code(answer)) == (403, "api_key_not_allowed")


@pytest.mark.parametrize("scope", sorted({r.scope for r in ROUTES if Role.SECRET in r.roles}))
def test_a_key_of_one_scope_opens_its_routes_and_no_others(keys: Keys, scope: str) -> None:
    """IA1."""
    with bearer(keys.shop.platform, keys.shop.key("secret", scope)) as client:
        for route in ROUTES:
            is_let_in = ask(client, route).status_code not in (401, 403)
            assert is_let_in == (route.scope == scope and Role.SECRET in route.roles), route.path


FOREIGN = [
    route
    for route in ROUTES
    if Role.SECRET in route.roles
    and "{" in route.path
    and route.path.startswith(("/v1/", "/api/webhook_endpoints/"))
]
VARIABLE = re.compile(r"/(\w+)/\{\w+\}")


@pytest.mark.parametrize("route", FOREIGN, ids=[route.operation for route in FOREIGN])
def test_a_foreign_id_answers_as_an_unknown_one(
    belongings: Belongings, keys: Keys, route: Route
) -> None:
    """IA1: same status, same body."""
    own_customer = keys.shop.client.v1.customers.create({}).id
    form = {"customer": own_customer} if route.path.endswith("/attach") else {}
    path_of = {
        "foreign": lambda kind: belongings.ids[kind],
        "unknown": lambda kind: unknown_like(belongings.ids[kind]),
    }
    told = set()
    with bearer(keys.shop.platform, keys.secret) as client:
        for choose in path_of.values():
            path, used = fill(route.path, choose)
            answer = client.request(route.method, path, data=form or None)
            told.add((answer.status_code, without(answer.text, used)))
    (only,) = told
    missing = "resource_missing" if route.path.startswith("/v1/") else "not_found"
    assert only[0] == 404 and missing in only[1]


REFERENCES = [
    ("GET", "/v1/charges", "customer", "customers"),
    ("GET", "/v1/charges", "payment_intent", "payment_intents"),
    ("GET", "/v1/charges", "starting_after", "charges"),
    ("GET", "/v1/refunds", "charge", "charges"),
    ("GET", "/v1/refunds", "ending_before", "refunds"),
    ("GET", "/v1/customers", "starting_after", "customers"),
    ("GET", "/v1/payment_intents", "customer", "customers"),
    ("GET", "/v1/payment_intents", "starting_after", "payment_intents"),
    ("GET", "/v1/setup_intents", "starting_after", "setup_intents"),
    ("GET", "/v1/events", "starting_after", "events"),
    ("GET", "/v1/webhook_endpoints", "starting_after", "webhook_endpoints"),
    ("GET", "/v1/balance_transactions", "starting_after", "balance_transactions"),
    ("GET", "/v1/balance_transactions", "source", "charges"),
    ("GET", "/v1/payment_methods", "customer", "customers"),
    ("GET", "/payment/query", "id", "payment_intents"),
    ("GET", "/api/deliveries", "endpoint", "webhook_endpoints"),
    ("GET", "/api/deliveries", "event", "events"),
    ("POST", "/api/replays", "endpoint", "webhook_endpoints"),
    ("POST", "/v1/refunds", "charge", "charges"),
    ("POST", "/v1/refunds", "payment_intent", "payment_intents"),
    ("POST", "/v1/setup_intents", "customer", "customers"),
    ("POST", "/v1/setup_intents", "payment_method", "payment_methods"),
    ("POST", "/v1/customers", "payment_method", "payment_methods"),
    ("POST", "/v1/payment_intents?amount=2000&currency=usd", "customer", "customers"),
    ("POST", "/v1/payment_intents?amount=2000&currency=usd", "payment_method", "payment_methods"),
    ("POST", "/payment/create?amount=2000&currency=usd", "payment_method", "payment_methods"),
]


@pytest.mark.parametrize(("method", "path", "name", "kind"), REFERENCES)
def test_a_foreign_id_in_a_parameter_answers_as_an_unknown_one(
    belongings: Belongings, keys: Keys, method: str, path: str, name: str, kind: str
) -> None:
    """IA1."""
    told = set()
    with bearer(keys.shop.platform, keys.secret) as client:
        for id in (belongings.ids[kind], unknown_like(belongings.ids[kind])):
            if method == "GET":
                answer = client.get(path, params={name: id})
            else:
                path_alone, _, query = path.partition("?")
                form = dict(pair.split("=") for pair in query.split("&") if pair)
                answer = client.post(path_alone, data={**form, name: id})
            told.add((answer.status_code, without(answer.text, [id])))
    (only,) = told
    assert only[0] == 404 or (method == "GET" and '"data":[]' in only[1])


@pytest.mark.parametrize("secret", ["x", "another one's", ""])
@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/v1/payment_intents/{id}", "payment_intents"),
        ("POST", "/v1/payment_intents/{id}/confirm", "payment_intents"),
        ("GET", "/v1/setup_intents/{id}", "setup_intents"),
        ("POST", "/v1/setup_intents/{id}/confirm", "setup_intents"),
        ("POST", "/testcard/3ds/{id}", "payment_intents"),
        ("POST", "/testcard/3ds/setups/{merchant}/{id}", "setup_intents"),
    ],
)
def test_a_wrong_client_secret_tells_nothing_of_what_there_is(
    belongings: Belongings, keys: Keys, method: str, path: str, kind: str, secret: str
) -> None:
    """IA1: an own id, a foreign one and an unknown one; same status, same body."""
    v1 = keys.shop.client.v1
    create = {"payment_intents": lambda: v1.payment_intents.create(lunch(confirm=False))}
    own, other = (create.get(kind, v1.setup_intents.create)() for _ in range(2))
    given = {"client_secret": other.client_secret if secret == "another one's" else secret}
    if path.startswith("/testcard"):
        given["outcome"] = "complete"
    told = set()
    with bearer(keys.shop.platform, keys.publishable) as browser:
        for id in (own.id, belongings.ids[kind], unknown_like(own.id)):
            address = path.format(id=id, merchant=keys.shop.id)
            part = {"params" if method == "GET" else "data": given}
            answer = browser.request(method, address, **part)
            told.add((answer.status_code, without(answer.text, [id])))
    (only,) = told
    assert only[0] in (400, 401) and "client_secret" in only[1]


BOOKS = [
    ("GET", "accounts/{account}/usd", None),
    ("GET", "accounts/{account}/usd/balance", None),
    ("GET", "accounts/{account}/usd/statement", None),
    ("GET", "accounts/{account}/usd/transfers", None),
    ("GET", "transfers/{promise}", None),
    ("POST", "transfers/{promise}/post", {}),
    ("POST", "transfers/{promise}/void", {}),
    ("GET", "transactions/{transaction}", None),
    ("GET", "transactions/{transaction}/receipt", None),
    ("GET", "templates/{template}", None),
    ("POST", "templates/{template}/run", {"id": "mine", "arguments": {"amount": "5"}}),
    ("GET", "imports/{import}", None),
]


@pytest.fixture(scope="module")
def books(platform: Platform) -> dict[str, str]:
    """What a shop has in its books: kind of thing -> id."""
    shop = open_shop(platform)
    with bearer(platform, shop.secret_key) as client:

        def made(path: str, **fields: object) -> None:
            answer = client.post(f"/api/ledger/{path}", json=fields)
            assert answer.status_code == 200, answer.text

        for name, kind in (("bank_of_ours", "asset"), ("wallet_of_ours", "liability")):
            made("accounts", name=name, kind=kind, currency="usd")
        ends = {"debit": "bank_of_ours", "credit": "wallet_of_ours", "currency": "usd"}
        made("transfers", id="transaction_of_ours", amount=500, **ends)
        made("transfers", id="promise_of_ours", amount=5, pending=True, **ends)
        move = {
            "amount": "{amount}",
            "sources": [{"account": "bank_of_ours", "unlimited": True}],
            "shares": [{"account": "wallet_of_ours"}],
        }
        amount = {"name": "amount", "kind": "amount"}
        made(
            "templates",
            name="template_of_ours",
            version=1,
            currency="USD",
            parameters=[amount],
            moves=[move],
        )
        taken = client.post(
            "/api/ledger/imports/import_of_ours?format=beancount",
            content=b"; nothing",
            headers={"content-type": "text/plain"},
        )
        assert taken.status_code == 200, taken.text
        for method, path, body in BOOKS[:5]:
            own = path.format(**_books_named("{}_of_ours"))
            assert client.request(method, f"/api/ledger/{own}", json=body).status_code == 200
    return _books_named("{}_of_ours")


def _books_named(form: str) -> dict[str, str]:
    kinds = ("promise", "transaction", "template", "import")
    return {"account": form.format("wallet"), **{kind: form.format(kind) for kind in kinds}}


@pytest.mark.parametrize(("method", "path", "body"), BOOKS, ids=lambda each: str(each)[:40])
def test_foreign_books_answer_as_unknown_ones(
    books: dict[str, str], keys: Keys, method: str, path: str, body: dict[str, object] | None
) -> None:
    """IA1: same status, same body."""
    told = set()
    with bearer(keys.shop.platform, keys.secret) as client:
        for named in (books, _books_named("{}_of_nobody")):
            url = f"/api/ledger/{path.format(**named)}"
            answer = client.request(method, url, json=body)
            told.add((answer.status_code, without(answer.text, list(named.values()))))
    (only,) = told
    assert only[0] == 404 and "not_found" in only[1]


def test_the_shop_that_was_asked_about_has_lost_nothing(belongings: Belongings) -> None:
    """IA1: runs last; whatever the others tried had no effect."""
    v1 = belongings.shop.client.v1
    assert v1.payment_intents.retrieve(belongings.ids["payment_intents"]).status == (
        "requires_capture"
    )
    assert v1.payment_methods.retrieve(belongings.ids["payment_methods"]).customer is not None
    assert v1.customers.retrieve(belongings.ids["customers"]).name == "Jenny"
    hook = belongings.ids["webhook_endpoints"]
    assert v1.webhook_endpoints.retrieve(hook).status == "enabled"
    with bearer(belongings.shop.platform, belongings.shop.secret_key) as client:
        keys = client.get(f"/api/webhook_endpoints/{hook}/signing_keys").json()
    assert keys["generation"] == 1
    assert len(v1.refunds.list().data) == 1


def fill(path: str, choose) -> tuple[str, list[str]]:
    """The path with ids in it, and which."""
    used = [choose(match[1]) for match in VARIABLE.finditer(path)]
    remaining: Iterator[str] = iter(used)
    return re.sub(r"\{\w+\}", lambda _: next(remaining), path), used


def unknown_like(id: str) -> str:
    """An id of the same form that nobody has."""
    return id[:-6] + ("ZZZZZZ" if not id.endswith("ZZZZZZ") else "YYYYYY")


def without(text: str, ids: list[str]) -> str:
    """The body without what must differ: the asked id and the request's own."""
    for id in ids:
        text = text.replace(id, "<id>")
    return re.sub(r"req_\w+", "<request>", text)


def test_an_operator_moves_no_money_and_a_shop_makes_no_merchants(keys: Keys) -> None:
    """IA1, IA2."""
    with bearer(keys.shop.platform, keys.operator) as desk:
        assert desk.post("/payment/create", json={}).status_code == 403
        made = desk.post(f"/api/merchants/{keys.shop.id}/keys", json={"role": "operator"})
        assert made.status_code == 400
        listed = desk.get(f"/api/merchants/{keys.shop.id}/keys").json()["data"]
        assert len(listed) >= 4 and not any("secret" in key for key in listed)
    with bearer(keys.shop.platform, keys.secret) as shop:
        assert shop.post("/api/merchants", json={"id": "acct_mine", "name": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/payment_intents", "status"),
        ("/v1/payment_intents", "amount_received"),
        ("/v1/payment_intents", "livemode"),
        ("/v1/payment_intents", "merchant"),
        ("/v1/payment_intents", "on_behalf_of"),
        ("/v1/customers", "id"),
        ("/v1/customers", "balance"),
        ("/v1/customers", "deleted"),
        ("/v1/refunds", "status"),
        ("/v1/webhook_endpoints", "secret"),
        ("/payment/create", "merchant"),
        ("/payment/create", "number"),
        ("/api/replays", "merchant"),
        ("/api/blocks", "merchant"),
        ("/api/webhook_endpoints/we_x/rotate_secret", "secret"),
        ("/api/webhook_endpoints/we_x/rotate_secret", "merchant"),
        ("/api/ledger/accounts", "merchant"),
        ("/api/ledger/accounts", "id"),
        ("/api/ledger/transfers", "merchant"),
        ("/api/ledger/transfers", "recorded"),
        ("/api/ledger/transactions", "merchant"),
        ("/api/ledger/exchanges", "livemode"),
        ("/api/ledger/templates", "merchant"),
        ("/api/ledger/periods", "seal"),
    ],
)
def test_fields_that_are_not_the_callers_to_set_are_refused(
    keys: Keys, path: str, field: str
) -> None:
    """IA2."""
    with bearer(keys.shop.platform, keys.secret) as client:
        answer = client.post(path, json={field: "1"})
    assert (answer.status_code, code(answer)) == (400, "parameter_unknown")
