"""Amazon's own files judge what the connector sends, and its own examples are read."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.swagger import Vendor, objections
from tests.masking import making
from tests.support import shared
from tranship.connectors.amazon_mcf import notifications
from tranship.connectors.amazon_mcf.settings import FILL, Settings
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.port import Order, Request, Response
from tranship.connectors.proofs import RECORD, capability, folder_of
from tranship.core.capability import Capability, Rate
from tranship.core.order import Destination, Person
from tranship.dispatch.model import OUTCOMES, REMOTE
from tranship.masking.mask import mask

FILES = {"amazon_mcf": "fulfillmentOutbound_2026-07-04", "amazon_mcf_2020": "fulfillmentOutbound_2020-07-01"}
CONNECTORS = {"amazon_mcf": Connector2026, "amazon_mcf_2020": Connector2020}
OPERATIONS = {
    "amazon_mcf": {
        "create": "createOrder", "release": "updateOrder", "get": "getOrder", "tracking": "getOrder",
        "list": "listOrders", "cancel": "cancelOrder", "offer": "getOffers",
    },
    "amazon_mcf_2020": {
        "create": "createFulfillmentOrder", "release": "updateFulfillmentOrder", "get": "getFulfillmentOrder",
        "tracking": "getFulfillmentOrder", "list": "listAllFulfillmentOrders", "cancel": "cancelFulfillmentOrder",
        "offer": "deliveryOffers",
    },
}  # fmt: skip
KINDS = tuple(FILES)
ID = "TS-7Q2K"

orders = st.builds(
    lambda name, street, city, zip_code, lines, service: mask(
        ID, Person(name=name, street=street, city=city, phone="415 555 2671"), Destination(zip=zip_code, state="WA"),
        [(f"L{number}", sku, units) for number, (sku, units) in enumerate(lines)], service, "2026-11-24", "2026-11-28",
    ),
    making.names, making.parts, making.parts, making.zips,
    st.lists(st.tuples(making.skus, st.integers(1, 250)), min_size=1, max_size=5),
    st.sampled_from(["ground", "two_day", "next_day"]),
)  # fmt: skip
wishes = st.builds(
    Settings,
    marketplace=st.just("ATVPDKIKX0DER"),
    fill=st.sampled_from(FILL),
    unbranded=st.booleans(),
    priority=st.booleans(),
)


def made(kind: str, wish: Settings | None = None) -> Connector2026 | Connector2020:
    """A connector of this kind."""
    return CONNECTORS[kind](wish or Settings(marketplace="ATVPDKIKX0DER"), Capability())


def answer(body: object, status: int = 200) -> Response:
    """An answer with this body."""
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())


@pytest.mark.parametrize("kind", KINDS)
def test_every_body_passes_the_vendors_schema(kind: str):
    """Creation, release and offer of any order and any settings, with undeclared properties forbidden."""
    vendor = Vendor(FILES[kind])
    judges = {op: vendor.body_judge(OPERATIONS[kind][op]) for op in ("create", "release", "offer")}

    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(orders, wishes, st.booleans())
    def holds(order, wish, hold):
        connector = made(kind, wish)
        bodies = {
            "create": connector.body(order, hold=hold),
            "release": connector.release(Order(ID)).body,
            "offer": connector.offer(order).body,
        }
        for op, body in bodies.items():
            assert not objections(judges[op], json.loads(body)), op

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_judge_that_is_strict(kind: str):
    """The judge above refuses a property that the vendor does not have, at the top and deep inside."""
    judge = Vendor(FILES[kind]).body_judge(OPERATIONS[kind]["create"])
    order = mask(
        ID, Person(name="A", street="B", city="C"), Destination(zip="98101"), [("L1", "S", 1)], ship_by="2026-11-24"
    )
    body = json.loads(made(kind).body(order, hold=True))
    assert not objections(judge, body)
    assert objections(judge, {**body, "surprise": 1})
    body["lineItems" if kind == "amazon_mcf" else "items"][0]["surprise"] = 1
    assert objections(judge, body)


@pytest.mark.parametrize("kind", KINDS)
def test_paths_and_queries_are_the_vendors(kind: str):
    """Method, path and query names of each request stand in the file; required ones are there."""
    vendor, stock, connector = Vendor(FILES[kind]), Vendor("fbaInventory"), made(kind)
    requests = [
        *(getattr(connector, op)(Order(ID)) for op in ("release", "get", "tracking", "cancel")),
        connector.create(
            Order(ID),
            b'{"%s":"%s"}' % (b"orderId" if kind == "amazon_mcf" else b"sellerFulfillmentOrderId", ID.encode()),
        ),
        connector.list(1_700_000_000_000_000),
        connector.list(1_700_000_000_000_000, "token+/="),
    ]
    for request in requests:
        _fits(vendor, OPERATIONS[kind][request.op], request)
    _fits(stock, "getInventorySummaries", connector.stock(0))
    _fits(stock, "getInventorySummaries", connector.stock(0, "token"))
    _fits(Vendor(FILES["amazon_mcf_2020"]), "getFulfillmentOrder", connector.returns(0, ID))


def _fits(vendor: Vendor, operation_id: str, request: Request) -> None:
    method, path = vendor.path(operation_id)
    assert request.method == method and re.fullmatch(re.sub(r"\{\w+\}", f"({ID})", path), request.path)
    declared = vendor.queries(operation_id)
    assert {name for name, _ in request.query} <= set(declared)
    assert {name for name, given in declared.items() if given.get("required")} <= {name for name, _ in request.query}
    for name, value in request.query:
        assert value in declared[name].get("enum", [value])
    assert bool(request.body) == any(given["in"] == "body" for given in vendor.operation(operation_id)["parameters"])


@pytest.mark.parametrize("kind", KINDS)
def test_limits_are_those_that_are_published(kind: str):
    """Each rate of the record is the one in the vendor's file."""
    rates = capability(folder_of(kind).joinpath(RECORD).read_bytes(), where=kind).rates
    vendor = Vendor(FILES[kind])
    for op, rate in rates.items():
        published = (
            Vendor("fbaInventory").limit("getInventorySummaries")
            if op == "stock"
            else vendor.limit(OPERATIONS[kind][op])
        )
        assert rate == Rate(*published), op


