"""What ShipBob's answers come to: the careful reading wherever two are possible, and never an exception."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.shipbob.making import BOB, answer, shipment, view
from tranship.connectors.port import Count, Order, Response
from tranship.connectors.shipbob.translate_orders import ORDER, SHIPMENT
from tranship.connectors.shipbob.views import decoded
from tranship.dispatch.model import DEAD, LEFT, OUTCOMES, REMOTE

OURS = Order("TS-1", "300")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["id", "status", "reference_id", "shipments", "products", "items", "sku", "order", "next"]),
            inner,
        ),
    ),
    max_leaves=20,
)


def got(*views: Any) -> Any:
    """What a look says of these orders."""
    return BOB.read("get", OURS, answer(list(views)))


def test_a_whole_order_that_left_is_complete_with_its_lines():
    """Units by our line ids, carrier, number and time."""
    found = got(view("Fulfilled", [shipment(7, "Completed", {"MUG": 2, "TEE": 1})]))
    assert (found.outcome, found.remote, found.their_id, found.short) == ("ok", "COMPLETE", "300", ())
    (parcel,) = found.parcels
    assert (parcel.package_id, parcel.carrier, parcel.tracking, parcel.status) == ("7", "USPS", "927", "SHIPPED")
    assert parcel.lines == (("1", 2), ("L2", 1)) and parcel.shipped_at == 1_795_773_600_000_000


@pytest.mark.parametrize(
    ("status", "shipments", "word", "short"),
    [
        ("Processing", [], "PROCESSING", ()),
        ("Exception", [shipment(1, "Exception", {"MUG": 2, "TEE": 1})], "PROCESSING", ()),
        ("Processing", [shipment(1, "OnHold", {"MUG": 2})], "PROCESSING", ()),
        ("Processing", [shipment(1, "LabeledCreated", {"MUG": 2})], "PICKING", ()),
        ("PartiallyFulfilled", [shipment(1, "Completed", {"MUG": 2}), shipment(2, "Processing", {"TEE": 1})], "PICKING", ()),
        ("PartiallyFulfilled", [shipment(1, "Completed", {"MUG": 2}), shipment(2, "Cancelled", {"TEE": 1})],
         "COMPLETE_PARTIAL", (("L2", 1),)),
        ("Cancelled", [shipment(1, "Completed", {"MUG": 2, "TEE": 1}), shipment(2, "Cancelled", {})], "COMPLETE", ()),
        ("Cancelled", [shipment(1, "Cancelled", {"MUG": 2, "TEE": 1})], "CANCELLED", ()),
        ("Cancelled", [shipment(1, "Processing", {"MUG": 2})], "PROCESSING", ()),  # the order's word alone proves nothing
        ("Processing", [shipment(1, "Cancelled", {"MUG": 2, "TEE": 1})], "PROCESSING", ()),
        ("Fulfilled", [shipment(1, "Completed", {"MUG": 1, "TEE": 1})], "COMPLETE_PARTIAL", (("1", 1),)),
        ("Processing", [shipment(1, "Completed", {"MUG": 2})], "PICKING", ()),  # the rest is in no shipment yet
    ],
)  # fmt: skip
def test_an_order_is_read_by_its_shipments(status: str, shipments: Any, word: str, short: Any):
    """The order's own word comes second."""
    found = got(view(status, shipments))
    assert (found.remote, found.short) == (word, short)


