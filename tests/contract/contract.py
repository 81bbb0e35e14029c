"""What every connector to a network over REST keeps, shown against its stand-in: the same tests for all.

A kind claims in its record what its network promises. Each claim that the hand-over rests on (a fence) has a test here; what passes is
written down in `proof.json` beside the connector's code (TRANSHIP_WRITE_PROOFS=1), and without it the connector is not loaded.
"""

import asyncio
import hashlib
import inspect
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import ClassVar

import pytest

from tests.contract.place import DAY_S, Desk, Made, Place
from tests.support import ROOT
from tranship.connectors.http import HttpClient, LostError
from tranship.connectors.port import Connector, Order, Response
from tranship.connectors.proofs import PROOF, RECORD, Proof, capability, digest, fences, folder_of, with_proof
from tranship.core.capability import Capability
from tranship.dispatch.model import DEAD, LEFT, OUTCOMES, REMOTE

PROOFS = {
    "hold_release": "test_what_waits_on_hold_does_not_ship_before_it_is_released",
    "client_id_unique": "test_the_same_bytes_twice_are_one_order",
    "id_burned_after_cancel": "test_an_id_stays_taken_after_its_order_was_cancelled",
    "request_ttl_s": "test_a_late_request_is_not_carried_out_after_its_time",
}
NUMBERS = count(1)


