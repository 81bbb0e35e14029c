"""What breaks on the service's side while it masks for a proxy: its disk, its key service. Egress is nothing, or fully masked."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.serving import Served, free_order
from tests.masking.vault.test_kek import hook
from tests.proxy.network import Network, network
from tests.proxy.running import Told, hits, order
from tests.proxy.test_engine import kept, sound, through
from tests.proxy.test_faults import until

HANGS = """
import pathlib, time
if pathlib.Path({flag!r}).exists():
    time.sleep(60)
"""


@pytest.fixture
def there() -> Iterator[Network]:
    """The network."""
    with network() as found:
        yield found


def nothing_out(told: list[Told], home: Path, *texts: bytes) -> None:
    """No canary of these orders in any of these, in the run, or in what the service wrote."""
    canaries = {name: text for one in told for name, text in one.canaries.items()}
    for text in (*texts, kept(home), (home / "stderr.txt").read_bytes()):
        assert hits(canaries, text) == []


def test_a_full_disk_of_the_service_stops_everything(there: Network, tmp_path: Path):
    """No file of the service may grow any more: orders are refused and nothing of them leaves; with room they go through."""
    before, told = order("engine before"), [order(f"engine full {n}") for n in range(60)]
    with Served(tmp_path) as service, through(tmp_path / "proxy", there, service.address, env={}) as here:
        assert here.create(before.body).status == 200
        there.clear()
        longest = max(path.stat().st_size for path in (tmp_path / "run").iterdir())
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (longest + 100_000, resource.RLIM_INFINITY))
        answers = [here.create(one.body) for one in told]
        refused = [one for one, answer in zip(told, answers, strict=True) if answer.status != 200]
        assert refused and {answer.status for answer in answers} <= {200, 503}
        assert {answer.json()["sent"] for answer in answers if answer.status == 503} == {"no"}
        assert len(there.got) == len(told) - len(refused)  # those that were refused did not leave
        assert here.ask("GET", "/readyz").status == 503
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert {here.create(one.body).status for one in told} == {200}
        service.stop()
    assert len({got.body for got in there.got}) == len(told)
    sound(tmp_path)
    nothing_out(told, tmp_path, there.everything(), here.log.read_bytes(), *(answer.body for answer in answers))


def test_a_key_service_that_hangs_stops_everything(there: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The service gets no key in time: 503 and no byte out, and orders of its own are routed meanwhile; then it goes through."""
    flag, told = tmp_path / "hangs", order("engine key")
    flag.touch()
    monkeypatch.setenv("TRANSHIP_MASKING_KEY", f"command:{hook(tmp_path, HANGS.format(flag=str(flag)))}")
    monkeypatch.setenv("TRANSHIP_MASKING_KEY_TIMEOUT_S", "1")
    with Served(tmp_path) as service, through(tmp_path / "proxy", there, service.address, env={}) as here:
        for n in range(2):
            answer = here.create(told.body)
            assert (answer.status, answer.json()["sent"]) == (503, "no") and answer.json()["type"].endswith(":vault")
            assert service.post(free_order(f"A-{n}")).status == 201
        assert there.everything() == b""
        flag.unlink()
        until(lambda: here.create(told.body).status == 200)  # who hung is left alone for as long as an answer may take
        flag.touch()  # its keys are in memory by now: nobody asks for them
        assert here.create(told.body).status == 200 and here.create(order("engine key 2").body).status == 200
        service.stop()
    assert len(there.got) == 3 and len({got.body for got in there.got}) == 2
    sound(tmp_path)
    nothing_out([told], tmp_path, there.everything(), here.log.read_bytes(), answer.body)
