"""Orders and answers of ShipBob, made for tests."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.masking import making as parcels
from tranship.connectors.port import Response
from tranship.connectors.proofs import RECORD, capability, folder_of
from tranship.connectors.shipbob import ShipBob
from tranship.connectors.shipbob.settings import settings_of
from tranship.core.capability import Connection
from tranship.masking.model import MaskedAddress, MaskedLine, MaskedOrder

CAN = capability(folder_of("shipbob").joinpath(RECORD).read_bytes(), where="shipbob")
SETTINGS: dict[str, object] = {"endpoint": "http://127.0.0.1:9", "channel_id": 100200, "page_size": 3}
BOB = ShipBob(settings_of(Connection("bob", "shipbob", settings=SETTINGS)), CAN)
HEADERS = {"authorization": "Bearer x", "shipbob_channel_id": "100200"}

line_ids = st.one_of(st.integers(1, 999).map(str), st.from_regex(r"[A-Za-z0-9-]{1,8}", fullmatch=True))


@st.composite
def orders(draw: st.DrawFn) -> MaskedOrder:
    """Any order that masking would let through."""
    names = draw(st.lists(line_ids, min_size=1, max_size=8, unique=True))
    lines = tuple(MaskedLine(name, draw(parcels.skus), draw(st.integers(1, 999_999))) for name in names)
    to = MaskedAddress(
        draw(parcels.names), draw(parcels.parts), draw(parcels.parts), draw(st.just("") | parcels.parts),
        draw(parcels.zips), draw(parcels.countries), draw(st.just("") | parcels.parts),
    )  # fmt: skip
    return MaskedOrder(
        draw(st.from_regex(r"[A-Z0-9-]{1,40}", fullmatch=True)), to, lines,
        draw(st.sampled_from(["ground", "two_day", "next_day"])), location=draw(st.sampled_from(["", "7", "2147483647"])),
    )  # fmt: skip


def order(
    remote_id: str = "TS-1", lines: Sequence[tuple[str, str, int]] = (("1", "MUG", 2), ("L2", "TEE", 1))
) -> MaskedOrder:
    """A plain order."""
    to = MaskedAddress("Ada Byron", "12 Oak St", "Seattle", "WA", "98101", "US")
    return MaskedOrder(remote_id, to, tuple(MaskedLine(*line) for line in lines))


def shipment(number: int, status: str, units: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """A shipment; what left bears a tracking number."""
    left = status == "Completed"
    tracking = {"carrier": "USPS", "tracking_number": f"92{number}"} if left else {}
    return {
        "id": number,
        "order_id": 300,
        "reference_id": "TS-1",
        "status": status,
        "tracking": tracking,
        "actual_fulfillment_date": "2026-11-27T10:00:00Z" if left else None,
        "products": [
            {"reference_id": sku, "sku": sku, "inventory_items": [{"id": 1 + len(sku), "quantity": count}]}
            for sku, count in units.items()
        ],
        **more,
    }


def view(status: str, shipments: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """An order of two MUG (line 1) and one TEE (line L2)."""
    products = [
        {"reference_id": "MUG", "quantity": 2, "external_line_id": 1},
        {"reference_id": "TEE", "quantity": 1, "external_line_id": 1_000_001_389},
    ]
    told = {"id": 300, "reference_id": "TS-1", "status": status, "created_date": "2026-11-27T08:00:00Z"}
    return {**told, "products": products, "shipments": list(shipments), **more}


def answer(body: object, status: int = 200, **headers: str) -> Response:
    """An answer with a JSON body."""
    return Response(status, {key.replace("_", "-"): value for key, value in headers.items()}, json.dumps(body).encode())
