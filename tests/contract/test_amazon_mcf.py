"""Both versions of Amazon Multi-Channel Fulfillment keep the contract against the stand-in Amazon."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.contract import NetworkContract
from tests.contract.place import DAY_S, Desk, Place, running
from tranship.connectors.amazon_mcf import client
from tranship.connectors.amazon_mcf.settings import settings_of
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.http import HttpClient
from tranship.connectors.port import Connector, Request
from tranship.core.capability import Capability, Connection

SECRETS = ("refresh_token", "client_id", "client_secret")


@contextmanager
def amazon(folder: Path, *arguments: str) -> Iterator[Place]:
    """The stand-in. Tokens last longer than its clock will run ahead of ours."""
    stock = ("--sku", "MUG-1=1000", "--sku", "TEE-2=1000")
    with running("amazon", "--page-size", "3", "--token-s", "1000000000", *stock, *arguments) as place:
        for name in SECRETS:
            (folder / name).write_text(place.told[name])
        place.told["secrets"] = folder
        yield place


class AmazonContract(NetworkContract):
    """What both versions share."""

    made: type[Connector2020] | type[Connector2026]

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
        """The stand-in, with its credentials in files."""
        with running(
            "amazon", "--page-size", "3", "--token-s", "1000000000", "--sku", "MUG-1=1000", "--sku", "TEE-2=1000"
        ) as place:
            folder = tmp_path_factory.mktemp("secrets")
            for name in SECRETS:
                (folder / name).write_text(place.told[name])
            place.told["secrets"] = folder
            yield place

    def connection(self, place: Place, timeout_ms: int = 2000) -> Connection:
        """As a network file would name it."""
        folder: Path = place.told["secrets"]
        settings = {"endpoint": place.url, "auth_endpoint": place.url, "marketplace": place.told["marketplace_id"]}
        secrets = {name: f"file:{folder / name}" for name in SECRETS}
        return Connection("mcf", self.kind, settings=dict(settings), secrets=secrets, timeout_ms=timeout_ms)

    def connector(self, place: Place, can: Capability) -> Connector:
        """Built from the connection's settings."""
        return self.made(settings_of(self.connection(place)), can)

    def client(self, place: Place, timeout_ms: int) -> HttpClient:
        """With Login with Amazon."""
        return client(self.connection(place, timeout_ms))


class TestAmazonMcf(AmazonContract):
    """Version 2026-07-04."""

    kind = "amazon_mcf"
    made = Connector2026


class TestAmazonMcf2020(AmazonContract):
    """Version 2020-07-01."""

    kind = "amazon_mcf_2020"
    made = Connector2020


@pytest.mark.parametrize("kind", [TestAmazonMcf, TestAmazonMcf2020])
def test_a_network_that_frees_ids_does_not_pass(tmp_path: Path, kind: type[AmazonContract]):
    """The test of a burned id fails where an id may be used again: it shows what it claims to show."""
    contract, can = kind(), Capability(hold_release=True, id_burned_after_cancel=True)
    with amazon(tmp_path, "--free-ids") as place, contract.at_desk(place, can) as desk, pytest.raises(AssertionError):
        contract.test_an_id_stays_taken_after_its_order_was_cancelled(desk, can)


