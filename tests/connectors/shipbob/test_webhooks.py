"""Webhooks: who signed them, what they say, and that neither order nor repetition changes what comes of them."""

import base64
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tests.connectors.shipbob.making import BOB, CAN, answer, shipment, view
from tranship.connectors.port import Message
from tranship.connectors.shipbob.webhooks import TOLERANCE_S
from tranship.dispatch.model import GONE, LIVE, Dispatch, Report
from tranship.dispatch.rules import Terms, reported

OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2, 3))
AT_S = 1_795_773_600


def sent(body: object, topic: str = "order.shipped", secret: str = NEW, at: int = AT_S, key: str = "msg_1") -> Any:
    """Headers and bytes as the network sends them, signed by the library that others use."""
    raw = body if isinstance(body, str) else json.dumps(body)
    signature = Webhook(secret).sign(key, datetime.fromtimestamp(at, UTC), raw)
    headers = {
        "Webhook-Id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
        "X-Webhook-Topic": topic,
    }
    return headers, raw.encode()


def heard(body: object, **how: Any) -> Message:
    """What a webhook with a good signature says."""
    return BOB.message(*sent(body, **how), [NEW])


def test_a_signature_of_the_reference_library_is_taken():
    """Headers in any case, the newest secret or an older one, among several signatures."""
    headers, body = sent(shipment(1, "Completed", {"MUG": 2}))
    assert BOB.message(headers, body, [NEW]).ok and BOB.message(headers, body, [NEW, OLD]).key == "msg_1"
    headers, body = sent(shipment(1, "Completed", {"MUG": 2}), secret=OLD)
    assert BOB.message(headers, body, [NEW, OLD]).ok and not BOB.message(headers, body, [NEW]).ok
    headers["webhook-signature"] = f"v1a,zzz v1,AAAA {headers['webhook-signature']} v2,{'B' * 44}"
    assert BOB.message(headers, body, [NEW, OLD]).ok


@given(
    place=st.integers(0, 10_000),
    bit=st.integers(0, 7),
    part=st.sampled_from(["body", "webhook-timestamp", "Webhook-Id"]),
)
def test_a_single_changed_bit_is_refused(place: int, bit: int, part: str):
    """In the body, the moment or the id: nothing of it is used."""
    headers, body = sent(shipment(1, "Completed", {"MUG": 2}))
    text = bytearray(body if part == "body" else headers[part].encode())
    text[place % len(text)] ^= 1 << bit
    if part == "body":
        body = bytes(text)
    else:
        headers[part] = text.decode("latin-1")
    assert BOB.message(headers, body, [NEW, OLD]) == Message(False)


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["whsec_not base64"], [OTHER], [OTHER, OLD]])
def test_without_the_right_secret_nothing_is_taken(secrets: list[str]):
    """An empty or broken secret is none, not one that everybody knows."""
    headers, body = sent(shipment(1, "Completed", {"MUG": 2}))
    assert BOB.message(headers, body, secrets) == Message(False)
    empty = {**headers, "webhook-signature": "v1,"}
    assert BOB.message(empty, body, secrets) == Message(False)


def test_one_that_was_signed_long_ago_is_refused_where_the_time_is_known():
    """Five minutes to either side; without a clock only its id tells a repeat."""
    headers, body = sent(shipment(1, "Completed", {"MUG": 2}))
    for off, good in (
        (0, True),
        (TOLERANCE_S, True),
        (-TOLERANCE_S, True),
        (TOLERANCE_S + 1, False),
        (-TOLERANCE_S - 1, False),
    ):
        assert BOB.message(headers, body, [NEW], (AT_S + off) * 1_000_000).ok is good
    assert BOB.message(headers, body, [NEW]).ok


@pytest.mark.parametrize("missing", ["Webhook-Id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_no_signature(missing: str):
    """Each of the three is needed."""
    headers, body = sent(shipment(1, "Completed", {"MUG": 2}))
    del headers[missing]
    assert not BOB.message(headers, body, [NEW]).ok


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("Completed", "PICKING"),
        ("LabeledCreated", "PICKING"),
        ("OnHold", ""),
        ("Exception", ""),
        ("Cancelled", ""),
        ("Processing", ""),
    ],
)
def test_a_shipment_never_speaks_for_the_order(status: str, word: str):
    """Others of the order may wait: what left can no longer be called back, and no more is said."""
    (report,) = heard(shipment(7, status, {"MUG": 2})).reports
    assert (report.remote_id, report.remote, report.their_id) == ("TS-1", word, "300")
    assert [parcel.package_id for parcel in report.parcels] == (["7"] if status == "Completed" else [])


