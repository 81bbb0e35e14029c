"""What breaks around the proxy: vault, disk, keys, the process itself, the policy under a request. Egress is nothing, or fully masked."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from tests.proxy.network import Got, Network, network, says
from tests.proxy.running import ORDERS, Proxy, Told, hits, order, proxy, refused_start
from tests.proxy.test_proxy import described
from tranship.store.sqlite import SqliteStore

CHANGED = 'kind = "amazon_mcf_2020"\n[change.createFulfillmentOrder.body]\n"destinationAddress.name" = "pass(name)"\n'
PLAIN = 'kind = "amazon_mcf_2020"\n'


@pytest.fixture
def there() -> Iterator[Network]:
    """The network."""
    with network() as found:
        yield found


def nothing_out(told: list[Told], *texts: bytes) -> None:
    """No canary of these orders in any of these."""
    canaries = {name: text for one in told for name, text in one.canaries.items()}
    for text in texts:
        assert hits(canaries, text) == []


def until(what: Callable[[], bool]) -> None:
    """Wait for something that another process does; 10 s at most."""
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end, "it did not come about"


def test_a_vault_that_is_locked_stops_everything(there: Network, tmp_path: Path):
    """Another process holds the database: 503 in time, no byte out; once it lets go, the order goes through."""
    told = order("locked")
    with proxy(tmp_path / "store", there.url, "--limit", "vault_timeout_s=0.5") as here:
        holder = apsw.Connection(str(here.folder / "tranship.db"))
        holder.execute("BEGIN IMMEDIATE")
        answer = here.create(told.body)
        assert answer.status == 503 and answer.json()["type"].endswith(":vault") and answer.json()["sent"] == "no"
        assert there.everything() == b""
        holder.execute("ROLLBACK")
        holder.close()
        until(lambda: here.create(told.body).status == 200)
        assert len({got.body for got in there.got}) == 1
    nothing_out([told], there.everything(), answer.body, here.kept())


def test_a_full_disk_stops_everything(there: Network, tmp_path: Path):
    """No file may grow any more: orders are refused, nothing of them leaves, and readiness says so."""
    folder = tmp_path / "store"
    with proxy(folder, there.url) as here:
        assert here.create(order("before").body).status == 200
    there.clear()
    told = [order(f"full {n}") for n in range(60)]
    with proxy(folder, there.url, file_bytes=300_000) as here:
        answers = [here.create(one.body) for one in told]
        refused = [one for one, answer in zip(told, answers, strict=True) if answer.status != 200]
        assert refused and {answer.status for answer in answers} <= {200, 503}
        assert len(there.got) == len(told) - len(refused)  # those that were refused did not leave
        assert here.ask("GET", "/readyz").status == 503
        nothing_out(told, there.everything(), *(answer.body for answer in answers), here.kept())
    there.clear()
    with proxy(folder, there.url) as here:  # with room again, everything that was refused goes through
        assert {here.create(one.body).status for one in refused} == {200}
    nothing_out(told, there.everything(), here.kept())


@pytest.mark.parametrize(
    "command",
    [f"{sys.executable} -c 'import time; time.sleep(60)'", "false", "echo {}", f"{sys.executable} -c 'print(input())'"],
    ids=["hangs", "fails", "answers nonsense", "echoes"],
)
def test_a_key_service_that_fails_keeps_it_from_starting(there: Network, tmp_path: Path, command: str):
    """No key, no port: it says what failed, in time, and its text holds no key."""
    env = {"TRANSHIP_MASKING_KEY": f"command:{command}", "TRANSHIP_MASKING_KEY_TIMEOUT_S": "0.3"}
    said = refused_start(tmp_path / "store", there.url, env=env)
    assert "key service" in said and there.everything() == b""


def test_keys_that_went_away_keep_it_from_starting(there: Network, tmp_path: Path):
    """Without its key file, or with another's, the folder is of no use to anybody."""
    folder = tmp_path / "store"
    with proxy(folder, there.url) as here:
        assert here.create(order("key").body).status == 200
    key = (folder / "tranship.key").read_bytes()
    (folder / "tranship.key").unlink()
    assert "key file" in refused_start(folder, there.url)
    with proxy(tmp_path / "other", there.url):
        pass
    shutil.copy(tmp_path / "other" / "tranship.key", folder / "tranship.key")
    assert "key" in refused_start(folder, there.url)
    (folder / "tranship.key").write_bytes(key)
    with proxy(folder, there.url) as here:
        assert here.create(order("key").body).status == 200
    assert len({got.body for got in there.got}) == 1


