"""What the proxy forgets: orders that it is told to forget while it runs, and tokens of orders that have been over for long."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import until
from tests.proxy.network import Network, network, says
from tests.proxy.running import ORDERS, hits, order, proxy
from tests.proxy.test_faults import _clock
from tests.proxy.test_proxy import described

NEVER = 1 << 62
DAY_US = 86_400_000_000


@pytest.fixture
def there() -> Iterator[Network]:
    """The network."""
    with network() as found:
        yield found


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the proxy's store, from outside."""
    (path,) = folder.glob("*.db")
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def places(folder: Path, word: str) -> set[str]:
    """Which columns of the store hold a word, as a whole or in part."""
    found = set()
    for (table,) in rows(folder, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        for _, column, *_ in rows(folder, f"PRAGMA table_info({table})"):
            if rows(
                folder, f"SELECT 1 FROM {table} WHERE instr(CAST({column} AS BLOB), CAST('{word}' AS BLOB)) LIMIT 1"
            ):
                found.add(f"{table}.{column}")
    return found


def files(folder: Path) -> bytes:
    """Every byte of the store but its key file."""
    return b"\n".join(path.read_bytes() for path in folder.iterdir() if path.suffix != ".key")


def test_an_order_is_erased_while_the_proxy_runs(there: Network, tmp_path: Path):
    """No file keeps a piece of it, what its network says of it is not passed on, and other orders stay."""
    told, other, folder = order("running erased"), order("running stays"), tmp_path / "store"
    token = {"TRANSHIP_PROXY_TOKEN": "a-token-of-clients"}
    shown = {"x_tranship_token": "a-token-of-clients"}
    with proxy(folder, there.url, env=token) as here:
        assert here.create(told.body, **shown).status == 200
        text = described(there, told)
        marks = [
            bytes(mark)
            for sql in (
                "SELECT blind, wrapped_key, sealed FROM person",
                "SELECT sealed FROM payload",
                "SELECT blind, sealed FROM token",
            )
            for row in rows(folder, sql)
            for mark in row
        ]
        assert here.create(other.body, **shown).status == 200
        assert all(mark[:16] in files(folder) for mark in marks)
        (name,) = rows(folder, "SELECT token FROM token WHERE kind = 'order' ORDER BY pos LIMIT 1")[0]
        assert rows(folder, f"SELECT 1 FROM token WHERE scope = '{name}'")
        path = f"/_proxy/orders/{told.order_id}"
        assert here.ask("DELETE", path).status == 401
        there.answer, sent = says(200, text), len(there.got)
        erased: list[Any] = []
        there.before = lambda got: erased.append(here.ask("DELETE", path, **shown))
        under_way = here.ask("GET", f"{ORDERS}/{told.order_id}", **shown)
        there.before = lambda got: None
        assert erased[0].json() == {"erased": True}
        assert (under_way.status, under_way.json()["sent"]) == (
            502,
            "yes",
        ) and told.order_id.encode() not in under_way.body
        assert places(folder, name) == {"audit.subject"}  # the chain keeps it, and nothing else does
        left = files(folder)
        assert not any(mark[at : at + 16] in left for mark in marks for at in range(0, len(mark) - 15, 16))
        assert here.ask("GET", f"{ORDERS}/{told.order_id}", **shown).status == 404
        assert here.ask("DELETE", path, **shown).json() == {"erased": False}
        assert (
            here.ask("GET", f"{ORDERS}/{other.order_id}", **shown).status == 502
        )  # an answer that names the erased order
        there.answer = says(200, {})
        assert here.create(other.body, **shown).status == 200
        assert len(there.got) == sent + 3 and all(b"_proxy" not in bytes(raw) for raw in there.raw)
    assert hits({**told.canaries, **other.canaries}, here.kept()) == []


def test_tokens_of_an_order_that_is_over_end(there: Network, tmp_path: Path):
    """An answer that says complete sets an end once; after it the value is gone, and what the network says of it is not passed on."""
    told, open_, folder = order("over"), order("not over"), tmp_path / "store"
    with proxy(folder, there.url, "--limit", "token_days=30", env=_clock("2026-03-01 12:00:00")) as here:
        assert here.create(told.body).status == 200
        text = described(there, told)
        assert here.create(open_.body).status == 200
        there.answer = says(200, text.replace(b'"Complete"', b'"Processing"'))
        assert here.get(told.order_id).status == 200
        assert {row[0] for row in rows(folder, "SELECT expires_at FROM token")} == {NEVER}
        there.answer = says(200, text)
        assert here.get(told.order_id).status == 200
        ended = rows(folder, "SELECT expires_at FROM token WHERE expires_at < 1 << 62")
        assert len(ended) == 3 and len(set(ended)) == 1
    with proxy(folder, there.url, "--limit", "token_days=30", env=_clock("2026-03-20 12:00:00")) as here:
        assert here.get(told.order_id).status == 200
        assert rows(folder, "SELECT expires_at FROM token WHERE expires_at < 1 << 62") == ended  # said once, it stays
    with proxy(folder, there.url, env=_clock("2026-04-01 12:00:00")) as here:
        until(lambda: len(rows(folder, "SELECT 1 FROM token WHERE state = 'over'")) == 3)
        assert here.get(told.order_id).status == 502
        there.answer = says(200, {})
        assert here.create(open_.body).status == 200
    over = rows(folder, "SELECT hex(blind), hex(sealed) FROM token WHERE state = 'over'")
    assert all(set(text) == {"0"} for row in over for text in row)
    assert len(rows(folder, "SELECT 1 FROM token WHERE state = 'live' AND expires_at = 1 << 62")) >= 3


def test_names_that_belong_to_no_order_end_by_themselves(there: Network, tmp_path: Path):
    """The name of a list's next page is good for months, and then gone; no order has to be over for that."""
    folder, page = tmp_path / "store", says(200, {"payload": {"fulfillmentOrders": [], "nextToken": "MDAwMQ=="}})
    with proxy(folder, there.url, env=_clock("2026-03-01 12:00:00")) as here:
        there.answer = page
        name = here.ask("GET", f"{ORDERS}?queryStartDate=2026-11-22T00:00:00Z").json()["payload"]["nextToken"]
        assert here.ask("GET", f"{ORDERS}?nextToken={name}").status == 200
    with proxy(folder, there.url, env=_clock("2026-06-01 12:00:00")) as here:
        assert here.ask("GET", f"{ORDERS}?nextToken={name}").status == 200
    with proxy(folder, there.url, env=_clock("2026-08-01 12:00:00")) as here:
        until(lambda: rows(folder, "SELECT 1 FROM token WHERE state = 'over'"))
        assert here.ask("GET", f"{ORDERS}?nextToken={name}").status == 422


def test_a_list_ends_tokens_too(there: Network, tmp_path: Path):
    """Each order of a list that is over; with `token_days=0` none."""
    told, folder = order("listed"), tmp_path / "store"
    for days, count in (("0", 0), ("1", 3)):
        with proxy(folder, there.url, "--limit", f"token_days={days}") as here:
            there.answer = says(200, {})
            assert here.create(told.body).status == 200
            text = described(there, told).replace(
                b'{"payload": {"fulfillmentOrder":', b'{"payload": {"fulfillmentOrders": ['
            )
            there.answer = says(200, text.replace(b', "fulfillmentOrderItems"', b'], "x"'))
            listed = here.ask("GET", f"{ORDERS}?queryStartDate=2026-11-22T00:00:00Z").json()
            assert len(listed["payload"]["fulfillmentOrders"]) == 1
        assert len(rows(folder, "SELECT 1 FROM token WHERE expires_at < 1 << 62")) == count


def test_clients_log_in_here(there: Network, tmp_path: Path):
    """With --login the proxy gives clients a token for its own, as Amazon would; nothing of it reaches the network."""
    env = dict.fromkeys(("LWA_CLIENT_ID", "LWA_CLIENT_SECRET", "LWA_REFRESH_TOKEN"), "x")
    form = {"content_type": "application/x-www-form-urlencoded"}
    with proxy(tmp_path / "open", there.url, "--login", there.url, env=env) as here:
        found = here.ask("POST", "/auth/o2/token", b"grant_type=refresh_token&client_id=a&client_secret=b", **form)
        assert (
            found.status == 200
            and found.json()["token_type"] == "bearer"
            and found.json()["access_token"].startswith("Atza|")
        )
        assert here.ask("GET", "/auth/o2/token").status == 405
        assert here.ask("POST", "/auth/o2/token", b"x" * 2_000_000, **form).status == 413
    env["TRANSHIP_PROXY_TOKEN"] = "a-token-of-clients"
    with proxy(tmp_path / "closed", there.url, "--login", there.url, env=env) as here:
        assert here.ask("POST", "/auth/o2/token", b"client_secret=another-token-of-them", **form).status == 401
        found = here.ask("POST", "/auth/o2/token", b"client_secret=a-token-of-clients&client_id=a", **form)
        assert found.json()["access_token"] == "a-token-of-clients"
    assert there.got == []
