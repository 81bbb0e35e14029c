"""A person is erased from a run: gone from every file, while rebuild, hash, books and every later decision are as they were."""

from pathlib import Path

from tests.engine.worlds import CUT_OFF, MONDAY, PL, Run, cap, network, order, placing, sqlite
from tests.sim.exports import network_file, save, uci_rows
from tranship.core.order import Person
from tranship.engine.commands import ErasePerson
from tranship.engine.run import open_shard, open_store
from tranship.engine.shard import Submission
from tranship.engine.verify import verify
from tranship.sim.replay import replay
from tranship.store.check import integrity


def someone(n: int) -> Person:
    """A customer whose every field can be searched for."""
    return Person(
        ref=f"ref-{n:05d}", name=f"Nemo Nobody {n:05d}", street=f"{n:05d} Lethe Lane", city=f"Oblivion {n:05d}",
        phone=f"+1-555-{n:05d}", email=f"nemo.{n:05d}@example.com",
    )  # fmt: skip


def words(person: Person) -> list[bytes]:
    """What must be found nowhere."""
    return [text.encode() for text in (person.ref, person.name, person.street, person.city, person.phone, person.email)]


def found(folder: Path, wanted: list[bytes]) -> list[str]:
    """Which of the byte strings are in which file of a folder that nobody has open."""
    return [
        f"{word!r} in {path.name}"
        for path in folder.rglob("*")
        if path.is_file()
        for word in wanted
        if word in path.read_bytes()
    ]


def peopled(folder: Path) -> Run:
    """Forty orders of twenty people, half of them shipped."""
    run = Run(network(caps=cap()), shard=sqlite(folder))
    run.stock(PL, MUG=100)
    for n in range(40):
        run.submit(placing(order(n, ("MUG", 1 + n % 3)), someone(n % 20)))
        if n == 19:
            run.tick(CUT_OFF)
    return run


def test_erased_people_leave_no_trace_and_change_no_hash(tmp_path: Path) -> None:
    """Booked first, then destroyed: verify gives the same hash before and after, and every decision again as it was."""
    run = peopled(tmp_path / "run")
    chosen = [f"P{n}" for n in (1, 5, 20)]
    rows = {person_id: run.shard.store.person(person_id) for person_id in chosen}
    for person_id in chosen:
        assert run.submit(Submission(f"erase/{person_id}", ErasePerson(person_id, MONDAY)))
    before = verify(run.shard.store, decide=True)
    assert run.shard.people.erase(chosen) == 3
    after = verify(run.shard.store, decide=True)
    assert [problem.split(":")[0] for problem in before.problems] == [f"person {one}" for one in sorted(chosen)]
    assert after.problems == []  # between the event and the erasure, verify says that it is not done
    assert after.hash == before.hash == run.shard.hash()
    assert [run.shard.people.read(person_id) for person_id in chosen] == [None] * 3
    assert run.shard.people.read("P2") == someone(1)
    assert run.held(0).order.person_id == "P1", "the books keep the id, which means nobody any more"
    assert integrity(run.shard.store) == []
    run.shard.store.close()
    wanted = [word for n in (0, 4, 19) for word in words(someone(n))]
    wanted += [bytes(part) for row in rows.values() if row for part in (row.wrapped_key, row.sealed, row.blind)]
    assert found(tmp_path / "run", wanted) == []


def test_no_clear_text_of_anybody_is_in_any_file(tmp_path: Path) -> None:
    """Journal, rows, outbox and replies carry ids; the person table is sealed."""
    peopled(tmp_path / "run").shard.store.close()
    assert (
        found(tmp_path / "run", [b"Nemo Nobody", b"Lethe Lane", b"Oblivion", b"+1-555-", b"@example.com", b"ref-000"])
        == []
    )


def test_who_orders_again_after_being_erased_is_somebody_new(tmp_path: Path) -> None:
    """A new id, a new key; nothing leads back to the old orders."""
    run = peopled(tmp_path / "run")
    run.submit(Submission("erase/P1", ErasePerson("P1", MONDAY)))
    run.shard.people.erase(["P1"])
    run.submit(placing(order("again", ("MUG", 1)), someone(0)))
    assert run.held("again").order.person_id == "P21"
    assert run.shard.people.read("P21") == someone(0)
    run.submit(placing(order("other", ("MUG", 1)), someone(1)))
    assert run.held("other").order.person_id == "P2"
    run.shard.store.close()


def test_a_recorded_year_comes_out_the_same_after_people_were_erased(tmp_path: Path) -> None:
    """The same file again changes nothing, and does not bring anybody back."""
    network_path, export, run = network_file(tmp_path), save(tmp_path, uci_rows()), tmp_path / "run"
    replay(export, network_path, run)
    shard = open_shard(run)
    chosen = [shard.people.find("uci", ref) for ref in ("13001", "13002")]
    assert None not in chosen
    for person_id in filter(None, chosen):
        shard.submit([Submission(f"erase/{person_id}", ErasePerson(person_id, shard.state.last_at))])
        shard.people.erase([person_id])
    expected = shard.hash()
    shard.store.close()
    assert replay(export, network_path, run).state_hash == expected
    store = open_store(run, read_only=True)
    assert [store.person(str(person_id)) for person_id in chosen] == [None, None]
    assert verify(store, decide=True).hash == expected
    store.close()
