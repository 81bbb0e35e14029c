"""The page in a real browser under its own content policy: it complains about nothing and stays alive."""

from pathlib import Path

from tests.api.running import SKU, Running
from tests.console.live.browser import Browser


def test_the_page_lives_in_a_browser_under_its_own_policy(shop: Running, tmp_path: Path):
    """No complaint on the console, nothing asked from elsewhere, a new order appears without a reload, rows open."""
    with Browser(tmp_path / "profile") as browser:
        browser.open(shop.address)
        browser.until("document.getElementById('age').textContent === 'live'")
        # other pages of this service may have sold the last one
        receipt = {"ref": "BROWSER", "node": "EAST", "lines": [{"sku": SKU, "qty": 50}]}
        assert shop.post("/v1/receipts", receipt).status == 201
        assert shop.order("BROWSED").status == 201
        browser.until("document.getElementById('decisions').innerText.includes('api:BROWSED')")
        assert browser.value("document.querySelectorAll('[style]').length") == 0
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.value(overflow) == 0
        browser.open(f"{shop.address}/orders/api:BROWSED")
        browser.until("document.querySelector('.charges .sum')?.innerText.startsWith('adds up')")
        assert browser.console == []
        assert all(address.startswith(shop.address) for address in browser.requests)


def test_the_policy_stops_what_does_not_belong(shop: Running, tmp_path: Path):
    """An inline script that found its way in would not run: the policy is in force, not only sent."""
    with Browser(tmp_path / "profile") as browser:
        browser.open(shop.address)
        browser.value(
            "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); })()"
        )
        assert browser.value("window.ran === undefined")
        assert any("Content Security Policy" in line for line in browser.console)


def test_the_page_is_whole_without_scripts(shop: Running, tmp_path: Path):
    """With scripts off it shows the same, and offers a refresh."""
    with Browser(tmp_path / "profile", width=1100) as browser:
        browser.script(on=False)
        browser.open(shop.address)
        browser.script(on=True)
        browser.until(
            "document.body?.innerText.includes('Amazon') && document.body.innerText.includes('Last decisions')"
        )


def test_a_service_that_goes_away_is_told_on_the_page(tmp_path: Path):
    """The page keeps its numbers and says how old they are."""
    from tests.api.running import running

    with Browser(tmp_path / "profile") as browser:
        with running(tmp_path / "home") as service:
            browser.open(service.address)
            browser.until("document.getElementById('age').textContent === 'live'")
        browser.until("document.getElementById('age').textContent.startsWith('no update for')")
        assert "Amazon" in browser.value("document.body.innerText")
