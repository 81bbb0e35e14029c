"""The OpenAPI 3.1 document of the service, made from the very types that bodies are read into and answers are made of."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
from litestar import Response, get

from tranship.api import alerts, asked, bodies, handing, hooks, networks, orders, problems, watching
from tranship.dispatch.model import STATES
from tranship.engine.aliases import STEPS
from tranship.engine.aliasing import MOST_LISTED, AliasList
from tranship.engine.attempts import GROUPS, DispatchNow, Listed
from tranship.engine.explain import Story
from tranship.engine.lookup import OrderNow
from tranship.engine.networks import ConnectionNow, NetworksNow
from tranship.engine.readdress import Readdressed
from tranship.engine.takeback import Cancelled
from tranship.engine.view import DecisionNow
from tranship.masking import remote

Schema = dict[str, Any]
JSON, NDJSON, EVENTS = orders.JSON, orders.NDJSON, watching.EVENT_STREAM
_REF = "#/components/schemas/{name}"


class FulfillmentOrderOut(msgspec.Struct):
    """A fulfillment order of the answer; cost in micros, a millionth of the currency's major unit."""

    id: str
    node: str
    units: int
    ship_by: str
    deliver_by: str
    late: bool
    cost_micros: int


class ParkedOut(msgspec.Struct):
    """Units that wait, and why."""

    id: str
    units: int
    reason: str
    action: str


class RoutedOut(msgspec.Struct):
    """Where an order ships from, and what waits. Given once it is durable, and given again byte by byte."""

    order: str
    status: str
    fulfillment_orders: list[FulfillmentOrderOut]
    parked: list[ParkedOut]


class BulkResultOut(msgspec.Struct, omit_defaults=True):
    """One line of a bulk answer: what the line of that number came to."""

    line: int
    status: int
    repeated: bool = False
    answer: RoutedOut | None = None
    problem: problems.Problem | None = None


_TYPES: tuple[type, ...] = (
    bodies.OrderIn, bodies.ReceiptIn, RoutedOut, BulkResultOut, orders.ReceiptTaken, OrderNow, Story, watching.StateNow,
    DecisionNow, watching.Health, problems.Problem, asked.RecallIn, asked.SendIn, asked.SettleIn, asked.BreakerIn,
    asked.ShelfIn, asked.AdoptIn, Listed, DispatchNow, NetworksNow, ConnectionNow, handing.OrderDispatches, networks.DriftList,
    networks.ShelfNow, networks.Adopted, hooks.HookTaken, asked.CancelIn,
    asked.AddressIn, asked.AliasesIn, asked.AliasStepsIn, asked.AliasPoolIn, AliasList, Cancelled,
    Readdressed, alerts.AlertList, alerts.AlertNow, remote.MaskIn, remote.MaskOut, remote.UnmaskIn, remote.UnmaskOut,
    remote.EraseIn, remote.EraseOut,
)  # fmt: skip
EXAMPLE_ORDER: Schema = {
    "number": "1001",
    "channel": "web",
    "to": {"zip": "60614", "state": "IL"},
    "lines": [{"sku": "DEMO-001", "qty": 2, "unit_price_minor": 1999}],
    "customer": {"ref": "c-17", "name": "A. Customer", "street": "17 Example Street", "email": "c17@example.com"},
}


@cache
def document() -> bytes:
    """The document, as JSON."""
    _, components = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    names = {kind: _name_of(kind, components) for kind in _TYPES}

    def ref(kind: type) -> Schema:
        return {"$ref": _REF.format(name=names[kind])}

    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Tranship",
                "version": _version(),
                "description": "Orders in, each routed under the share caps, durable before it is answered, and explained.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{}, {"token": []}],
            "tags": [{"name": name} for name in ("orders", "stock", "networks", "masking", "watching")],
            "paths": {
                **_order_paths(ref),
                **_handing_paths(ref),
                **_network_paths(ref),
                **_alias_paths(ref),
                **_masking_paths(ref),
                **_watching_paths(ref),
            },
            "components": {
                "schemas": components,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "responses": {
                    "Problem": _content("What went wrong (RFC 9457)", problems.MEDIA_TYPE, ref(problems.Problem))
                },
            },
        },
        order="deterministic",
    )