def test_a_webhook_with_the_order_itself_speaks_for_it():
    """Then all shipments are seen."""
    (report,) = heard(view("Fulfilled", [shipment(7, "Completed", {"MUG": 2, "TEE": 1})])).reports
    assert report.remote == "COMPLETE" and report.parcels[0].lines == (("1", 2), ("L2", 1))


@pytest.mark.parametrize(
    ("body", "topic", "kind"),
    [
        ("{", "order.shipped", "violation"),
        ({"id": "x", "order_id": 1}, "order.shipped", "violation"),
        (shipment(7, "Beamed", {}), "order.shipped", "unknown_state"),
        (shipment(7, "Completed", {}, reference_id="Ada Byron"), "order.shipped", "foreign_id"),
        (shipment(7, "Completed", {}, reference_id=None), "order.shipped", "foreign_id"),
        ({}, "merchant.renamed", "unknown_state"),
        ({}, "<script>", "unknown_state"),
        ("{", "order.<script>", "violation"),
    ],
)
def test_signed_nonsense_is_told_and_used_for_nothing(body: object, topic: str, kind: str):
    """It is from them, so it is answered and shown to a person; it changes nothing."""
    found = heard(body, topic=topic)
    assert found.ok and found.reports == () and [finding.kind for finding in found.findings] == [kind]
    assert "Ada" not in repr(found) and "<script" not in repr(found)


@pytest.mark.parametrize("topic", ["return.created", "return.completed", "wro.box.stowed", "billing.charge.created"])
def test_other_topics_are_heard_and_left_alone(topic: str):
    """Returns, stock and bills are asked for, not pushed into orders."""
    assert heard({"id": 1}, topic=topic) == Message(True, "msg_1")


@given(body=st.binary(max_size=80), headers=st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
       st.text(max_size=60)))  # fmt: skip
def test_nothing_that_comes_in_raises(body: bytes, headers: dict[str, str]):
    """Any bytes under any headers are refused without a fuss."""
    assert BOB.message(headers, body, [NEW]) == Message(False)


# -- any order, any repetition -------------------------------------------------------------------------------------------

TERMS = Terms(CAN)
STORY = [
    shipment(7, "OnHold", {"MUG": 2}),
    shipment(8, "Exception", {"TEE": 1}),
    shipment(7, "LabeledCreated", {"MUG": 2}),
    shipment(7, "Completed", {"MUG": 2}),
    shipment(8, "Completed", {"TEE": 1}),
    shipment(7, "Completed", {"MUG": 2}, delivery_date="2026-11-29T10:00:00Z"),
    shipment(8, "Completed", {"TEE": 1}, delivery_date="2026-11-29T11:00:00Z"),
]
LAST = view("Fulfilled", [STORY[5], STORY[6]])
"""What the list tells in the end, whatever was lost on the way."""


def told(reports: list[Report]) -> Dispatch:
    """A live order after all of these, at one moment."""
    found = Dispatch("TS-1", "O", 1, 0, False, LIVE, "ship", 1, 1, "get", 1, moved_at=1)
    for report in reports:
        found = reported(found, report, 5, TERMS).dispatch
    return found


@settings(deadline=None)
@given(
    copies=st.lists(st.integers(1, 5), min_size=len(STORY), max_size=len(STORY)),
    lost=st.lists(st.booleans(), min_size=len(STORY), max_size=len(STORY)),
    seed=st.integers(0, 1 << 32),
    end=st.integers(0, 40),
)
def test_any_order_any_repetition_and_losses_come_to_the_same(copies: list[int], lost: list[bool], seed: int, end: int):
    """Shuffled, each up to five times, some never: with one look at the list, wherever it falls, the same dispatch."""
    shuffled = [(n, row) for n, row in enumerate(STORY) for _ in range(copies[n]) if not lost[n]]
    random.Random(seed).shuffle(shuffled)
    reports = [heard(row, key=f"msg_{n}").reports[0] for n, row in shuffled]
    (final,) = BOB.read_list(answer([LAST])).reports
    reports.insert(min(end, len(reports)), final)
    found, straight = told(reports), told([final])
    assert found == straight and found.state == GONE
    assert [(parcel.status, parcel.lines) for parcel in found.parcels] == [
        ("DELIVERED", (("1", 2),)),
        ("DELIVERED", (("L2", 1),)),
    ]
