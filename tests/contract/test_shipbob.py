"""The 3PL in ShipBob's dialect keeps the contract against its stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.contract import NetworkContract
from tests.contract.place import Desk, Place, running
from tranship.connectors.http import HttpClient
from tranship.connectors.port import Connector, Order, Response
from tranship.connectors.shipbob import ShipBob, client
from tranship.connectors.shipbob.settings import settings_of
from tranship.core.capability import Capability, Connection
from tranship.dispatch.model import Result

STOCK = ("--locations", "211", "--sku", "MUG-1=1000", "--sku", "TEE-2=1000")


class Remembering(Desk):
    """As the engine does: the network's number for an order is kept once it is known, and used from then on."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.place, desk.connector, desk.client, desk.loop)
        self.known: dict[str, str] = {}

    def ask(self, op: str, order: Order) -> Result:
        """With the number; a cancellation without one finds it out first, and is asked for again."""
        result = super().ask(op, order._replace(their_id=order.their_id or self.known.get(order.remote_id, "")))
        if result.their_id and order.remote_id not in self.known:
            self.known[order.remote_id] = result.their_id
            if op == "cancel" and result.accepted_only:
                return self.ask(op, order)
        return result


class TestShipBob(NetworkContract):
    """Version 2026-01."""

    kind = "shipbob"

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
        """The stand-in, with its token in a file."""
        with running("shipbob", *STOCK) as place:
            token = tmp_path_factory.mktemp("secrets") / "token"
            token.write_text(place.told["token"])
            place.told["token_file"] = token
            yield place

    def connection(self, place: Place, timeout_ms: int = 2000) -> Connection:
        """As a network file would name it."""
        settings: dict[str, object] = {"endpoint": place.url, "channel_id": place.told["channel_id"]}
        return Connection(
            "bob",
            self.kind,
            settings=settings,
            secrets={"token": f"file:{place.told['token_file']}"},
            timeout_ms=timeout_ms,
        )

    def connector(self, place: Place, can: Capability) -> Connector:
        """Built from the connection's settings."""
        return ShipBob(settings_of(self.connection(place)), can)

    def client(self, place: Place, timeout_ms: int) -> HttpClient:
        """With the access token."""
        return client(self.connection(place, timeout_ms))

    @contextmanager
    def at_desk(self, place: Place, can: Capability) -> Iterator[Desk]:
        """A desk that remembers numbers."""
        with super().at_desk(place, can) as desk:
            yield Remembering(desk)

    # -- where ShipBob is different --------------------------------------------------------------------------------------

    def test_an_offer_names_a_day(self, desk: Desk):
        """It names no day, only a price; nothing is handed over by asking."""
        made = self.new(desk)
        offered = desk.connector.read_offer(desk.send(desk.connector.offer(made.masked)))
        assert offered.failed is None and offered.arrives == "" and offered.fee_minor == 890
        assert desk.ask("get", made.order).outcome == "not_found"

    def test_too_many_calls_are_told_to_wait(self, desk: Desk, can: Capability):
        """All operations share 150 calls a minute: the next one is throttled, and goes through when the window has moved on."""
        made = self.new(desk)
        desk.create(made)
        results = [desk.ask("get", made.order) for _ in range(150)]
        assert {result.outcome for result in results[:149]} == {"ok"}
        assert results[149].outcome == "throttled" and results[149].retry_after_ms == 60_000
        assert sum(rate.per_s_milli * 60 // 1000 + rate.burst for rate in can.rates.values()) <= 150
        desk.place.advance(60)
        assert desk.ask("get", made.order).outcome == "ok"

    @pytest.mark.parametrize(
        "body",
        ["<html><h1>Down for maintenance</h1></html>", '{"unexpected": true}', "null", '[{"id":', " ", '"ok"', "[[]]"],
    )
    @pytest.mark.parametrize("op", ["get", "tracking", "create"])
    def test_a_page_that_is_no_answer_is_a_violation(self, desk: Desk, op: str, body: str):
        """As for the others; only an empty list is an answer here: it says that nothing is under this id."""
        super().test_a_page_that_is_no_answer_is_a_violation(desk, op, body)
        empty = desk.connector.read(op, Order("TS-HOSTILE"), Response(200, {}, b"[]"))
        assert empty.outcome == ("violation" if op == "create" else "not_found")


def test_a_lost_creation_is_cancelled_by_our_id_alone(tmp_path: Path):
    """The answer with their number was lost: the first cancellation asks for it and proves nothing, the second one cancels."""
    contract = TestShipBob()
    with running("shipbob", *STOCK) as place:
        place.told["token_file"] = tmp_path / "token"
        (tmp_path / "token").write_text(place.told["token"])
        with contract.at_desk(place, Capability()) as desk:
            made = contract.new(desk)
            desk.create(made)
            plain = Desk(place, desk.connector, desk.client, desk.loop)
            first = plain.ask("cancel", made.order)
            assert (first.outcome, first.accepted_only, first.remote) == ("ok", True, "PROCESSING") and first.their_id
            second = plain.ask("cancel", Order(made.order.remote_id, first.their_id))
            assert (second.outcome, second.accepted_only, second.remote) == ("ok", False, "CANCELLED")
            assert (
                plain.ask("cancel", made.order).remote == "CANCELLED"
            )  # a look is proof enough where it is dead already
