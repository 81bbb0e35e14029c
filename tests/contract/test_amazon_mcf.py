"""Both versions of Amazon Multi-Channel Fulfillment keep the contract against the stand-in Amazon."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.contract import NetworkContract
from tests.contract.place import Place, running
from tranship.connectors.amazon_mcf import client
from tranship.connectors.amazon_mcf.settings import settings_of
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.http import HttpClient
from tranship.connectors.port import Connector
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
