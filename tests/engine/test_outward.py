"""What leaves for a network from the engine: aliases by policy, bytes that stay what they are, and an audit row beside each intent."""

import hashlib
import json
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.connected import HOLDS, PLAIN, Handed, connected
from tests.engine.masked import MASTER, connector, masker_of
from tests.engine.worlds import AMZ, DAY, MONDAY, order, placing, sqlite
from tranship.core.capability import Capability
from tranship.core.errors import UnavailableError
from tranship.core.order import Destination, Person, Terms
from tranship.dispatch.model import Parcel
from tranship.engine import commands as cmd
from tranship.engine.outward import Masker
from tranship.engine.preparing import Prepared, handing_over, prepare, sending_back, wanted
from tranship.engine.verify import verify
from tranship.masking.audit import check, unpacked
from tranship.masking.policy import load
from tranship.masking.tokens import kind_of
from tranship.masking.vault.kek import LocalKek, Wrapped
from tranship.store.connect import DB_NAME
from tranship.store.sqlite import SqliteStore
from tranship.store.vaulting import Upkeep

ANN = Person("c1", "Ann Example", "1 Example Road", "Chicago", "+1 312 555 0100", "ann@example.com")
BOX = (Parcel("p1", "UPS", "1Z1", (("1", 1),), "DELIVERED", MONDAY),)


def placed(run: Handed, number: object, person: Person = ANN, **changes: object) -> None:
    """One mug for a person."""
    run.submit(placing(order(number, ("MUG", 1), placed_at=run.later(), **changes), person))


def prepared(run: Handed, masker: Masker, kind: str = "amazon_mcf") -> list[Prepared]:
    """All that is due, as the driver prepares it."""
    people = run.shard.people
    return [
        prepare(each, connector(kind), people, people.address(each.due.order_id, each.person_id), masker, run.at)
        for each in wanted(run.state, run.at, 99)
    ]


def body(run: Handed, remote_id: str) -> bytes:
    """The stored bytes of a dispatch, opened."""
    store, people = run.shard.store, run.shard.people
    row = store.payload(remote_id)
    assert row is not None
    person = store.person(row.person_id)
    assert person is not None
    return people.vault.open_for(person, row.sealed)


def handed(run: Handed, masker: Masker, kind: str = "amazon_mcf") -> list[str]:
    """Hand over all that is due; the remote ids."""
    made = prepared(run, masker, kind)
    asked = handing_over(made, run.later())
    assert asked is not None
    run.submit(asked)
    return [each.intent.remote_id for each in made if each.intent is not None]


def name_in(sent: bytes) -> str:
    """The recipient in a body of Amazon's 2026 interface."""
    found: str = json.loads(sent)["destination"]["deliveryAddress"]["name"]
    return found


@pytest.fixture
def run() -> Handed:
    """Twenty mugs behind a connection that gets aliases."""
    return Handed()


def test_the_label_says_an_alias_of_the_order_and_nothing_else_of_the_person(run: Handed):
    """Name, phone and e-mail are nowhere in the bytes; the alias stands for the name at this network, and at no other."""
    masker = masker_of(run.shard)
    placed(run, 1)
    (remote_id,) = handed(run, masker)
    sent = body(run, remote_id)
    alias = name_in(sent)
    assert kind_of(alias) == "name"
    assert not any(word in sent.decode() for word in ("Ann", "Example,", "555", "ann@"))
    assert b"1 Example Road" in sent, "the parcel has to arrive"
    person_id = run.held(1).order.person_id
    found = masker.vault.session("AMZ", person_id).found(alias)
    assert found is not None and (found.kind, found.scope, found.value) == ("name", "test:1", ANN.name)
    assert masker.vault.session("PL", person_id).found(alias) is None


