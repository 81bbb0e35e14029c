"""The live page and the order page, as the text that a browser gets."""

import asyncio
import json
import re
from html.parser import HTMLParser

import pytest

from tests.api.running import Running
from tranship.console.live.pages import PARTS

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """Reads a page and remembers what a strict policy or a reader would mind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"left open: {self.open}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Inline style, handlers and scripts; links."""
        found = dict(attrs)
        if tag not in VOID and tag not in ("rect", "path", "line"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"<{tag} {name}>")
            if name in ("href", "src", "action") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)
        if tag == "script" and not found.get("src"):
            self.faults.append("inline script")
        if tag == "style":
            self.faults.append("inline style")

    def handle_endtag(self, tag: str) -> None:
        """Tags close in the order they were opened in."""
        if tag in ("rect", "path", "line"):
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """What is read."""
        self.text.append(data)


def page(service: Running, path: str, status: int = 200) -> Page:
    """Get a page and hold it against the policy that it is sent with."""
    answer = service.get(path, accept="text/html")
    assert answer.status == status and answer.headers["content-type"] == "text/html; charset=utf-8"
    found = Page(answer.body.decode())
    assert not found.faults, found.faults
    assert all(link.startswith("/") for link in found.links), "nothing from elsewhere"
    assert len(set(found.ids)) == len(found.ids)
    return found


def test_the_page_says_what_the_state_says(shop: Running):
    """Party, totals, each network with its share and cap, each node's stock, the last decisions and why, what is parked."""
    asyncio.run_coroutine_threadsafe(shop.context.follower.step(), shop.loop).result(60)
    text = " ".join(" ".join(page(shop, "/").text).split())
    board = shop.get("/v1/state").json()["board"]
    for network in board["networks"]:
        assert network["operator"] in text
    assert "cap 60.0 %" in text and "never above" in text
    for node in board["nodes"]:
        assert f"{node['fulfillable']:,}" in text
    for word in ("acme", f"{board['orders']:,}", "no node that may ship them has them", "Exceptions"):
        assert word in text
    for decision in board["decisions"][:14]:
        assert decision["order"] in text and decision["because"] in text


def test_the_page_works_without_scripts(shop: Running):
    """It is complete as it comes; who wants it fresh asks for a refresh and can stop it again."""
    assert "/?refresh=3" in page(shop, "/").links
    assert b'http-equiv="refresh" content="3"' in shop.get("/?refresh=3").body
    for nonsense in ("0", "61", "-1", "3;url=x", "%D9%A3", "3%22", ""):
        assert b"http-equiv" not in shop.get(f"/?refresh={nonsense}").body


def test_an_order_page_tells_the_whole_story(shop: Running):
    """Every charge, every node's verdict; the charges add up; customers stay ids."""
    found = page(shop, "/orders/api:SPLIT")
    text = " ".join(" ".join(found.text).split())
    story = shop.get("/v1/orders/SPLIT/explanation").json()
    for decision in story["decisions"]:
        for part in decision["parts"]:
            assert part["node"] in text and "adds up to the decision's cost" in text
        for node in decision["nodes"]:
            assert node["verdict"] in text
    assert "Canary" not in " ".join(page(shop, "/orders/N3").text)
    assert "no node that may ship them has them" in " ".join(page(shop, "/orders/PARKED").text)


def test_links_of_the_page_lead_somewhere(shop: Running):
    """Style, script, mark, JSON, and the order of every row, one with a # in its number included."""
    links = [link for link in page(shop, "/").links if link != "/live"]
    assert any("HASH%231" in link for link in links)
    for link in dict.fromkeys(links):
        assert shop.get(link).status == 200, link


def test_an_order_that_is_not_there_is_told_in_words(shop: Running):
    """404 as a page, whatever was asked for, and nothing of it comes back as markup."""
    for name in ("none", "%3Cscript%3Ealert(1)", "%22%3E%3Cb%3E"):
        assert "No such order" in " ".join(page(shop, f"/orders/{name}", 404).text)


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "none.css", "templates", ".", "%00"])
def test_only_the_pages_own_files_are_served(shop: Running, name: str):
    """Style, script and mark; nothing by a path."""
    assert shop.get(f"/static/{name}").status in (400, 404)


def test_static_files_are_kept_by_browsers_until_they_change(shop: Running):
    """Their address carries a digest, so they may be kept for ever."""
    link = next(link for link in page(shop, "/").links if "live.css" in link)
    assert re.fullmatch(r"/static/live\.css\?[0-9a-f]{10}", link)
    assert "immutable" in shop.get(link).headers["cache-control"]


def test_the_stream_sends_all_parts_first_and_then_what_changed(shop: Running):
    """Each part has its place on the page; markup in it is whole; an order shows up in the decisions."""
    with shop.raw() as line:
        line.sendall(b"GET /live HTTP/1.0\r\nhost: localhost\r\n\r\n")
        buffer, seen = b"", dict[str, str]()
        placed = False
        while "api:LIVE1" not in seen.get("decisions", ""):
            piece = line.recv(65_536)
            assert piece
            buffer += piece
            *blocks, buffer = buffer.replace(b"\r\n", b"\n").split(b"\n\n")
            for block in blocks:
                data = next((row[6:] for row in block.split(b"\n") if row.startswith(b"data: ")), None)
                if data:
                    parts = json.loads(data)["parts"]
                    if not seen:
                        assert set(parts) <= set(page(shop, "/").ids) and len(parts) == len(PARTS) + 1
                    seen |= parts
            if seen and not placed:
                placed = shop.order("LIVE1").status == 201
        assert not Page(seen["decisions"]).faults
        assert '<tr class="new">' in seen["decisions"]