@given(
    own=st.sampled_from(sorted(ORDER)),
    states=st.lists(st.sampled_from(sorted(SHIPMENT)), max_size=4),
    units=st.lists(st.integers(0, 3), min_size=8, max_size=8),
)
def test_nothing_counts_as_dead_or_gone_while_it_may_still_ship(own: str, states: list[str], units: list[int]):
    """Whatever the states: dead only where all is dead, left only where nothing waits, parcels only for what left."""
    rows = [shipment(n + 1, state, {"MUG": units[2 * n], "TEE": units[2 * n + 1]}) for n, state in enumerate(states)]
    found = got(view(own, rows))
    stages = [SHIPMENT[state] for state in states]
    assert found.outcome == "ok" and found.remote in REMOTE
    if found.remote in DEAD:
        assert own == "Cancelled" and set(stages) <= {"dead"}
    if found.remote in LEFT and stages:
        assert "left" in stages and not {"open", "packed"} & set(stages)
    assert len(found.parcels) == stages.count("left")
    told: dict[str, int] = {}
    for parcel in found.parcels:
        for line, count in parcel.lines:
            told[line] = told.get(line, 0) + count
    assert told.get("1", 0) <= 2 and told.get("L2", 0) <= 1


def test_of_several_orders_under_one_id_the_liveliest_counts():
    """Where ids are free again, a second order may be alive under the id of a dead one."""
    dead, alive = view("Cancelled", []), view("Processing", [], id=301)
    for told in ((dead, alive), (alive, dead)):
        found = got(*told)
        assert (found.remote, found.their_id) == ("PROCESSING", "301") and "2 orders" in found.detail


def test_an_answer_about_others_is_a_violation():
    """A filter that was passed over is no proof of absence."""
    assert got(view("Processing", [], reference_id="OTHER")).outcome == "violation"
    assert got().outcome == "not_found"
    created = BOB.read("create", OURS, answer(view("Processing", [], reference_id="OTHER"), 201))
    assert created.outcome == "violation"
    cancelled = {"order_id": 9, "status": "Success", "order": None}
    assert BOB.read("cancel", OURS, answer(cancelled)).outcome == "violation"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"reference_id": ["Order with this reference id already exists."]}, "exists"),
        ({"ReferenceId": ["Taken"]}, "exists"),
        ({"": ["Duplicate order"]}, "exists"),
        ({"products[0].reference_id": ["A product with it already exists"]}, "exists"),  # in doubt: it may be there
        ({"recipient.address.zip_code": ["Not a ZIP code of 12 Oak St"]}, "refused"),
        ({"location_id": ["Unknown"]}, "refused"),
        ({}, "violation"),
        ("no", "violation"),
    ],
)
def test_a_duplicate_is_told_from_a_refusal(body: object, outcome: str):
    """422 is their word for a reference that is taken; only an error that names other fields is a refusal."""
    found = BOB.read("create", OURS, answer(body, 422))
    assert found.outcome == outcome and "Oak" not in found.detail


def test_a_cancellation_counts_only_where_everything_is_dead():
    """`Success` with an order that is not dead, or in part only, is a promise; a failure is a refusal."""
    dead = view("Cancelled", [shipment(1, "Cancelled", {"MUG": 2, "TEE": 1})])
    alive = view("Processing", [shipment(1, "Processing", {"MUG": 2, "TEE": 1})])

    def told(status: str, order: Any) -> tuple[str, str, bool]:
        found = BOB.read("cancel", OURS, answer({"order_id": 300, "status": status, "order": order}))
        return found.outcome, found.remote, found.accepted_only

    assert told("Success", dead) == ("ok", "CANCELLED", False)
    assert told("Success", None) == ("ok", "CANCELLED", False)
    assert told("Success", alive) == ("ok", "PROCESSING", True)
    assert told("PartialSuccess", alive) == ("ok", "PROCESSING", True)
    assert told("Failure", alive) == ("refused", "PROCESSING", False)
    assert told("Perhaps", dead)[0] == "violation"


def test_a_state_that_nobody_knows_changes_nothing():
    """It is a violation on a look, and a finding in a list; the other orders of the page are read."""
    strange = view("Teleported", [])
    assert got(strange).outcome == "violation"
    listed = BOB.read_list(answer([strange | {"reference_id": "TS-2"}, view("Processing", [])]))
    assert [report.remote_id for report in listed.reports] == ["TS-1"]
    assert [(finding.kind, finding.subject) for finding in listed.findings] == [("unknown_state", "TS-2")]