def test_two_orders_of_one_person_share_no_alias(run: Handed):
    """Nor do two people of one name."""
    placed(run, 1)
    placed(run, 2)
    placed(run, 3, Person("c2", "Ann Example", "2 Example Road", "Chicago"))
    aliases = [name_in(body(run, remote_id)) for remote_id in handed(run, masker_of(run.shard))]
    assert len(set(aliases)) == 3


def test_two_parts_of_an_order_that_leave_together_bear_one_alias(tmp_path):
    """Prepared before either is journaled: one name, one order, one alias, and the command is taken as a whole."""
    run = Handed(shard=sqlite(tmp_path))
    masker, people = masker_of(run.shard), run.shard.people
    placed(run, 1)
    (part,) = wanted(run.state, run.at, 99)
    address = people.address(part.due.order_id, part.person_id)
    made = [prepare(part, connector("amazon_mcf"), people, address, masker, run.at) for _ in range(2)]
    assert made[0].tokens == made[1].tokens and len(made[0].tokens) == 1
    asked = handing_over(made, run.later())
    assert asked is not None
    run.submit(asked)
    (row,) = run.shard.store.tokens_of("AMZ", "test:1")
    assert row == made[0].tokens[0]


@pytest.mark.parametrize(
    "street", ["Ann Example, 1 Example Road", "1 Example Road\nc/o Example, Ann", "ann example 1 Example Road"]
)
def test_a_name_that_was_written_into_the_street_does_not_leave_beside_the_alias(run: Handed, street: str):
    """As shops' forms have it: on a line of its own, between commas, or before the house number."""
    placed(run, 1, Person("c1", "Ann Example", street, "Chicago"))
    (remote_id,) = handed(run, masker_of(run.shard))
    to = json.loads(body(run, remote_id))["destination"]["deliveryAddress"]
    assert (to["addressLine1"], to.get("addressLine2", "")) == ("1 Example Road", "")


def test_a_street_that_is_called_as_the_customer_is_stays(run: Handed):
    """The parcel has to arrive."""
    placed(run, 1, Person("c1", "Martin Luther", "12 Martin Luther Way", "Chicago"))
    (remote_id,) = handed(run, masker_of(run.shard))
    assert b"12 Martin Luther Way" in body(run, remote_id)


@pytest.mark.parametrize(
    ("settings", "terms", "real"),
    [({}, Terms(), False), ({"recipient": "alias"}, Terms(), False), ({"recipient": "name"}, Terms(), True),
     ({}, Terms(id_check=True), True)],
)  # fmt: skip
def test_who_wants_the_name_on_the_label_says_so(settings: dict[str, str], terms: Terms, real: bool):
    """The connection for all its orders, or an order that somebody has to show an ID for."""
    run = Handed(connected(HOLDS, **settings))
    placed(run, 1, terms=terms)
    (remote_id,) = handed(run, masker_of(run.shard))
    assert (name_in(body(run, remote_id)) == ANN.name) is real
    (row,) = run.shard.store.audit()
    actions = {leaf: action for leaf, action, _ in unpacked(row)}
    assert actions["destination.deliveryAddress.name"] == ("pass(name)" if real else "token(name)")


def test_paper_of_ones_own_keeps_the_name_unless_it_is_told_otherwise():
    """The default of the kind `manual`."""
    from tranship.core.capability import Connection

    assert Connection("p", "manual").real_names and not Connection("p", "manual", recipient="alias").real_names
    assert not Connection("p", "shipbob").real_names


def test_tokens_and_audit_are_in_the_transaction_of_the_intent(run: Handed):
    """Durable with it or not at all: nothing of a hand-over that was refused stays, and what was left out is in no audit."""
    masker, store = masker_of(run.shard), run.shard.store
    placed(run, 1)
    placed(run, 2)
    made = prepared(run, masker)
    for number in (1, 2):
        run.do(cmd.ChangeAddress(f"test:{number}", Destination("10001", "NY"), "moved", run.later()))
    asked = handing_over(made, run.later())
    assert asked is not None
    run.submit(asked)
    assert not run.state.dispatches and list(store.audit()) == []
    ids = handed(run, masker)
    rows = list(store.audit())
    assert {row.subject for row in rows} == set(ids) and {row.verdict for row in rows} == {"sent"}
    assert {row.policy for row in rows} == {load("amazon_mcf").hash}
    assert check(rows, store.last_audit()).good
    for remote_id in ids:
        assert store.token("AMZ", name_in(body(run, remote_id))) is not None


