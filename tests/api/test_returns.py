"""A 3PL that lists returns, and an announced outage: both in live use, against the stand-in."""

import asyncio
import datetime as dt
import re
from pathlib import Path

from tests.api.connected import UNITS, until
from tests.api.running import SKU, Running, running
from tests.sandbox.running import sandbox
from tests.sandbox.test_shipbob import Bob
from tranship.api.settings import ApiSettings
from tranship.cli.demo import write_world
from tranship.dispatch.bucket import TokenBucket
from tranship.engine.desk import UNLIMITED
from tranship.engine.driver import looking

PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}
DAY_S = 86_400
CONNECTION = """
[connection.bob]
kind = "shipbob"
hold_min = 10080
release_min = 10080
poll_s = 5
stock_poll_s = 600
{more}

[connection.bob.settings]
endpoint = "{url}"
channel_id = "{channel}"

[connection.bob.secrets]
token = "file:{home}/token"
"""


def write(home: Path, bob: Bob, more: str = "") -> None:
    """A network file whose node AMZ-EAST is behind the 3PL and has all the stock."""
    path = write_world(home, 1, 100)
    (home / "token").write_text(bob.there.info["token"])
    (home / "stock.csv").write_text(f"node,sku,qty\nAMZ-EAST,{SKU},{UNITS}\n")
    text = re.sub(r"\[\[cap\]\].*?(?=\n\n)", "", path.read_text(), flags=re.DOTALL)
    text = text.replace('code = "AMZ-EAST"\n', 'code = "AMZ-EAST"\nconnection = "bob"\nlocation = "211"\n')
    info = bob.there.info
    path.write_text(text + CONNECTION.format(url=bob.there.url, channel=info["channel_id"], home=home, more=more))


def look(service: Running) -> None:
    """One look at what came back; the published rate (one in fifty seconds) is left out of account here."""
    driver = service.context.driver
    assert driver is not None
    lane = driver.desk.lane("bob")
    lane._buckets["returns"] = TokenBucket(UNLIMITED, driver.now())
    asyncio.run_coroutine_threadsafe(looking._returns(driver, driver.links["bob"]), service.loop).result(20)


def test_units_that_a_3pl_took_back_are_booked_once(tmp_path: Path):
    """Announced, nothing is booked; back at the warehouse, they lie in `returned`, however often the list says so."""
    with sandbox("shipbob", "--sku", f"{SKU}={UNITS}", "--locations", "211") as there:
        bob = Bob(there)
        write(tmp_path, bob)
        with running(tmp_path, ApiSettings(port=0, tick_s=0.2)) as service:
            lines = [{"sku": SKU, "qty": 2, "unit_price_minor": 100}]
            assert service.order("R-1", lines=lines, customer=PERSON).status == 201
            (live,) = until(lambda: service.get("/v1/dispatches?state=LIVE").json()["dispatches"])
            there.advance(2 * DAY_S)
            until(lambda: service.get("/v1/dispatches?state=SHIPPED").json()["dispatches"])
            (made,) = bob.find(live["id"])
            item = bob.ask("GET", "/inventory-level/locations?PageSize=5").body["items"][0]["inventory_id"]
            body = {
                "reference_id": "RMA-1", "fulfillment_center": {"id": 211}, "original_shipment_id": made["shipments"][0]["id"],
                "inventory": [{"id": item, "quantity": 1, "requested_action": "Restock"}],
            }  # fmt: skip
            assert bob.ask("POST", "/return", body).status == 201
            store = service.service.store
            booked = "SELECT count(*) FROM journal WHERE kind = 'returned'"
            look(service)
            assert store.query(booked) == [(0,)]
            there.advance(9 * DAY_S)
            for _ in range(3):
                look(service)
                assert store.query(booked) == [(1,)]
            told = service.get("/v1/orders/R-1/explanation").json()["later"]
            assert any("1 units of api:R-1/1 returned" in words for words in told)


def test_in_an_announced_outage_nothing_is_handed_over(tmp_path: Path):
    """The breaker says why, nobody is woken, orders wait at home; the outage is shown."""
    now = dt.datetime.now(dt.UTC)
    span = "/".join((now + dt.timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ") for h in (-1, 1))
    with sandbox("shipbob", "--sku", f"{SKU}={UNITS}", "--locations", "211") as there:
        write(tmp_path, Bob(there), f'outages = ["{span}"]')
        with running(tmp_path, ApiSettings(port=0, tick_s=0.2)) as service:
            (first,) = service.get("/v1/networks").json()["connections"]
            assert first["outages"] == [dict(zip(("begins", "ends"), span.split("/"), strict=True), now=True)]
            service.order("O-1", customer=PERSON)
            shut = until(lambda: [
                each for each in service.get("/v1/networks").json()["connections"] if each["breaker"]["state"] == "open"
            ])  # fmt: skip
            assert shut[0]["breaker"]["why"].startswith("planned")
            assert service.get("/v1/dispatches").json()["dispatches"] == []
            assert service.service.store.query("SELECT count(*) FROM exception WHERE kind = 'breaker_opened'") == [(0,)]
            assert "create-order" not in there.report()["calls"]