def _order_paths(ref: Any) -> Schema:
    retry = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    replayed = {"Idempotent-Replayed": {"description": "true: the first answer again", "schema": {"const": "true"}}}
    name = {
        "name": "order_id", "in": "path", "required": True, "description": "Its id (source:number) or its number",
        "schema": {"type": "string"},
    }  # fmt: skip
    return {
        "/v1/orders": {"post": _place_order(ref, retry, replayed)},
        "/v1/orders/{order_id}": {
            "get": {
                "operationId": "getOrder",
                "tags": ["orders"],
                "summary": "An order as it stands",
                "parameters": [name],
                "responses": {"200": _content("The order", JSON, ref(OrderNow)), **_problems(401, 404, 503)},
            }
        },
        "/v1/orders/{order_id}/explanation": {
            "get": {
                "operationId": "explainOrder",
                "tags": ["orders"],
                "summary": "Why it ships from where it ships, with charges that add up",
                "parameters": [name],
                "responses": {"200": _content("The whole story", JSON, ref(Story)), **_problems(401, 404, 503)},
            }
        },
        "/v1/receipts": {
            "post": {
                "operationId": "receive",
                "tags": ["stock"],
                "summary": "Book units that arrived at a node",
                "requestBody": {"required": True, "content": {JSON: {"schema": ref(bodies.ReceiptIn)}}},
                "responses": {
                    "201": _content("Booked", JSON, ref(orders.ReceiptTaken)),
                    "200": _content("Booked before under this ref", JSON, ref(orders.ReceiptTaken), replayed),
                    **_problems(400, 401, 408, 409, 413, 415, 422, 429, 503, headers=retry),
                },
            }
        },
    }


def _place_order(ref: Any, retry: Schema, replayed: Schema) -> Schema:
    located = {"Location": {"description": "The order's address", "schema": {"type": "string"}}}
    key = {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "description": "Names this request: the same body again gets the first answer, another body 409. "
        "The order's source and number do the same without it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }  # fmt: skip
    return {
        "operationId": "placeOrder",
        "tags": ["orders"],
        "summary": "Take one order, or many: one JSON body, or one a line",
        "parameters": [key],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": ref(bodies.OrderIn), "example": EXAMPLE_ORDER},
                NDJSON: {"schema": ref(bodies.OrderIn)},
            },
        },
        "responses": {
            "201": _content("Taken, routed and durable", JSON, ref(RoutedOut), located),
            "200": {
                "description": "JSON: taken before, this is the first answer. NDJSON: a result for each line",
                "headers": {**located, **replayed},
                "content": {JSON: {"schema": ref(RoutedOut)}, NDJSON: {"schema": ref(BulkResultOut)}},
            },
            **_problems(400, 401, 408, 409, 413, 415, 422, 429, 503, headers=retry),
        },
    }