def test_orders_of_others_on_our_channel_are_told():
    """An id that is none of ours is a finding, and never quoted: it may be anything."""
    listed = BOB.read_list(answer([view("Processing", [], reference_id="Ada Byron's gift")]))
    assert listed.reports == () and [finding.kind for finding in listed.findings] == ["foreign_id"]
    assert "Ada" not in repr(listed)


def test_a_full_page_asks_on_from_its_last_moment():
    """One second early, so that nothing with the same moment is missed; a page that cannot be paged on says so."""
    moments = ["2026-11-27T08:00:00Z", "2026-11-27T08:00:05Z", "2026-11-27T08:00:09Z"]
    page = [view("Processing", [], id=n, reference_id=f"TS-{n}", created_date=at) for n, at in enumerate(moments, 1)]
    assert BOB.read_list(answer(page)).more == "2026-11-27T08:00:08Z"
    assert dict(BOB.list(0, "2026-11-27T08:00:08Z").query)["StartDate"] == "2026-11-27T08:00:08Z"
    assert BOB.read_list(answer(page[:2])).more == ""
    for bad in (
        [{**row, "created_date": moments[0]} for row in page],
        page[::-1],
        [{**row, "created_date": None} for row in page],
    ):
        stuck = BOB.read_list(answer(bad))
        assert stuck.more == "" and len(stuck.reports) == 3 and stuck.findings[-1].kind == "violation"


def test_only_what_can_be_picked_is_sellable():
    """Units on their way are inbound; damaged ones are neither; less than none is none and told."""
    place = {
        "location_id": 7, "on_hand_quantity": 20, "committed_quantity": 5, "fulfillable_quantity": 12,
        "awaiting_quantity": 40, "internal_transfer_quantity": 3,
    }  # fmt: skip
    page = {"items": [{"inventory_id": 1, "sku": "MUG", "locations": [place]}], "next": None}
    assert BOB.read_stock(answer(page)).counts == (Count("MUG", "7", 12, 5, 43, 3),)
    page["items"] = [
        {"sku": "MUG", "locations": [place | {"fulfillable_quantity": -2}]},
        {"inventory_id": 8, "sku": None},
    ]
    oversold = BOB.read_stock(answer(page))
    assert oversold.counts[0].sellable == 0
    assert [finding.kind for finding in oversold.findings] == ["violation", "foreign_id"]


def test_the_next_page_is_asked_for_here_and_nowhere_else():
    """Of the address of the next page only its query is used, whatever host it names."""
    page = BOB.read_stock(answer({"items": [], "next": "https://evil.example/steal?PageSize=3&SearchBy=after.9"}))
    request = BOB.stock(0, page.more)
    assert (request.path, dict(request.query)) == (
        "/2026-01/inventory-level/locations",
        {"PageSize": "3", "SearchBy": "after.9"},
    )
    for strange in ("https://x.example/none", "https://x.example/?a%0d%0aHost:=1"):
        assert BOB.read_stock(answer({"items": [], "next": strange})).failed is not None


def test_what_is_expected_is_not_there_yet():
    """Receiving orders say what is inbound: units stowed already are stock, finished ones are passed over."""
    row = {"sku": "MUG", "expected_quantity": 50, "received_quantity": 50, "stowed_quantity": 20}
    orders = [
        {"id": n, "status": status, "fulfillment_center": {"id": 7}, "inventory_quantities": [row]}
        for n, status in enumerate(("Arrived", "Completed", "Cancelled", "Levitating"), 1)
    ]
    found = BOB.read_receiving(answer(orders[:2]))
    assert [(inbound.receiving_id, inbound.location, inbound.waiting) for inbound in found.rows] == [("1", "7", 30)]
    strange = BOB.read_receiving(answer(orders[2:]))
    assert [inbound.waiting for inbound in strange.rows] == [30] and strange.findings[0].kind == "unknown_state"