def test_a_request_ends_under_the_policy_that_it_began_under(there: Network, tmp_path: Path):
    """The policy file changes while the network thinks: that answer is read by the old one, the next by the new one."""
    file, told = tmp_path / "policy.toml", order("reload")
    file.write_text(PLAIN)
    with proxy(tmp_path / "store", there.url, "--policy", str(file)) as here:
        assert here.create(told.body).status == 200
        clear = described(there, told).replace(there.got[0].json()["destinationAddress"]["name"].encode(), b"Ada Byron")
        there.answer = says(200, clear)

        def change(got: Got) -> None:
            file.write_text(CHANGED)
            os.kill(here.process.pid, signal.SIGHUP)
            until(lambda: here.counts()["events"].get("policy_taken") == 1)

        there.before = change
        assert here.get(told.order_id).status == 502
        there.before = lambda got: None
        assert here.get(told.order_id).status == 200
        file.write_text(CHANGED.replace("pass(name)", "pass(label)"))
        os.kill(here.process.pid, signal.SIGHUP)
        until(lambda: here.counts()["events"].get("policy_refused") == 1)
        assert here.get(told.order_id).status == 200  # a bad file changes nothing
        assert here.create(told.body).status == 200  # sent again as it left first: under the first policy
        assert here.create(order("under the new one").body).status == 200
    with SqliteStore.open(tmp_path / "store", create=False) as store:
        first, again, new = [row for row in store.audit() if row.route.startswith("POST") and row.verdict == "sent"]
    assert first.policy == again.policy != new.policy and again.subject == first.subject
    creates = [got for got in there.got if got.method == "POST"]
    assert len(creates) == 3 and len({got.body for got in creates[:2]}) == 1
    nothing_out([told], there.everything(), here.kept())


def test_killed_between_commit_and_egress(tmp_path: Path):
    """The order was kept and did not leave: after the crash the client asks again, and what was kept leaves."""
    told = order("killed before")
    with network() as there:
        url = there.url
    with proxy(tmp_path / "store", url) as here:  # nobody listens there any more
        answer = here.create(told.body)
        assert answer.status == 503 and answer.json()["type"].endswith("not-sent")
        here.kill()
    kept = here.kept()
    with network() as there:
        with proxy(tmp_path / "store", there.url) as here:
            assert {here.create(told.body).status for _ in range(2)} == {200}
            assert here.counts()["events"]["sent_again"] == 2  # the first of them, too: as it was kept before the crash
        assert len({got.body for got in there.got}) == 1
        nothing_out([told], there.everything(), kept, here.kept())


@pytest.mark.parametrize("at", range(4))
def test_killed_while_the_network_thinks(there: Network, tmp_path: Path, at: int):
    """At the n-th order: what left is whole and masked, and the same bytes leave after the restart."""
    told = [order(f"killed {at} {n}") for n in range(5)]
    with proxy(tmp_path / "store", there.url) as here:
        count = iter(range(100))

        def kill(got: Got) -> None:
            if next(count) == at:
                here.kill()

        there.before = kill
        answered = []
        for one in told:
            try:
                answered.append(here.create(one.body).status)
            except (OSError, http.client.HTTPException):
                break
    assert answered == [200] * at
    first = [got.body for got in there.got]
    there.before = lambda got: None
    with proxy(tmp_path / "store", there.url) as here:
        assert {here.create(one.body).status for one in told} == {200}
    again = [got.body for got in there.got][len(first) :]
    assert again[: len(first)] == first
    nothing_out(told, there.everything(), here.kept())