def test_the_examples_of_2026_are_read():
    """Amazon's own answers: one order, accepted, a list, offers."""
    vendor, connector = Vendor(FILES["amazon_mcf"]), made("amazon_mcf")
    order = Order("ABC123XYZ")
    got = connector.read("get", order, answer(vendor.example("getOrder")))
    assert (got.outcome, got.remote) == ("ok", "PICKING")  # a shipment of it left, whatever its hold says
    assert [(p.package_id, p.carrier, p.tracking, p.lines, p.status) for p in got.parcels] == [
        ("PKG-abc123def456", "FEDEX", "123456789", (("LI789012", 1),), "DELIVERED")
    ]
    created = connector.read("create", order, answer(vendor.example("createOrder")))
    assert (created.outcome, created.remote, created.accepted_only) == ("ok", "HELD", False)
    accepted = connector.read("create", order, answer(vendor.example("createOrder", "202"), 202))
    assert (accepted.outcome, accepted.remote, accepted.accepted_only) == ("ok", "", True)
    for op, name in (("cancel", "cancelOrder"), ("release", "updateOrder")):
        result = connector.read(op, order, answer(vendor.example(name, "202"), 202))
        assert (result.outcome, result.accepted_only) == ("ok", True)
    listed = connector.read_list(answer(vendor.example("listOrders")))
    assert [(report.remote_id, report.remote) for report in listed.reports] == [
        ("ABC123XYZ", "HELD"),
        ("DEF456UVW", "COMPLETE"),
    ]
    assert listed.more == "token123" and not listed.findings
    assert connector.read_offer(answer(vendor.example("getOffers"))).arrives == "2026-05-05"


def test_the_examples_of_2020_are_read():
    """They break the file's own schema (states in capitals, a missing marketplace, nulls) and are read all the same."""
    vendor, connector = Vendor(FILES["amazon_mcf_2020"]), made("amazon_mcf_2020")

    def example(operation_id: str) -> Response:
        return answer(vendor.operation(operation_id)["responses"]["200"]["examples"])

    got = connector.read("get", Order("FBATestOrder-1"), example("getFulfillmentOrder"))
    assert (got.outcome, got.remote) == ("ok", "PICKING")
    assert connector.read("get", Order(ID), example("getFulfillmentOrder")).outcome == "violation"  # another order's
    listed = connector.read_list(example("listAllFulfillmentOrders"))
    assert [(report.remote_id, report.remote) for report in listed.reports] == [
        ("902-6018020-0202003", "PROCESSING"),
        ("601-2020200-12345678", "COMPLETE"),
    ]
    assert connector.read_offer(example("deliveryOffers")).arrives == "2023-10-14"


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_of_the_vendor_has_a_word(kind: str):
    """No state of the file is unknown, and each becomes one of our words."""
    states = Vendor(FILES[kind]).file["definitions"][
        "OrderStatus" if kind == "amazon_mcf" else "FulfillmentOrderStatus"
    ]
    told = states.get("enum") or re.findall(r"`([A-Z_]+)`", states["description"])
    assert len(told) >= 6
    for state in told:
        result = made(kind).read("get", Order(ID), answer(order_of(kind, state)))
        assert result.outcome == "ok" and result.remote in REMOTE, state