def _handing_paths(ref: Any) -> Schema:
    states = [*GROUPS, *STATES]
    query = [
        _query("state", "`open`, `doubt`, or one state", {"type": "string", "enum": states}),
        _query("order", "An order's id or number", {"type": "string"}),
        _query("limit", "The newest so many", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
    ]
    order = _path("order_id", "Its id (source:number) or its number")
    after = ref(handing.OrderDispatches)
    return {
        "/v1/dispatches": {
            "get": {
                "operationId": "listDispatches", "tags": ["networks"], "parameters": query,
                "summary": "Attempts to hand fulfillment orders over, the newest first",
                "responses": {"200": _content("Attempts", JSON, ref(Listed)), **_problems(401, 404, 422, 503)},
            }
        },
        "/v1/orders/{order_id}/recall": {
            "post": _asked("recall", "Want an order back from its networks", ref(asked.RecallIn), after, order)
        },
        "/v1/orders/{order_id}/cancel": {
            "post": _asked("cancel", "Take units of an order back: void now, asked back, or too late", ref(asked.CancelIn),
                           ref(Cancelled), order, keyed=False)
        },
        "/v1/orders/{order_id}/address": {
            "post": _asked("readdress", "Send an order elsewhere while no network can ship it", ref(asked.AddressIn),
                           ref(Readdressed), order, keyed=False)
        },
        "/v1/orders/{order_id}/send": {
            "post": _asked("send", "Send a fulfillment order to a node by hand", ref(asked.SendIn), after, order)
        },
        "/v1/dispatches/{remote_id}/settle": {
            "post": _asked("settle", "Say what became of a dispatch in quarantine", ref(asked.SettleIn), ref(DispatchNow),
                           _path("remote_id", "The dispatch"))
        },
    }  # fmt: skip


def _network_paths(ref: Any) -> Schema:
    code = _path("code", "A connection of the network file")
    adopt = _asked("adopt", "Book a counted surplus as received", ref(asked.AdoptIn), ref(networks.Adopted))
    adopt["responses"]["201"] = adopt["responses"]["200"]
    hook = {
        "operationId": "hook", "tags": ["networks"], "parameters": [code], "security": [{}],
        "summary": "What a network says on its own account, with its signature; the same message again is 200 and changes nothing",
        "requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        "responses": {
            "200": _content("Taken in and durable", JSON, ref(hooks.HookTaken)), **_problems(400, 401, 404, 408, 413, 429, 503),
        },
    }  # fmt: skip
    return {
        "/v1/networks": {
            "get": _plain("networks", "Connections, breakers, calls, claims and what showed them, quarantine, drift",
                          {"200": _content("Now", JSON, ref(NetworksNow)), **_problems(401, 503)}, "networks")
        },
        "/v1/networks/{code}/breaker": {
            "post": _asked("breaker", "Say where new work goes, until a time", ref(asked.BreakerIn), ref(ConnectionNow), code)
        },
        "/v1/drift": {
            "get": _plain("drift", "Where counts and books differ",
                          {"200": _content("Now", JSON, ref(networks.DriftList)), **_problems(401, 503)}, "stock")
        },
        "/v1/shelves": {
            "post": _asked("switchShelf", "Close or open a SKU at a node", ref(asked.ShelfIn), ref(networks.ShelfNow))
        },
        "/v1/adoptions": {"post": adopt},
        "/v1/hooks/{code}": {"post": hook},
        "/v1/alerts": {
            "get": _plain("alerts", "What people were told of",
                          {"200": _content("Now", JSON, ref(alerts.AlertList)), **_problems(401, 503)}, "networks")
        },
        "/v1/alerts/{alert_id}/acknowledge": {
            "post": {
                **_plain("acknowledge", "Somebody has seen it: it escalates no further",
                         {"200": _content("Seen", JSON, ref(alerts.AlertNow)), **_problems(401, 404)}, "networks"),
                "parameters": [_path("alert_id", "Its number")],
            }
        },
    }  # fmt: skip