def test_what_went_back_is_in_the_audit_as_refused(run: Handed):
    """Leaf and policy, under our own order's name."""
    placed(run, 1, Person("c9", "Ann Example", "1 Example Road", "Q" * 60))
    back = sending_back(prepared(run, masker_of(run.shard)), run.later())
    assert back is not None
    run.submit(back)
    (row,) = run.shard.store.audit()
    assert (row.verdict, row.subject, row.network) == ("refused", "test:1/1", "AMZ")
    assert "QQQ" not in repr(row) and [action for _, action, _ in unpacked(row)] == ["refuse"]


def test_a_retry_sends_the_stored_bytes_across_midnight_rotation_and_restart(tmp_path):
    """Whatever day it is, whichever keys write by now, whoever came up again: byte for byte what was journaled."""
    run = Handed(shard=sqlite(tmp_path))
    masker = masker_of(run.shard)
    placed(run, 1)
    (remote_id,) = handed(run, masker)
    first = body(run, remote_id)
    run.hear(remote_id, "create", "unknown")
    run.later(2 * 86_400)
    run.tick(run.at)
    upkeep = Upkeep(run.shard.store, masker.vault)
    assert upkeep.rotate()
    while not upkeep.reseal().done:
        pass
    run.shard.store.close()
    again = Handed.__new__(Handed)
    again.shard = sqlite(tmp_path)
    second = body(again, remote_id)
    assert second == first
    assert hashlib.sha256(second).hexdigest() == again.shard.state.dispatches[remote_id].sha256
    found = (
        masker_of(again.shard)
        .vault.session("AMZ", again.shard.state.orders["test:1"].order.person_id)
        .found(name_in(first))
    )
    assert found is not None and found.value == ANN.name
    again.shard.store.close()


class DownKek(LocalKek):
    """A key service that does not answer any more."""

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        raise UnavailableError("the key service did not answer")

    def wrap(self, key: bytes, context: str) -> Wrapped:
        raise UnavailableError("the key service did not answer")


@pytest.mark.parametrize(
    ("kind", "can", "recipient"),
    [
        ("amazon_mcf", HOLDS, "alias"),
        ("amazon_mcf", HOLDS, "name"),
        ("manual", PLAIN, "name"),
        ("manual", PLAIN, "alias"),
    ],
    ids=["alias", "name", "paper", "alias on paper"],
)
def test_while_the_vault_is_down_nothing_leaves_and_nothing_is_routed_anew(kind: str, can: Capability, recipient: str):
    """It waits at its node, paper and labels that say the name too; once the keys are there again it goes."""
    from tranship.engine.driver.vault_wait import prepare_all

    run = Handed(connected(can, recipient=recipient))
    placed(run, 1)
    placed(run, 2)
    down = masker_of(run.shard, kek=DownKek(MASTER, "test"))
    found = wanted(run.state, run.at, 9)
    made = prepare_all(found, {"amz": connector(kind)}, run.shard.people, lambda: down, run.at)
    assert made.down is not None and all(each == Prepared(None, None) for each in made.prepared)
    assert handing_over(made.prepared, run.at) is None and sending_back(made.prepared, run.at) is None
    masker = masker_of(run.shard)
    again = prepare_all(found, {"amz": connector(kind)}, run.shard.people, lambda: masker, run.at)
    assert again.down is None and all(each.intent is not None for each in again.prepared)
    assert [run.held(n).refused for n in (1, 2)] == [(), ()]


