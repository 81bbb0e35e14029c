"""Households: one for each address, found again without a trace of it, and gone with the last person who is erased."""

from pathlib import Path

from tests.engine.leaked import budgeted, leaky, plan
from tests.engine.worlds import AMZ, MONDAY, Run, order, placing, sqlite
from tranship.core.order import Destination, Person
from tranship.engine import commands as cmd
from tranship.engine.verify import verify
from tranship.routing.leak.model import ONE


def test_two_people_at_one_address_are_one_household() -> None:
    """However the street is written; another ZIP, another household; the journal has a random id and nothing else."""
    run = leaky(ONE)
    for n, (ref, street, zip_code) in enumerate(
        [
            ("a", "12 North Main Street", "10001"),
            ("b", "12 n. main st", "10001"),
            ("c", "12 North Main Street", "10002"),
        ]
    ):
        made = order(n, ("MUG", 1), to=Destination(zip_code, "NY"))
        run.submit(placing(made, Person(ref=ref, name=f"N{n}", street=street)))
    assert [run.held(n).order.said.household for n in range(3)] == ["HH1", "HH1", "HH2"]
    assert run.state.leaks.households["HH1"].seen == 2
    assert not any(word in row.payload for row in run.journal() for word in (b"Main", b"main", b"N1"))


def test_a_refused_order_leaves_no_household() -> None:
    """The next address gets the number, in the same batch too."""
    run = leaky(ONE)
    bad = placing(order(1, ("NONE", 1)), Person(ref="a", street="1 Elm St"))
    told = [bad, *(placing(order(n, ("MUG", 1)), Person(ref=f"p{n}", street=f"{n // 2} Oak St")) for n in range(2, 6))]
    answers = run.shard.submit(told)
    assert [answer.error is None for answer in answers] == [False, True, True, True, True]
    assert [run.held(n).order.said.household for n in range(2, 6)] == ["HH1", "HH1", "HH2", "HH2"]
    before = run.shard.hash()
    run.shard.rebuild()
    assert run.shard.hash() == before


def test_the_last_one_who_is_erased_takes_the_address_along(tmp_path: Path) -> None:
    """While somebody else of the household is there it is found again; then the address is a new one."""
    document = budgeted()
    shard = sqlite(tmp_path)
    run = Run(document, shard=shard)
    run.do(plan(document, ONE))
    run.stock(AMZ, MUG=9)
    for n in range(2):
        run.submit(placing(order(n, ("MUG", 1)), Person(ref=f"p{n}", street="1 Elm St")))
    blind = shard.people.vault.home("1 elm street", "10001", "US")
    assert [row.person_id for row in shard.store.households(blind)] == ["P1", "P2"]
    shard.people.erase(["P1"])
    run.submit(placing(order(2, ("MUG", 1)), Person(ref="p2", street="1 Elm St")))
    assert run.held(2).order.said.household == "HH1"
    shard.people.erase(["P2", "P3"])
    assert shard.store.households(blind) == []
    assert all(blind not in path.read_bytes() for path in tmp_path.iterdir())
    run.submit(placing(order(3, ("MUG", 1)), Person(ref="p9", street="1 Elm St")))
    assert run.held(3).order.said.household == "HH2"
    for person_id in ("P1", "P2", "P3"):
        run.do(cmd.ErasePerson(person_id, MONDAY))
    assert verify(shard.store, decide=True).problems == []
    shard.store.close()
