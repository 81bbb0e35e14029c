"""The page shows how networks are, what a person has to decide with its evidence and both prices, and counts that differ."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.connected import OTHER, SKU, Connected, connected
from tests.console.live.browser import Browser

PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    """Released orders are wanted back while the network says nothing at all: they end in quarantine. A minute passes in a second."""
    times = ("--planning-s", "30", "--processing-s", "100000")
    with connected(tmp_path_factory.mktemp("page"), *times, speed=60, resolve_min=1) as found:
        for number in range(2):
            line = {"sku": OTHER, "qty": 1 + number, "unit_price_minor": 2999}
            assert found.service.order(f"Q-{number}", customer=PERSON, lines=[line]).status == 201
        found.until(lambda: len(found.dispatches("?state=LIVE")) == 2)
        found.amazon.control("PUT", "/stock", {SKU: 70})
        found.until(lambda: found.service.get("/v1/drift").json()["drift"])
        found.amazon.fault(op="*", kind="hang")
        for number in range(2):
            assert found.service.post(f"/v1/orders/Q-{number}/recall", {"reason": "moved house"}).status == 200
        found.until(lambda: len(found.dispatches("?state=QUARANTINED")) == 2)
        yield found


def page(there: Connected, what: str) -> str:
    """The page once it shows `what`."""
    return str(there.until(lambda: what in (text := there.service.get("/").body.decode()) and text))


def test_what_a_person_decides_comes_with_evidence_and_both_prices(there: Connected):
    """Every step that was heard, the command for each answer, what sending it again costs and from where, what two would cost."""
    (first, _) = there.service.get("/v1/networks").json()["quarantine"]
    assert first["again_from"] == ["HOME"] and first["again_micros"] > 0, "not from the node that may ship it"
    text = page(there, "A person has to decide")
    assert f"tranship settle {first['id']} --never" in text and "moved house" in text
    assert "Sent again from HOME" in text and "29.99 go out twice" in text
    assert "2 in quarantine" in text and "Ann Example" not in text


def test_connections_and_counts_are_shown(there: Connected):
    """The connection with its state and unproven promises; the SKU that was counted too high, closed."""
    text = page(there, "answers do not come")
    assert "takes no new work" in text or "on trial" in text or "takes all new work" in text
    assert "hold release, unproven" in text
    assert "+20" in text and SKU in text and "Counts that differ" in text


def test_the_order_tells_its_hand_over(there: Connected):
    """Every attempt, step by step, on the order's own page."""
    text = there.service.get("/orders/Q-1").body.decode()
    assert "Handed over" in text and "quarantined" in text and "called back by hand" in text


def test_a_browser_shows_it_light_and_dark_without_complaint(there: Connected, tmp_path: Path):
    """No error on the console, nothing wider than the window, another background in the dark."""
    page(there, "A person has to decide")
    with Browser(tmp_path) as browser:
        colors = []
        for scheme in ("light", "dark"):
            wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            browser.call("Emulation.setEmulatedMedia", wanted)
            browser.open(there.service.address)
            browser.until("document.getElementById('age').textContent === 'live'")
            assert browser.value("document.documentElement.scrollWidth <= innerWidth")
            colors.append(browser.value("getComputedStyle(document.querySelector('.card')).backgroundColor"))
        assert colors[0] != colors[1]
        assert not browser.console


def test_a_person_settles_it(there: Connected):
    """It never will: the order goes to another node. It ships: it stays where it is, and is looked after."""
    ids = {row["order"]: row["id"] for row in there.service.get("/v1/networks").json()["quarantine"]}
    never = there.service.post(f"/v1/dispatches/{ids['api:Q-0']}/settle", {"ships": False, "reason": "they said so"})
    assert never.status == 200, never.body
    parts = there.service.get("/v1/orders/Q-0").json()["fulfillment_orders"]
    assert [part["node"] for part in parts if part["units"]] == ["HOME"]
    ships = there.service.post(f"/v1/dispatches/{ids['api:Q-1']}/settle", {"ships": True, "reason": "seen"})
    assert ships.json()["state"] == "LIVE"