def test_an_erased_order_is_forgotten(there: Network, tmp_path: Path):
    """`tranship erase ORDER --source proxy`: no trace of it in any file; the network's token of it means nothing any more."""
    told, other = order("erased"), order("stays")
    folder = tmp_path / "store"
    with proxy(folder, there.url) as here:
        assert here.create(told.body).status == 200
        text = described(there, told)
        assert here.create(other.body).status == 200
    command = [
        sys.executable,
        "-m",
        "tranship.cli",
        "erase",
        told.order_id,
        "--run",
        str(folder),
        "--source",
        "proxy",
        "--json",
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "src"})
    assert '"erased":1' in found.stdout
    sent = len(there.got)
    with proxy(folder, there.url) as here:
        assert here.get(told.order_id).status == 404
        there.answer = says(200, text)
        assert here.get(other.order_id).status == 502  # an answer that names the erased order
        listed = text.replace(b'{"payload": {"fulfillmentOrder":', b'{"payload": {"fulfillmentOrders": [').replace(
            b', "fulfillmentOrderItems"', b'], "x"'
        )
        there.answer = says(200, listed)
        assert here.ask("GET", f"{ORDERS}?queryStartDate=2026-11-22T00:00:00Z").json() == {
            "payload": {"fulfillmentOrders": []}
        }
    assert len(there.got) == sent + 2
    verify = [sys.executable, "-m", "tranship.cli", "audit", "verify", str(folder)]
    subprocess.run(verify, check=True, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True)


def test_a_retry_after_a_rotation_is_the_same_bytes(there: Network, tmp_path: Path):
    """New keys seal what is new; what was sent is sent again, and old tokens come back."""
    told, folder = order("rotated"), tmp_path / "store"
    with proxy(folder, there.url) as here:
        assert here.create(told.body).status == 200
    command = [sys.executable, "-m", "tranship.cli", "vault", "rotate", str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": "src"}, capture_output=True)
    with proxy(folder, there.url) as here:
        assert here.create(told.body).status == 200
        there.answer = says(200, described(there, told))
        back = here.get(told.order_id).json()["payload"]["fulfillmentOrder"]
        assert back["destinationAddress"]["name"] == told.body["destinationAddress"]["name"]
    assert len({got.body for got in there.got if got.method == "POST"}) == 1


def test_a_retry_on_another_day_is_the_same_bytes(there: Network, tmp_path: Path):
    """The order's date was generalized to the day of the first try; the second try the day after says the same day."""
    told = order("midnight")
    with proxy(tmp_path / "store", there.url, env=_clock("2026-11-22 23:58:00")) as here:
        assert here.create(told.body).status == 200
    with proxy(tmp_path / "store", there.url, env=_clock("2026-11-23 00:00:01")) as here:
        assert here.create(told.body).status == 200
        assert here.create(order("next day").body).status == 200
    days = [got.json()["displayableOrderDate"] for got in there.got]
    assert days == ["2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]


def _clock(text: str) -> dict[str, str]:
    """An environment in which the proxy's clock shows this moment (UTC): a module that Python loads before anything else."""
    return {"TRANSHIP_TEST_CLOCK": text, "PYTHONPATH": f"{Path(__file__).parent / 'clock'}:src"}


def test_two_networks_share_nothing(there: Network, tmp_path: Path):
    """Two networks behind one folder: the same order has no token in common."""
    told = order("networks")
    for name in ("AMZ", "AMZ2"):
        with proxy(tmp_path / "store", there.url, "--network", name) as here:
            assert here.create(told.body).status == 200
    one, other = (got.json() for got in there.got)
    assert one["sellerFulfillmentOrderId"] != other["sellerFulfillmentOrderId"]


def test_nobody_else_has_the_folder(there: Network, tmp_path: Path):
    """A second proxy on the same store would be a second writer."""
    with proxy(tmp_path / "store", there.url) as here:
        assert "store" in refused_start(tmp_path / "store", there.url)
        assert isinstance(here, Proxy) and here.create(order("alone").body).status == 200
