"""What really reaches a network: aliases of people and articles, and nothing at all while the vault cannot be asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import OTHER, UNITS, Connected, until, write_connected
from tests.api.running import SKU, running
from tests.sandbox.running import amazon
from tests.scenario.tap import Tap, tapped
from tests.store.test_vaulting import filled
from tranship.api.settings import ApiSettings
from tranship.masking.rows import LIVE, OVER
from tranship.masking.tokens import kind_of, new_token
from tranship.store.port import Batch
from tranship.store.sqlite import SqliteStore
from tranship.store.vaulting import KEY_VARIABLE

PERSON = {
    "ref": "c-1",
    "name": "Ann Example",
    "street": "1 Example Road",
    "city": "Chicago",
    "phone": "+1 312 555 0100",
}
ALIAS = "TEST-ALIAS-1"


@contextmanager
def there(home: Path, more: str = "") -> Iterator[tuple[Connected, Tap]]:
    """A service in front of a tapped network; `more` are lines of its connection."""
    stock = [part for sku in (SKU, OTHER, ALIAS) for part in ("--sku", f"{sku}={UNITS}")]
    with amazon(*stock) as network, tapped(network.url) as tap:

        class Seen:
            url, info = tap.url, network.info

        path = write_connected(home, Seen, release_min=0)  # type: ignore[arg-type]
        path.write_text(path.read_text().replace('kind = "amazon_mcf"\n', f'kind = "amazon_mcf"\n{more}'))
        with running(home, ApiSettings(port=0, tick_s=0.2)) as service:
            yield Connected(service, network), tap


def created(tap: Tap) -> list[Any]:
    """Creations that went over the wire."""
    return [json.loads(body) for body in tap.bodies(b"POST", b"/fulfillment/outbound/2026-07-04/orders") if body]


def test_a_label_says_an_alias_and_the_name_where_an_id_is_checked(tmp_path: Path):
    """By default an alias; the order says `id_check`, and the network is told who it is. What it left under is shown."""
    with there(tmp_path) as (found, tap):
        assert found.service.order("A-1", customer=PERSON).status == 201
        assert found.service.order("A-2", customer=PERSON, id_check=True).status == 201
        found.until(lambda: len(found.dispatches("?state=HELD")) == 2)
        names = {each["destination"]["deliveryAddress"]["name"] for each in created(tap)}
        assert PERSON["name"] in names and len(names) == 2
        assert all(kind_of(name) == "name" for name in names - {PERSON["name"]})
        (shown,) = {each["policy"] for each in found.dispatches()}
        network = found.service.get("/v1/networks").json()["connections"][0]
        assert shown and (network["policy"], network["recipient"]) == (shown, "alias")
        story = found.service.get("/v1/orders/A-1/explanation").json()
        assert story["attempts"][0]["policy"] == shown


def test_articles_go_under_their_aliases_or_elsewhere(tmp_path: Path):
    """Required, and none is active: the order waits with the reason. Once one is, it goes there under it."""
    with there(tmp_path, 'sku_aliases = "required"\n') as (found, tap):
        assert found.service.order("A-1", customer=PERSON).status == 201
        found.until(lambda: found.service.get("/v1/orders/A-1").json()["status"] == "PARKED")
        story = found.service.get("/v1/orders/A-1/explanation").json()
        assert any("no active alias" in line for line in story["later"])
        assert created(tap) == []
        added = {"network": "amazon", "aliases": [{"alias": ALIAS, "sku": SKU, "state": "active"}]}
        assert found.service.post("/v1/aliases", added).status == 200
        found.until(lambda: found.dispatches("?state=HELD"))
        (sent,) = created(tap)
        assert [line["product"]["productIdentifier"]["amazonSku"] for line in sent["lineItems"]] == [ALIAS]


def test_while_the_vault_is_down_nothing_leaves_and_nothing_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A person hears of it; the order keeps its place; with the key it goes."""
    monkeypatch.setenv(KEY_VARIABLE, "env:TRANSHIP_TEST_KEK")
    monkeypatch.delenv("TRANSHIP_TEST_KEK", raising=False)
    with there(tmp_path) as (found, tap):
        assert found.service.order("A-1", customer=PERSON).status == 201
        store = found.service.service.store
        until(lambda: store.query("SELECT kind FROM exception WHERE kind = 'vault_down'"))
        assert created(tap) == [] and found.dispatches() == []
        placed = found.service.get("/v1/orders/A-1").json()["fulfillment_orders"]
        assert [(each["node"], each["status"]) for each in placed] == [("AMZ-EAST", "PROCESSING")]
        monkeypatch.setenv("TRANSHIP_TEST_KEK", "ab" * 32)
        found.until(lambda: found.dispatches("?state=HELD"))
        assert len(created(tap)) == 1
        assert len(store.query("SELECT kind FROM exception WHERE kind = 'vault_down'")) == 1


def test_an_alias_that_is_not_this_orders_is_put_before_a_person(tmp_path: Path):
    """The network answers with somebody else's alias: told once, nothing of it is used, and the order stays as it was."""
    with there(tmp_path) as (found, tap):
        assert found.service.order("A-1", customer=PERSON).status == 201
        found.until(lambda: found.dispatches("?state=HELD"))
        (sent,) = created(tap)
        alias = sent["destination"]["deliveryAddress"]["name"]
        other = new_token("name")
        tap.swap = (alias.encode(), other.encode())
        store = found.service.service.store
        told = until(lambda: store.query("SELECT subject, detail FROM exception WHERE kind = 'foreign_token'"))
        assert len(told) == 1 and "unknown, or another network's" in str(told) and other not in str(told)
        assert [each["state"] for each in found.dispatches()] == ["HELD"]
        rows = store.query("SELECT verdict FROM audit ORDER BY seq")
        assert rows[0] == ("sent",)


def test_values_of_earlier_days_are_forgotten_though_nothing_is_handed_over(tmp_path: Path):
    """A service that masked nothing since its start: what is past its end is forgotten with its first ticks."""
    with running(tmp_path, ApiSettings(port=0)):
        pass
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        filled(store, 2)
        store.commit(Batch(token_expiry=[(1, "AMZ", "O1")]))
    with running(tmp_path, ApiSettings(port=0, tick_s=0.1)) as service:
        found = service.service.store
        until(lambda: [row.state for _, row in found.tokens(0, 99) if row.scope == "O1"] == [OVER] * 4)
        assert {row.state for row in found.tokens_of("AMZ", "O0")} == {LIVE}
