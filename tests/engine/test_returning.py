"""What comes back at a network: booked once for each return, told where it cannot be, however often the list repeats itself."""

import pytest
from msgspec.structs import replace

from tests.engine.connected import PLAIN, Handed, connected
from tests.engine.worlds import AMZ, MONDAY, kinds
from tranship.connectors.port import Returned
from tranship.core.ledger import Bucket
from tranship.dispatch.model import Parcel
from tranship.engine import commands as cmd
from tranship.engine.inbox import returning


@pytest.fixture
def run() -> Handed:
    """A connection without hold in front of the first node."""
    return Handed(connected(PLAIN))


def sent(run: Handed, *lines: tuple[str, int], delivered: bool = False) -> str:
    """An order that left; its remote id."""
    run.place(len(run.state.orders) + 1, *lines)
    (remote_id,) = run.hand_over("ship")
    run.hear(remote_id, "create", "ok", "PROCESSING")
    run.report(remote_id, "COMPLETE", (Parcel("p", "UPS", "1Z", (), "DELIVERED" if delivered else "SHIPPED"),))
    return remote_id


def listed(
    run: Handed, *rows: tuple[str, str, int], refs: tuple[str, ...] = ("r1",), by_code: bool = False
) -> list[str]:
    """A page of the network's list comes in; kinds of the events that it made."""
    page = Returned(
        tuple((*row, "Restock") for row in rows), refs=refs * len(rows) if len(refs) == 1 else refs, by_code=by_code
    )
    found = []
    for submission in returning(run.state, run.document.connections[0], page, run.later()):
        found += kinds(run.submit(submission))
    return found


def back(run: Handed, code: str = "MUG") -> int:
    """Units that lie in `returned`."""
    return run.shelf(AMZ, code, Bucket.RETURNED)


@pytest.mark.parametrize("delivered", [False, True])
def test_units_are_booked_once_however_often_the_list_says_it(run: Handed, delivered: bool):
    """From the road or from the customer; a return that grows books the difference; another return is another one."""
    remote_id = sent(run, ("MUG", 4), delivered=delivered)
    assert listed(run, (remote_id, "1", 1)) == ["took", "returned"]
    assert listed(run, (remote_id, "1", 1)) == []
    assert (listed(run, (remote_id, "1", 2)), back(run)) == (["took", "returned"], 2)
    assert (listed(run, (remote_id, "1", 1), refs=("r2",)), back(run)) == (["took", "returned"], 3)
    assert run.held(1).status() == "COMPLETE" and run.exceptions() == []
    run.sound()


def test_the_same_command_again_changes_nothing(run: Handed):
    """Also where it comes under another key: what was booked for a return is known."""
    remote_id = sent(run, ("MUG", 2))
    rows = (cmd.ReturnRow("r1", remote_id, "1", 1),)
    for _ in range(3):
        run.do(cmd.Returned("amz", rows, run.later()))
    assert back(run) == 1
    run.sound()


def test_what_cannot_be_is_told_and_changes_nothing_else(run: Handed):
    """An unknown id, a line that it does not have, more than was sent: each a note for a person."""
    remote_id = sent(run, ("MUG", 2))
    before = run.state.ledger.totals()
    assert listed(run, ("NOT-OURS", "1", 1)) == ["took", "exception"]
    assert listed(run, (remote_id, "9", 1), refs=("r9",)) == ["took", "exception"]
    assert listed(run, (remote_id, "1", 3)) == ["took", "exception"]
    assert run.exceptions() == ["foreign_id", "violation", "violation"]
    assert run.state.ledger.totals() == before
    run.sound()


def test_what_is_told_is_told_once(run: Handed):
    """The list comes every hour; the note does not."""
    remote_id = sent(run, ("MUG", 2))
    page = Returned(((remote_id, "1", 3, "Restock"),), refs=("r1",))
    for _ in range(3):
        for submission in returning(run.state, run.document.connections[0], page, run.later()):
            run.answer(submission)
    assert run.exceptions() == ["violation"]


def test_what_has_not_left_by_our_books_waits(run: Handed):
    """The news that it left may be late: the list comes again. A return by hand of what has not left is told."""
    run.place(1, ("MUG", 2))
    (remote_id,) = run.hand_over("ship")
    run.hear(remote_id, "create", "ok", "PROCESSING")
    assert listed(run, (remote_id, "1", 1)) == []
    run.do(cmd.Returned("amz", (cmd.ReturnRow("r1", remote_id, "1", 1),), run.later()))
    assert run.exceptions() == ["violation"]
    run.report(remote_id, "COMPLETE", (Parcel("p", "UPS", "1Z", (), "SHIPPED", MONDAY),))
    assert listed(run, (remote_id, "1", 1)) == ["took", "returned"]
    run.sound()


def test_a_network_that_names_the_article_is_understood(run: Handed):
    """Its code stands for the line; two lines of one article are filled one after the other; a strange code is told."""
    run = Handed(
        replace(
            run.document,
            skus=tuple(
                replace(sku, codes={"AMZ": f"X-{sku.code}"}) if not sku.parts else sku for sku in run.document.skus
            ),
        )
    )
    network = run.document.nodes[AMZ].network
    code = run.document.skus[run.state.skus["MUG"]].codes.get(network, "MUG")
    remote_id = sent(run, ("MUG", 1), ("TEE", 1), ("MUG", 2))
    assert listed(run, (remote_id, code, 2), by_code=True) == ["took", "returned", "returned"]
    assert listed(run, (remote_id, code, 2), by_code=True) == []
    assert listed(run, (remote_id, code, 1), refs=("r2",), by_code=True) == ["took", "returned"]
    assert back(run) == 3
    assert listed(run, (remote_id, "STRANGE", 1), refs=("r3",), by_code=True) == ["took", "exception"]
    assert listed(run, ("", code, 1), by_code=True) == [], "of another program of the account"
    run.sound()