def test_one_damaged_person_holds_nobody_up(run: Handed):
    """Their order is put before a person; the others go."""
    from tranship.engine.driver.vault_wait import UNREAD, prepare_all

    placed(run, 1)
    placed(run, 2, Person("c2", "Bob", "2 Example Road", "Chicago"))
    store = run.shard.store
    person_id = run.held(1).order.person_id
    row = store.person(person_id)
    assert row is not None
    for damage in ({"sealed": bytes(len(row.sealed))}, {"wrapped_key": bytes(len(row.wrapped_key))}):
        store.people[person_id] = row._replace(**damage)  # type: ignore[attr-defined]
        masker = masker_of(run.shard)
        found = wanted(run.state, run.at, 9)
        made = prepare_all(found, {"amz": connector("amazon_mcf")}, run.shard.people, lambda m=masker: m, run.at)
        assert made.down is None
        assert made.prepared[0] == UNREAD and made.prepared[1].intent is not None


def test_tokens_end_some_days_after_delivery_and_with_the_person(run: Handed):
    """Until then the alias is understood; after that it is known to have been ours, and stands for nobody."""
    masker = masker_of(run.shard)
    placed(run, 1)
    (remote_id,) = handed(run, masker)
    alias = name_in(body(run, remote_id))
    person_id = run.held(1).order.person_id
    run.hear(remote_id, "create", "ok", "HELD")
    run.hear(remote_id, "release")
    run.report(remote_id, "COMPLETE", BOX)
    assert run.held(1).parts[1].status == "DELIVERED"
    days = run.state.connected[AMZ].token_days
    row = run.shard.store.token("AMZ", alias)
    assert row is not None and row.expires_at == run.state.last_at + days * DAY
    later = masker_of(run.shard, now=lambda: run.state.last_at + days * DAY)
    found = later.vault.session("AMZ", person_id).found(alias)
    assert found is not None and found.expired and found.value == ""
    run.shard.store.erase(person_id)
    assert run.shard.store.token("AMZ", alias) is None


@given(st.text(max_size=60), st.text(max_size=60), st.text("0123456789+ ()-", max_size=20))
def test_two_orders_equal_but_for_name_and_contact_leave_equal_bytes_up_to_tokens(first: str, second: str, phone: str):
    """Non-interference: nothing about the secret parts can be read from what leaves."""
    sent = []
    for name in (first, second):
        run = Handed()
        placed(run, 1, Person("c1", name, "1 Example Road", "Chicago", phone, f"{len(name)}@example.com"))
        made = prepared(run, masker_of(run.shard))
        assert [each.unsendable for each in made] == [None]
        asked = handing_over(made, run.later())
        assert asked is not None
        run.submit(asked)
        (remote_id,) = run.state.dispatches
        text = body(run, remote_id).decode()
        sent.append(text.replace(remote_id, "ID").replace(name_in(text.encode()), "ALIAS"))
    assert sent[0] == sent[1]


def test_verify_misses_an_audit_that_was_deleted_with_its_head(tmp_path: Path):
    """As a whole, or all but its first row: tokens and dispatches that were committed beside the rows say so."""
    run = Handed(shard=sqlite(tmp_path))
    masker = masker_of(run.shard)
    for number in (1, 2):
        placed(run, number, Person(f"c{number}", "Ann Example", f"{number} Example Road", "Chicago"))
        handed(run, masker)
    first, _ = run.shard.store.audit()
    assert isinstance(run.shard.store, SqliteStore)
    assert verify(run.shard.store).problems == []
    run.shard.store.close()
    for seq, chain, said in ((1, first.chain, "no row of the audit is about them"), (0, b"", "the audit is empty")):
        db = apsw.Connection(str(tmp_path / DB_NAME))
        db.execute("DELETE FROM audit WHERE seq > ?", (seq,))
        db.execute("UPDATE meta SET audit_seq = ?, audit_chain = ?", (seq, chain))
        db.close()
        with SqliteStore.open(tmp_path, create=False) as store:
            assert said in verify(store).problems[0]