def test_a_revoked_token_is_bought_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Login with Amazon takes the access token back: the next call gets a new one and goes through."""
    monkeypatch.setattr("tranship.connectors.http.TOKEN_YOUNG_S", -1)
    contract = TestAmazonMcf()
    with amazon(tmp_path) as place, contract.at_desk(place, Capability()) as desk:
        made = contract.new(desk)
        assert desk.create(made).outcome == "ok"
        place.control("POST", "/tokens/revoke")
        assert desk.ask("get", made.order).outcome == "ok"


def test_an_order_that_is_only_accepted_is_there_later(tmp_path: Path):
    """A creation answered with 202 is not found at first, its id is taken at once, and it ships once."""
    contract = TestAmazonMcf()
    with amazon(tmp_path, "--create", "202") as place, contract.at_desk(place, Capability()) as desk:
        made = contract.new(desk, hold=True)
        first = desk.create(made)
        assert (first.outcome, first.remote, first.accepted_only) == ("ok", "", True)
        assert desk.ask("get", made.order).outcome == "not_found"
        assert desk.create(made).outcome == "exists"
        contract.settle(place)
        assert desk.ask("get", made.order).remote == "HELD"
        assert desk.ask("release", made.order).outcome == "ok"
        place.advance(DAY_S)
        assert desk.ask("get", made.order).remote == "COMPLETE" and place.truth(made.order.remote_id)["times"] == 1


@pytest.mark.parametrize("kind", [TestAmazonMcf, TestAmazonMcf2020])
def test_what_comes_back_is_told_with_our_line_id(tmp_path: Path, kind: type[AmazonContract]):
    """A unit that a customer sent back, once Amazon has looked at it."""
    contract = kind()
    with amazon(tmp_path) as place, contract.at_desk(place, Capability()) as desk:
        made = contract.new(desk)
        desk.create(made)
        place.advance(3 * DAY_S)
        remote_id = made.order.remote_id
        path = f"/fba/outbound/2020-07-01/fulfillmentOrders/{remote_id}"
        whole = json.loads(desk.send(Request("get", "GET", path)).body)["payload"]
        item = {
            "sellerReturnItemId": "R1", "sellerFulfillmentOrderItemId": "L1", "returnReasonCode": "AMZ-PG-DEFECTIVE",
            "amazonShipmentId": whole["fulfillmentShipments"][0]["amazonShipmentId"],
        }  # fmt: skip
        sent = desk.send(Request("return", "PUT", f"{path}/return", body=json.dumps({"items": [item]}).encode()))
        assert sent.status == 200 and json.loads(sent.body)["payload"]["returnItems"], sent.body
        assert desk.returned(0, remote_id).rows == ()
        place.advance(6 * DAY_S)
        assert [row[:3] for row in desk.returned(0, remote_id).rows] == [(remote_id, "L1", 1)]
        assert desk.returned(0).failed is None


@pytest.mark.parametrize("kind", [TestAmazonMcf, TestAmazonMcf2020])
def test_what_is_pushed_agrees_with_what_is_looked_up(tmp_path: Path, kind: type[AmazonContract]):
    """Every notification of an order's life and of stock is read; the last word and the parcels' numbers are those of a look."""
    contract = kind()
    with amazon(tmp_path) as place, contract.at_desk(place, Capability()) as desk:
        _subscribe(desk)
        made = contract.new(desk)
        desk.create(made)
        place.advance(3 * DAY_S)
        seen = desk.ask("tracking", made.order)
        told = [
            desk.connector.message({"x-api-key": "k"}, json.dumps(entry["notification"]).encode(), ["k"])
            for entry in place.control("GET", "/queue")
        ]
        assert told and all(message.ok and not message.findings for message in told)
        assert len({message.key for message in told}) == len(told)
        reports = [report for message in told for report in message.reports]
        assert reports[-1].remote == seen.remote == "COMPLETE"
        numbers = {parcel.package_id for report in reports for parcel in report.parcels}
        assert numbers <= {parcel.package_id for parcel in seen.parcels}
        place.advance(2)
        counted = {row.sku: row.sellable for page in desk.stock() for row in page.counts}
        assert {row.sku: row.sellable for message in told for row in message.counts} == counted


def _subscribe(desk: Desk) -> None:
    """Ask for both types of notifications, as Amazon wants it."""
    root, specification = "/notifications/v1", {"eventBridge": {"region": "us-east-1", "accountId": "123456789012"}}
    scope = {"grant_type": "client_credentials", "scope": "sellingpartnerapi::notifications"}
    ids = {name: desk.place.told[name] for name in ("client_id", "client_secret")}
    form = urllib.parse.urlencode({**scope, **ids}).encode()
    with urllib.request.urlopen(f"{desk.place.url}/auth/o2/token", form, timeout=10) as answer:
        token = json.loads(answer.read())["access_token"]
    wanted = json.dumps({"name": "tests", "resourceSpecification": specification}).encode()
    request = urllib.request.Request(
        f"{desk.place.url}{root}/destinations",
        wanted,
        {"x-amz-access-token": token, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        destination = json.loads(answer.read())["payload"]["destinationId"]
    for kind in ("FULFILLMENT_ORDER_STATUS", "FBA_INVENTORY_AVAILABILITY_CHANGES"):
        body = json.dumps({"payloadVersion": "1.0", "destinationId": destination}).encode()
        made = desk.send(Request("subscribe", "POST", f"{root}/subscriptions/{kind}", body=body))
        assert made.status == 200, made.body