def _alias_paths(ref: Any) -> Schema:
    query = [
        _query("network", "A network of the network file", {"type": "string"}),
        _query("sku", "An article", {"type": "string"}),
        _query("state", "How far its registration is", {"type": "string", "enum": list(STEPS)}),
        _query("after", "Go on after this alias", {"type": "string"}),
        _query("limit", "So many", {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": MOST_LISTED}),
    ]
    answer = ref(AliasList)
    return {
        "/v1/aliases": {
            "get": {
                "operationId": "listAliases", "tags": ["networks"], "parameters": query,
                "summary": "What networks call articles",
                "responses": {"200": _content("Aliases", JSON, answer), **_problems(401, 422, 503)},
            },
            "post": _asked("addAliases", "Add aliases of one's own making", ref(asked.AliasesIn), answer),
        },
        "/v1/aliases/steps": {
            "post": _asked("stepAliases", "Register, activate or retire aliases", ref(asked.AliasStepsIn), answer)
        },
        "/v1/aliases/pool": {
            "post": _asked("poolAliases", "Make random aliases for articles that have none", ref(asked.AliasPoolIn), answer)
        },
    }  # fmt: skip


def _masking_paths(ref: Any) -> Schema:
    ways = (
        ("mask", "What may leave of a message for a network; the same message again gives the same bytes", remote.MaskIn, remote.MaskOut),
        ("unmask", "A network's answer in the client's words; 422: nothing of it may be passed on", remote.UnmaskIn, remote.UnmaskOut),
        ("erase", "Forget an order that went through a proxy", remote.EraseIn, remote.EraseOut),
    )  # fmt: skip
    return {
        f"/v1/masking/{way}": {
            "post": _asked(f"{way}Message", summary, ref(given), ref(answer), keyed=False, tag="masking")
        }
        for way, summary, given, answer in ways
    }


def _asked(
    operation: str,
    summary: str,
    body: Schema,
    answer: Schema,
    *parameters: Schema,
    keyed: bool = True,
    tag: str = "networks",
) -> Schema:
    """An operation by which a person decides something. `keyed`: a header names the request; else its body does (`ref`)."""
    key = {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "description": "Names this request: the same one again is carried out once", "schema": {"type": "string", "maxLength": 255},
    }  # fmt: skip
    return {
        "operationId": operation,
        "tags": [tag],
        "summary": summary,
        "parameters": [*parameters, key] if keyed else [*parameters],
        "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
        "responses": {
            "200": _content("Done and durable", JSON, answer),
            **_problems(400, 401, 404, 408, 409, 413, 415, 422, 429, 503),
        },
    }


def _path(name: str, description: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def _query(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _watching_paths(ref: Any) -> Schema:
    resume = {
        "name": "Last-Event-ID", "in": "header", "required": False,
        "description": "Journal row of the last decision that was seen", "schema": {"type": "integer"},
    }  # fmt: skip
    events = {
        "description": "Server-sent events: `state` (StateNow), `decision` (DecisionNow)",
        "content": {EVENTS: {"schema": {"type": "string"}}},
    }
    health = ref(watching.Health)
    return {
        "/v1/state": {
            "get": _plain("getState", "Totals, shares against caps, stock, what waits, the last decisions",
                          {"200": _content("Now", JSON, ref(watching.StateNow)), **_problems(401, 503)})
        },
        "/v1/events": {
            "get": {
                **_plain("watch", "The same as it changes", {"200": events, **_problems(401, 503)}),
                "parameters": [resume],
            }
        },
        "/healthz": {
            "get": _plain("health", "Whether the process answers", {"200": _content("It does", JSON, health)})
        },
        "/readyz": {
            "get": _plain("ready", "Whether orders can be taken",
                          {"200": _content("They can", JSON, health), **_problems(503)})
        },
        "/schema/openapi.json": {
            "get": _plain("schema", "This document", {"200": {"description": "OpenAPI 3.1"}})
        },
    }  # fmt: skip


def _plain(operation: str, summary: str, responses: Schema, tag: str = "watching") -> Schema:
    return {"operationId": operation, "tags": [tag], "summary": summary, "responses": responses}


def _content(description: str, media_type: str, schema: Schema, headers: Schema | None = None) -> Schema:
    found: Schema = {"description": description, "content": {media_type: {"schema": schema}}}
    return {**found, "headers": headers} if headers else found


def _problems(*statuses: int, headers: Schema | None = None) -> Schema:
    """Problem responses; 429 and 503 say when to come back."""
    shared = {"$ref": "#/components/responses/Problem"}
    waits = _content("Come back later", problems.MEDIA_TYPE, {"$ref": _REF.format(name="Problem")}, headers)
    return {str(status): waits if headers and status in (429, 503) else shared for status in statuses}


def _name_of(kind: type, components: dict[str, Any]) -> str:
    assert kind.__name__ in components, f"{kind.__name__} has no schema of its own"
    return kind.__name__


def _version() -> str:
    try:
        return version("tranship")
    except PackageNotFoundError:
        return "0"


@get("/schema/openapi.json")
async def get_schema() -> Response[bytes]:
    """The OpenAPI document."""
    return Response(content=document(), media_type=JSON, headers={"cache-control": "max-age=300"})