class NetworkContract:
    """Subclass with a kind, a sandbox and how its connector and client are made."""

    kind: ClassVar[str]
    skus: ClassVar[tuple[str, str]] = ("MUG-1", "TEE-2")  # in stock there, 1000 units each
    shown: ClassVar[set[str]]  # fences that this run has shown
    ships_after_s: ClassVar[float] = DAY_S  # by then an order that may ship has left
    works_after_s: ClassVar[float] = 3600  # by then it can no longer be called back

    def connector(self, place: Place, can: Capability) -> Connector:
        """The connector for a place."""
        raise AssertionError("a kind says how its connector is made")

    def client(self, place: Place, timeout_ms: int) -> HttpClient:
        """Its client."""
        raise AssertionError("a kind says how its client is made")

    def settle(self, place: Place) -> None:
        """Let everything be carried out that was only accepted."""
        place.advance(30)

    # -- what tests get ------------------------------------------------------------------------------------------------

    @pytest.fixture
    def can(self) -> Capability:
        """The record alone: a proof is what these tests make."""
        return capability(folder_of(self.kind).joinpath(RECORD).read_bytes(), where=self.kind)

    @contextmanager
    def at_desk(self, place: Place, can: Capability) -> Iterator[Desk]:
        """A connector on the line; the limits have recovered and nothing is broken."""
        place.calm()
        place.advance(120)
        loop = asyncio.new_event_loop()
        client = self.client(place, 2000)
        try:
            yield Desk(place, self.connector(place, can), client, loop)
        finally:
            loop.run_until_complete(client.close())
            loop.close()
            place.calm()

    @pytest.fixture
    def desk(self, place: Place, can: Capability) -> Iterator[Desk]:
        """The same for one test; afterwards neither side has broken the vendor's file."""
        with self.at_desk(place, can) as desk:
            yield desk
        report = place.report()
        assert report["violations"] == 0, report["violation_texts"]
        assert report["bad_requests"] == 0, report["bad_request_texts"]

    def new(self, desk: Desk, *, hold: bool = False, units: tuple[int, int] = (2, 1)) -> Made:
        """An order of two lines, not sent yet."""
        lines = [(f"L{n}", sku, qty) for n, (sku, qty) in enumerate(zip(self.skus, units, strict=True), 1)]
        return desk.make(lines, hold=hold, remote_id=f"TS-{next(NUMBERS):06d}")

    def proves(self, fence: str) -> None:
        """The last line of a fence's test: it is reached only where everything before it held."""
        type(self).shown = {*getattr(type(self), "shown", set()), fence}

    def needs(self, can: Capability, fence: str) -> None:
        """Skip where the network does not promise it."""
        if not getattr(can, fence):
            pytest.skip(f"{self.kind} does not claim {fence}")

    # -- handing over --------------------------------------------------------------------------------------------------

    def test_what_is_handed_over_is_there_and_ships_once(self, desk: Desk):
        """Create, look, wait: it leaves once, and the network says so."""
        made = self.new(desk)
        assert desk.create(made).outcome == "ok"
        self.settle(desk.place)
        seen = desk.ask("get", made.order)
        assert seen.outcome == "ok" and seen.remote in REMOTE and seen.remote not in DEAD | LEFT
        desk.place.advance(self.ships_after_s)
        assert desk.ask("get", made.order).remote == "COMPLETE"
        assert (desk.place.truth(made.order.remote_id)["times"], desk.place.truth(made.order.remote_id)["units"]) == (
            1,
            3,
        )

    def test_what_waits_on_hold_does_not_ship_before_it_is_released(self, desk: Desk, can: Capability):
        """Five days on hold: nothing leaves and it says so. Released, it leaves once."""
        self.needs(can, "hold_release")
        made = self.new(desk, hold=True)
        assert desk.create(made).outcome == "ok"
        desk.place.advance(5 * DAY_S)
        assert desk.ask("get", made.order).remote == "HELD"
        assert desk.place.truth(made.order.remote_id)["times"] == 0
        assert desk.ask("release", made.order).outcome == "ok"
        self.settle(desk.place)
        assert desk.ask("get", made.order).remote != "HELD"
        desk.place.advance(self.ships_after_s)
        assert desk.ask("get", made.order).remote == "COMPLETE"
        assert desk.place.truth(made.order.remote_id)["times"] == 1
        self.proves("hold_release")

    def test_the_same_bytes_twice_are_one_order(self, desk: Desk, can: Capability):
        """Sent three times, also after it left: the network has it once, ships it once, and says that it exists."""
        self.needs(can, "client_id_unique")
        made = self.new(desk)
        assert [desk.create(made).outcome for _ in range(3)] == ["ok", "exists", "exists"]
        other = desk.make([("L1", self.skus[1], 9)], hold=False, remote_id=made.order.remote_id)
        assert desk.create(other).outcome == "exists"  # another order under the same id
        desk.place.advance(self.ships_after_s)
        assert desk.create(made).outcome == "exists"
        desk.place.advance(self.ships_after_s)
        truth = desk.place.truth(made.order.remote_id)
        assert (truth["times"], truth["units"]) == (1, 3)
        self.proves("client_id_unique")

    def test_an_id_stays_taken_after_its_order_was_cancelled(self, desk: Desk, can: Capability):
        """A late original finds the id used up: nothing ever leaves under it."""
        self.needs(can, "id_burned_after_cancel")
        made = self.new(desk, hold=can.hold_release)
        assert desk.create(made).outcome == "ok"
        assert desk.ask("cancel", made.order).outcome == "ok"
        self.settle(desk.place)
        assert desk.ask("get", made.order).remote == "CANCELLED"
        for wait_s in (0, 3600, 30 * DAY_S):
            desk.place.advance(wait_s)
            assert desk.create(made).outcome == "exists"
            assert desk.ask("get", made.order).remote == "CANCELLED"
        desk.place.advance(self.ships_after_s)
        assert desk.place.truth(made.order.remote_id)["times"] == 0
        self.proves("id_burned_after_cancel")

    def test_a_late_request_is_not_carried_out_after_its_time(self, desk: Desk, can: Capability):
        """Where the network says how late a request may still be carried out, later ones are not."""
        self.needs(can, "request_ttl_s")
        made = self.new(desk)
        desk.place.fault("delayed", "create", ms=min(3_600_000, (can.request_ttl_s + 60) * 1000), times=1)
        with pytest.raises(LostError):
            desk.create(made)
        desk.place.advance(can.request_ttl_s + 120)
        desk.place.advance(self.ships_after_s)
        assert desk.place.truth(made.order.remote_id)["times"] == 0
        self.proves("request_ttl_s")

    def test_what_waits_too_long_is_ended_there_and_never_ships(self, desk: Desk, can: Capability):
        """After the days that the record names a held order is cancelled by the network itself."""
        self.needs(can, "hold_days")
        made = self.new(desk, hold=True)
        desk.create(made)
        desk.place.advance((can.hold_days - 0.5) * DAY_S)
        assert desk.ask("get", made.order).remote == "HELD"
        desk.place.advance(DAY_S)
        assert desk.ask("get", made.order).remote == "CANCELLED"
        desk.ask("release", made.order)
        desk.place.advance(self.ships_after_s)
        assert desk.place.truth(made.order.remote_id)["times"] == 0

    # -- calling back --------------------------------------------------------------------------------------------------

    def test_an_accepted_cancellation_is_proven_by_a_look(self, desk: Desk, can: Capability):
        """Accepted proves nothing where the record says so; the look after it does."""
        made = self.new(desk)
        desk.create(made)
        self.settle(desk.place)
        cancelled = desk.ask("cancel", made.order)
        assert cancelled.outcome == "ok" and cancelled.accepted_only == (can.cancel != "sync")
        self.settle(desk.place)
        assert desk.ask("get", made.order).remote == "CANCELLED"
        desk.place.advance(self.ships_after_s)
        assert desk.place.truth(made.order.remote_id)["times"] == 0

    def test_a_cancellation_that_comes_too_late_is_never_taken_for_one(self, desk: Desk):
        """Once it is worked on it ships, whatever the cancellation was answered."""
        made = self.new(desk)
        desk.create(made)
        desk.place.advance(self.works_after_s)
        assert desk.ask("cancel", made.order).outcome in {"ok", "refused"}
        self.settle(desk.place)
        assert desk.ask("get", made.order).remote not in DEAD
        desk.place.advance(self.ships_after_s)
        assert desk.ask("get", made.order).remote == "COMPLETE"
        assert desk.ask("cancel", made.order).outcome == "refused"
        assert desk.place.truth(made.order.remote_id)["times"] == 1

    def test_an_order_that_never_came_is_not_found(self, desk: Desk, can: Capability):
        """That is what it is called, by every operation on one order."""
        for op in ("get", "cancel", "tracking", *(("release",) if can.hold_release else ())):
            assert desk.ask(op, Order("TS-NEVER", "999999")).outcome == "not_found", op

    # -- what it tells -------------------------------------------------------------------------------------------------

    def test_parcels_come_with_our_line_ids_and_all_units(self, desk: Desk):
        """Carrier, number, units by line, the time it left; later that it arrived."""
        made = self.new(desk, units=(3, 2))
        desk.create(made)
        desk.place.advance(self.ships_after_s)
        seen = desk.ask("tracking", made.order)
        assert seen.remote == "COMPLETE" and seen.parcels
        units: dict[str, int] = {}
        for parcel in seen.parcels:
            assert parcel.package_id and parcel.carrier and parcel.tracking and parcel.shipped_at
            assert parcel.status in {"SHIPPED", "DELIVERED"}
            for line_id, quantity in parcel.lines:
                units[line_id] = units.get(line_id, 0) + quantity
        assert units == {"L1": 3, "L2": 2} and not seen.short
        desk.place.advance(7 * DAY_S)
        again = desk.ask("tracking", made.order).parcels
        assert [parcel.package_id for parcel in again] == [parcel.package_id for parcel in seen.parcels]

    def test_a_list_tells_what_changed_and_agrees_with_a_look(self, desk: Desk):
        """Every order that changed since, once on all pages together at its newest, with the word that a look gives."""
        since = desk.place.now()
        desk.place.advance(2)
        orders = [self.new(desk) for _ in range(4)]
        for made in orders:
            assert desk.create(made).outcome == "ok"
        self.settle(desk.place)
        desk.ask("cancel", orders[0].order)
        self.settle(desk.place)
        words = {report.remote_id: report.remote for page in desk.listed(since) for report in page.reports}
        for made in orders:
            assert words[made.order.remote_id] == desk.ask("get", made.order).remote
        assert words[orders[0].order.remote_id] == "CANCELLED"
        desk.place.advance(self.ships_after_s)
        assert not [finding for page in desk.listed(since) for finding in page.findings]

    def test_stock_counts_what_can_be_sold_apart_from_what_is_promised(self, desk: Desk):
        """Units of an order there are reserved, and leave with it; sellable is the rest."""
        pages = desk.stock()
        assert all(page.whole and not page.findings and page.failed is None for page in pages)
        before = {row.sku: row for page in pages for row in page.counts}
        made = self.new(desk, units=(7, 1))
        desk.create(made)
        self.settle(desk.place)
        desk.place.advance(self.works_after_s)
        during = {row.sku: row for page in desk.stock() for row in page.counts}
        assert during[self.skus[0]].sellable == before[self.skus[0]].sellable - 7
        assert during[self.skus[0]].reserved >= 7
        desk.place.advance(self.ships_after_s)
        after = {row.sku: row for page in desk.stock() for row in page.counts}
        assert after[self.skus[0]].sellable == during[self.skus[0]].sellable
        assert after[self.skus[0]].reserved == before[self.skus[0]].reserved

    def test_an_offer_names_a_day(self, desk: Desk):
        """When it would arrive, without handing anything over."""
        made = self.new(desk)
        offered = desk.connector.read_offer(desk.send(desk.connector.offer(made.masked)))
        assert offered.failed is None and offered.arrives >= "2026-11-22"
        assert desk.ask("get", made.order).outcome == "not_found"

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("fault", ["lost_reply", "hang", "reset", "truncate"])
    def test_after_a_lost_answer_the_same_bytes_tell_what_became_of_it(self, desk: Desk, can: Capability, fault: str):
        """The creation was carried out and its answer lost: it is there, and sending it again makes no second one."""
        made = self.new(desk)
        desk.place.fault(fault, "create", times=1, when="after")
        with pytest.raises(LostError):
            desk.create(made)
        desk.place.calm()
        again = desk.create(made)
        assert again.outcome == ("exists" if can.client_id_unique else "ok")
        desk.place.advance(self.ships_after_s)
        if can.client_id_unique:
            assert desk.place.truth(made.order.remote_id)["times"] == 1

    @pytest.mark.parametrize("fault", ["hang", "reset"])
    def test_a_request_that_never_arrived_is_as_lost(self, desk: Desk, fault: str):
        """From here it looks the same, and sending it again is the first time for the network."""
        made = self.new(desk)
        desk.place.fault(fault, "create", times=1, when="before")
        with pytest.raises(LostError):
            desk.create(made)
        desk.place.calm()
        assert desk.create(made).outcome == "ok"
        desk.place.advance(self.ships_after_s)
        assert desk.place.truth(made.order.remote_id)["times"] == 1

    def test_a_request_that_is_carried_out_late_finds_its_id_taken(self, desk: Desk, can: Capability):
        """Delayed by half an hour, sent again meanwhile: one order, shipped once."""
        self.needs(can, "client_id_unique")
        made = self.new(desk)
        desk.place.fault("delayed", "create", ms=1_800_000, times=1)
        with pytest.raises(LostError):
            desk.create(made)
        assert desk.ask("get", made.order).outcome == "not_found"
        assert desk.create(made).outcome == "ok"
        desk.place.advance(3600)
        desk.place.advance(self.ships_after_s)
        assert desk.place.truth(made.order.remote_id)["times"] == 1

    def test_a_look_that_lags_is_no_news(self, desk: Desk):
        """Right after creation a look may not find it, which is a word of its own and no violation."""
        made = self.new(desk)
        desk.create(made)
        desk.place.fault("read_lag", "get", ms=60_000)
        assert desk.ask("get", made.order).outcome in {"not_found", "ok"}
        desk.place.advance(61)
        assert desk.ask("get", made.order).outcome == "ok"

    def test_too_many_calls_are_told_to_wait(self, desk: Desk, can: Capability):
        """Past the published burst a call is throttled, not carried out, and says how long to wait; then it goes through."""
        made = self.new(desk)
        desk.create(made)
        results = [desk.ask("get", made.order) for _ in range(can.rates["get"].burst + 3)]
        assert {result.outcome for result in results[: can.rates["get"].burst // 2]} == {"ok"}
        assert results[-1].outcome == "throttled" and results[-1].retry_after_ms > 0
        desk.place.advance(results[-1].retry_after_ms / 1000 + 0.001)
        assert desk.ask("get", made.order).outcome == "ok"

    @pytest.mark.parametrize("op", ["create", "get", "cancel"])
    def test_an_error_of_the_server_says_nothing_of_what_was_done(self, desk: Desk, op: str):
        """5xx: unknown, whether it was carried out or not."""
        made = self.new(desk)
        if op != "create":
            desk.create(made)
            self.settle(desk.place)
        desk.place.fault("5xx", op, status=503, when="after", times=1)
        result = desk.create(made) if op == "create" else desk.ask(op, made.order)
        assert result.outcome == "unknown"

    @pytest.mark.parametrize(
        "body",
        ["<html><h1>Down for maintenance</h1></html>", '{"unexpected": true}', "[]", "null", '{"order":', " ", '"ok"'],
    )
    @pytest.mark.parametrize("op", ["get", "tracking", "create"])
    def test_a_page_that_is_no_answer_is_a_violation(self, desk: Desk, op: str, body: str):
        """HTML, other JSON, half of it, nothing: never taken for a yes or a no, and nothing of it is quoted."""
        order = Order("TS-HOSTILE", "17")
        for status in (200, 201, 302):
            result = desk.connector.read(op, order, Response(status, {"content-type": "text/html"}, body.encode()))
            assert result.outcome in {"violation", "ok"} and "maintenance" not in result.detail
            assert result.outcome == "violation" or (op == "create" and not result.remote)
        for status in (400, 404, 500, 599):
            result = desk.connector.read(op, order, Response(status, {}, b"<html>Ada Byron, 12 Oak St</html>"))
            assert result.outcome in OUTCOMES and result.outcome not in {"ok", "exists"} and "Ada" not in result.detail
        assert desk.connector.read_list(Response(200, {}, body.encode())).failed is not None or body == "[]"
        assert desk.connector.read_stock(Response(500, {}, body.encode())).failed is not None

    # -- proofs --------------------------------------------------------------------------------------------------------

    def test_proofs_fit_the_record_and_these_tests(self, can: Capability):
        """Last of all: the proof beside the code is of this record and of these tests; written anew where that is asked for."""
        folder = ROOT / "src" / "tranship" / "connectors" / self.kind
        now = {fence: getattr(NetworkContract, PROOFS[fence]) for fence in fences(can)}
        sources = {fence: hashlib.sha256(inspect.getsource(test).encode()).hexdigest() for fence, test in now.items()}
        if os.environ.get("TRANSHIP_WRITE_PROOFS") == "1":
            assert set(fences(can)) <= getattr(type(self), "shown", set()), "run the whole class in one process"
            claims = {
                fence: {
                    "ran_against": "sandbox",
                    "test": f"tests/contract/contract.py::NetworkContract::{PROOFS[fence]}",
                    "at": datetime.now(UTC).date().isoformat(),
                    "test_sha256": sources[fence],
                    "sha256": digest(self.kind, can, fence, sources[fence]),
                }
                for fence in fences(can)
            }
            (folder / PROOF).write_text(json.dumps({"kind": self.kind, "claims": claims}, indent=2) + "\n")
        record, proof = (folder / RECORD).read_bytes(), (folder / PROOF).read_bytes()
        assert set(with_proof(self.kind, record, proof, where=self.kind).proven) == set(fences(can))
        read = Proof(**json.loads(proof))
        for fence, source in sources.items():
            claim = json.loads(proof)["claims"][fence]
            assert claim["test_sha256"] == source, f"the test of {fence} has changed: TRANSHIP_WRITE_PROOFS=1"
        assert read.kind == self.kind