def test_returns_name_the_units_and_what_was_done_with_them():
    """By our id where the network repeats it, with what is still to be done."""
    item = {"sku": "MUG", "quantity": 3, "action_taken": [{"action": "Restock", "quantity_processed": 2}]}
    page = {"items": [{"id": 1, "status": "Processing", "store_order_id": "TS-1", "inventory": [item]}], "next": None}
    assert BOB.read_returns(answer(page)).rows == (("TS-1", "MUG", 2, "Restock"), ("TS-1", "MUG", 1, "Processing"))


def test_a_price_is_money_to_the_cent():
    """The cheapest place for the method, rounded half up; no estimate is a refusal, a strange price a violation."""
    prices = [{"estimated_price": price, "shipping_method": "Standard"} for price in (9.5, 8.905)]
    assert BOB.read_offer(answer({"estimates": prices})).fee_minor == 891
    assert BOB.read_offer(answer({"estimates": []})).failed is not None
    assert BOB.read_offer(answer({"estimates": [{"estimated_price": -1}]})).failed is not None


def test_a_timeline_tells_where_a_parcel_is():
    """Shipped, then delivered; what it does not say stays open."""
    log = [{"log_type_id": 605, "log_type_name": "OrderShipped", "timestamp": "2026-11-27T10:00:00Z"}]
    assert BOB.read_timeline("7", answer(log))[0].status == "SHIPPED"
    log.append({"log_type_id": 606, "log_type_name": "Delivered", "timestamp": "2026-11-29T10:00:00Z"})
    parcel, failed = BOB.read_timeline("7", answer(log))
    assert (parcel.status, parcel.shipped_at, failed) == ("DELIVERED", 1_795_773_600_000_000, None)
    assert BOB.read_timeline("7", answer([]))[0].status == "" and BOB.read_timeline("7", answer({}))[1] is not None


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 599])
def test_statuses_that_all_operations_share(status: str):
    """Not carried out, or unknown: never anything else, and the wait is read."""
    reply = Response(int(status), {"x-retry-after": "25"}, b"<html>Ada Byron</html>")
    want = {401: "unauthorized", 403: "unauthorized", 429: "throttled"}.get(int(status), "unknown")
    found = [BOB.read(op, OURS, reply) for op in ("create", "get", "cancel", "tracking", "release")]
    found += [
        page.failed for page in (BOB.read_list(reply), BOB.read_stock(reply), BOB.read_returns(reply)) if page.failed
    ]
    assert {result.outcome for result in found} == {want} and len(found) == 8
    assert "Ada" not in repr(found) and (want != "throttled" or found[0].retry_after_ms == 25_000)


@given(
    body=st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())),
    status=st.integers(100, 599),
)
def test_nothing_that_comes_in_raises(body: bytes, status: int):
    """Any bytes under any status make a result, and none of them proves that something is dead or gone."""
    reply = Response(status, {"x-retry-after": "٣"}, body)
    for op in ("create", "get", "cancel", "tracking", "release"):
        found = BOB.read(op, OURS, reply)
        assert found.outcome in OUTCOMES and (found.remote in REMOTE or not found.remote)
        assert found.outcome not in {"ok", "exists"} or status in {200, 201, 422}
    for page in (BOB.read_list(reply), BOB.read_stock(reply), BOB.read_returns(reply), BOB.read_receiving(reply)):
        assert page.failed is None or page.failed.outcome in OUTCOMES
    assert BOB.read_offer(reply).fee_minor >= 0 and BOB.read_timeline("7", reply)[0].package_id == "7"


def test_a_deep_body_is_a_violation():
    """A hundred thousand brackets do not bring anything down."""
    assert BOB.read("get", OURS, Response(200, {}, b"[" * 100_000)).outcome == "violation"
    assert decoded(b"[]", list[int]) == []