def order_of(kind: str, state: str, action: str = "") -> object:
    """The least that an order says of itself."""
    at = "2026-11-22T00:00:00Z"
    if kind == "amazon_mcf":
        config = {"fulfillmentConfiguration": {"action": action.upper()}} if action else {}
        line = {"lineItemId": "L1", "product": {"productIdentifier": {"amazonSku": "S"}}, "amount": {"value": "1"}}
        return {"order": {"orderId": ID, "receiveTime": at, "status": state, "lineItems": [line], **config}}
    head = {
        "sellerFulfillmentOrderId": ID,
        "fulfillmentOrderStatus": state,
        **({"fulfillmentAction": action} if action else {}),
    }
    return {"payload": {"fulfillmentOrder": head, "fulfillmentOrderItems": [], "returnItems": []}}


def test_the_examples_of_notifications_are_read():
    """FULFILLMENT_ORDER_STATUS as Amazon shows it, bare and in EventBridge's envelope."""
    folder = shared("models", "sp-api", "schemas", "notifications")
    example = json.loads((folder / "FulfillmentOrderStatusNotification.json").read_text())["examples"][0]
    for body in (example, {"version": "0", "source": "aws.partner/sellingpartnerapi.amazon.com", "detail": example}):
        told = made("amazon_mcf_2020").message({"X-Api-Key": "key"}, json.dumps(body).encode(), ["key"])
        assert told.ok and told.key == "d0e9e693-c3ad-4373-979f-ed4ec98dd746" and not told.findings
        assert [report.remote_id for report in told.reports] == ["SFOID2345"]
    assert notifications.STATES["PROCESSED"] == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", ["create", "release", "get", "cancel", "tracking"])
@given(st.binary(max_size=60) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps).map(str.encode),
       st.integers(100, 599))  # fmt: skip
def test_no_answer_raises(kind, op, body, status):
    """Whatever comes back is an outcome, and its detail quotes nothing of it."""
    result = made(kind).read(op, Order(ID), Response(status, {}, body))
    assert result.outcome in OUTCOMES


def nodes(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The paths of everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, part in inner for found in nodes(part, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    """The value with one place of it changed."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


junk = st.sampled_from(
    [None, "", "x" * 300, -1, 1e308, 2**63, True, [], {}, [None], {"a": []}, "2026-13-45T00:00:00Z", "NaN"]
)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_no_change_of_a_good_answer_raises(kind, data):
    """Any place of Amazon's own examples turned into anything: an outcome, a finding or a reading, and never an error."""
    vendor, connector = Vendor(FILES[kind]), made(kind)
    examples = [
        vendor.operation(OPERATIONS[kind][op])["responses"]["200"].get("examples") for op in ("get", "list", "offer")
    ]
    bodies = [example.get("application/json", example) for example in examples]
    folder = shared("models", "sp-api", "schemas", "notifications")
    notification = json.loads((folder / "FulfillmentOrderStatusNotification.json").read_text())["examples"][0]
    summary = {
        "sellerSku": "S",
        "inventoryDetails": {"fulfillableQuantity": 1, "reservedQuantity": {"totalReservedQuantity": 1}},
    }
    bodies += [{"payload": {"inventorySummaries": [summary]}, "pagination": {"nextToken": "T"}}, notification]
    body = data.draw(st.sampled_from(bodies))
    changed = replaced(body, data.draw(st.sampled_from(nodes(body))), data.draw(junk))
    status = data.draw(st.sampled_from([200, 202, 400]))
    for op in ("create", "release", "get", "cancel", "tracking"):
        assert connector.read(op, Order("ABC123XYZ"), answer(changed, status)).outcome in OUTCOMES
    for page in (connector.read_list(answer(changed, status)), connector.read_stock(answer(changed, status))):
        assert status == 200 or page.failed is not None or status == 202
    connector.read_offer(answer(changed, status))
    connector.read_returns(answer(changed, status))
    assert connector.message({"x-api-key": "k"}, json.dumps(changed).encode(), ["k"]).ok
