"""`verify` on a real store: sound runs are called sound, each way of damaging one is named, a changed decision is seen."""

from collections.abc import Iterator
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path

import apsw
import msgspec
import pytest

from tests.engine.worlds import AMZ, CUT_OFF, DAY, MONDAY, OWN, PL, Run, cap, network, order, placing, sqlite
from tranship.core.errors import DamageError
from tranship.core.network import Policy
from tranship.core.order import Person
from tranship.engine import commands as cmd
from tranship.engine import decide as engine_decide
from tranship.engine import events as ev
from tranship.engine import verify as verify_module
from tranship.engine.shard import RecordedIds, Shard, Submission
from tranship.engine.verify import Verdict, verify
from tranship.engine.verify_rows import SHOWN, Found, listed
from tranship.masking.audit import AuditDraft, Chain
from tranship.store import port
from tranship.store.connect import DB_NAME
from tranship.store.people import People, Vault
from tranship.store.sqlite import SqliteStore


def told(folder: Path) -> Run:
    """A run on disk with an order of every kind: shipped, split, parked, voided, returned, expired, over the cap."""
    run = Run(network(caps=cap(on_conflict="breach"), policy=Policy(park_days=3)), shard=sqlite(folder))
    run.stock(AMZ, MUG=6, TEE=2)
    run.stock(PL, MUG=2, TEE=1, CAP=5)
    run.place("shipped", ("MUG", 2))
    run.place("split", ("CAP", 1), ("MUG", 3))
    run.place("bundle", ("SET", 1))
    run.place("parked", ("GAS", 2), ("CAP", 1))
    run.place("voided", ("TEE", 1))
    run.take_back("voided", 1, 1)
    run.do(cmd.ReportException("changed_order", "test:x", "a note", MONDAY))
    run.tick(CUT_OFF)
    run.take_back("shipped", 1, 1, CUT_OFF)
    run.switch("PL-1", True, CUT_OFF)
    run.stock(OWN, CUT_OFF, GAS=1)
    run.tick(MONDAY + 5 * DAY)
    run.place("short", ("GAS", 3), placed_at=MONDAY + 5 * DAY)
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that was closed."""
    told(tmp_path / "run").shard.store.close()
    return tmp_path / "run"


def verdict(folder: Path, *, decide: bool = False) -> Verdict:
    """What `verify` says of a closed run."""
    store = SqliteStore.open(folder, create=False, read_only=True)
    try:
        return verify(store, decide=decide)
    finally:
        store.close()


def damage(folder: Path, sql: str, *values: object) -> None:
    """Change the database behind the store's back."""
    db = apsw.Connection(str(folder / DB_NAME))
    db.execute(sql, values)
    assert db.changes() == 1, "the damage did not happen"
    db.close()


def test_a_sound_run_is_called_sound(tmp_path: Path) -> None:
    """The same hash as the engine's, every check told with what it covered."""
    run = told(tmp_path)
    expected = (run.shard.hash(), run.shard.seq, len(run.state.orders))
    run.shard.store.close()
    found = verdict(tmp_path, decide=True)
    assert found.problems == [] and found.sound
    assert (found.hash, found.events, found.orders) == expected
    assert found.decided == len(set(_keys(tmp_path)))
    for word in ("journal", "ledger", "orders", "reservations", "cap AMZ", "stock table", "order table", "decisions"):
        assert any(check.startswith(word) for check in found.checks), word


def _keys(folder: Path) -> Iterator[str]:
    store = SqliteStore.open(folder, create=False, read_only=True)
    yield from (row.key for row in store.journal())
    store.close()


def test_an_empty_store_is_sound(tmp_path: Path) -> None:
    """Nothing happened yet: nothing is wrong."""
    sqlite(tmp_path).store.close()
    assert verdict(tmp_path, decide=True).problems == []


# -- damage --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seq", [1, 5, 9])
def test_a_byte_of_a_journal_row_is_named(folder: Path, seq: int) -> None:
    """The row, its kind and its key; nothing behind it is looked at."""
    store = SqliteStore.open(folder, create=False, read_only=True)
    row = next(row for row in store.journal() if row.seq == seq)
    store.close()
    payload = bytes([*row.payload[:-1], row.payload[-1] ^ 4])
    damage(folder, "UPDATE journal SET payload = ? WHERE seq = ?", payload, seq)
    found = verdict(folder)
    assert found.problems == [f"journal row {seq} ({row.kind}, key {row.key}) does not match its chain value"]
    assert found.events == seq - 1


@pytest.mark.parametrize("column", ["key", "n", "kind", "at", "chain"])
def test_every_column_of_a_journal_row_is_covered(folder: Path, column: str) -> None:
    """The chain is over all of it."""
    change = {"key": "key || 'x'", "kind": "'ticked'", "chain": "randomblob(16)"}.get(column, f"{column} + 1")
    damage(folder, f"UPDATE journal SET {column} = {change} WHERE seq = 6")
    (problem,) = verdict(folder).problems
    assert problem.startswith("journal row 6 (")


@pytest.mark.parametrize("which", ["1", "7", "(SELECT max(seq) FROM journal)"], ids=["first", "middle", "last"])
def test_a_journal_row_that_is_gone_is_named(folder: Path, which: str) -> None:
    """At the beginning, in the middle, and at the end, where nothing follows that could miss it."""
    store = SqliteStore.open(folder, create=False, read_only=True)
    last = store.last_seq()[0]
    store.close()
    damage(folder, f"DELETE FROM journal WHERE seq = {which}")
    problems = verdict(folder).problems
    number = last if "max" in which else int(which)
    assert any(f"row {number}" in problem for problem in problems), problems


def test_a_journal_written_anew_after_its_first_bad_row_is_seen_in_the_tables(folder: Path) -> None:
    """Whoever recomputes the chain still has to change every row that follows from it."""
    from tranship.engine.digest import GENESIS, link

    db = apsw.Connection(str(folder / DB_NAME))
    rows = list(db.execute("SELECT seq, key, n, kind, at, payload FROM journal ORDER BY seq"))
    chain, forged = GENESIS, 0
    for seq, key, n, kind, at, payload in rows:
        event = ev.decode(payload)
        if isinstance(event, ev.StockReceived) and not forged:
            forged = seq
            payload = ev.encode(msgspec.structs.replace(event, quantities=tuple(q + 1 for q in event.quantities)))
        chain = link(chain, seq, key, n, kind, at, payload)
        db.execute("UPDATE journal SET payload = ?, chain = ? WHERE seq = ?", (payload, chain, seq))
    db.execute("UPDATE meta SET chain = ?", (chain,))
    db.close()
    assert any("stock row" in problem for problem in verdict(folder).problems)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "UPDATE orders SET status = 'COMPLETE' WHERE order_id = 'test:voided'",
            "order test:voided: status: *COMPLETE*CANCELLED",
        ),
        ("DELETE FROM orders WHERE order_id = 'test:shipped'", "order test:shipped: its row is missing"),
        (
            "UPDATE order_line SET qty = 2 WHERE order_id = 'test:bundle'",
            "line test:bundle 0: qty: *says 2, the journal 1",
        ),
        (
            "UPDATE part SET status = 'PROCESSING' WHERE part_id = 'test:shipped/1'",
            "fulfillment order test:shipped/1: status*",
        ),
        (
            "UPDATE part SET units = units + 1 WHERE part_id = 'test:shipped/1'",
            "fulfillment order test:shipped/1: units*",
        ),
        ("UPDATE part SET lines = x'90' WHERE part_id = 'test:shipped/1'", "fulfillment order test:shipped/1: lines*"),
        ("UPDATE part SET node = 'OWN-1' WHERE part_id = 'test:shipped/1'", "fulfillment order test:shipped/1: node*"),
        ("UPDATE part SET cost = cost + 1 WHERE part_id = 'test:shipped/1'", "fulfillment order test:shipped/1: cost*"),
        ("DELETE FROM part WHERE part_id = 'test:split/1'", "fulfillment order test:split/1: its row is missing"),
        ("UPDATE parked SET units = 9 WHERE order_id = 'test:short'", "parked part test:short/p1: units*"),
        (
            "INSERT INTO parked VALUES ('test:x/p1', 'test:x', 'cap', 0, 0, 1, x'90')",
            "parked part test:x/p1: *no such row",
        ),
        (
            "UPDATE stock SET qty = 9 WHERE node = 'PL-1' AND sku = 'CAP' AND bucket = 4",
            "stock row ('PL-1', 'CAP', 4): *",
        ),
        ("DELETE FROM stock WHERE node = 'OWN-1' AND sku = 'GAS' AND bucket = 1", "stock row ('OWN-1', 'GAS', 1): *"),
        ("INSERT INTO stock VALUES ('OWN-1', 'MUG', 4, 1)", "stock row ('OWN-1', 'MUG', 4): *says 1, the journal 0"),
        ("DELETE FROM exception WHERE kind = 'changed_order'", "exception *: its row is missing"),
        ("UPDATE exception SET detail = 'x' WHERE kind = 'changed_order'", "exception *: detail: *"),
        ("UPDATE command SET seq = seq + 1 WHERE key = 'order/test/split'", "command order/test/split: seq*"),
        ("DELETE FROM command WHERE key = 'order/test/split'", "command order/test/split: its row is missing"),
    ],
)
def test_a_row_that_does_not_follow_from_the_journal_is_named(folder: Path, sql: str, words: str) -> None:
    """Changed, deleted or added behind the engine's back: which row, what it says, what the journal says."""
    damage(folder, sql)
    problems = verdict(folder).problems
    assert any(fnmatch(problem, words) for problem in problems), problems


TABLES = {
    "orders": (port.OrderRow, "order ", "order_id = 'test:split'"),
    "order_line": (port.LineRow, "line ", "order_id = 'test:split' AND line = 1"),
    "part": (port.PartRow, "fulfillment order ", "part_id = 'test:split/1'"),
    "parked": (port.ParkedRow, "parked part ", "order_id = 'test:short'"),
    "exception": (port.ExceptionRow, "exception ", "kind = 'changed_order'"),
    "document": (port.DocumentRow, "document ", "1"),
    "outbox": (port.OutboxRow, "outbox row ", "pos = (SELECT max(pos) FROM outbox)"),
    "command": (("key", "seq"), "command ", "key = 'order/test/split'"),
    "stock": (("node", "sku", "bucket", "qty"), "stock row ", "node = 'PL-1' AND sku = 'CAP' AND bucket = 4"),
}
COLUMNS = [(table, c) for table, (row, _, _) in TABLES.items() for c in getattr(row, "_fields", row)]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda value: value)
def test_every_column_of_every_derived_table_is_held_against_the_journal(folder: Path, table: str, column: str) -> None:
    """A value changed by SQL, whatever it is: its table is named, and, where it is not the key, column and both values."""
    _, what, where = TABLES[table]
    number = f"CASE typeof({column}) WHEN 'integer' THEN {column} + 100"
    damage(
        folder,
        f"UPDATE {table} SET {column} = {number} WHEN 'blob' THEN CAST({column} || 'x' AS BLOB) ELSE {column} || 'x' END"
        f" WHERE {where}",
    )
    problems = verdict(folder).problems
    assert problems
    if (table, column) in {("document", "sha256"), ("document", "body")}:  # then nothing else can be read
        assert any("document" in problem for problem in problems), problems
        return
    key = {"orders": "order_id", "part": "part_id", "parked": "park_id", "exception": "seq", "outbox": "id"}.get(table)
    keys = {key, *({"order_line": ("order_id", "line"), "stock": ("node", "sku", "bucket")}.get(table, ("key",)))}
    if column in keys and not (table == "order_line" and column == "key"):
        assert any(p.startswith(what) and ("no such row" in p or "the journal 0" in p) for p in problems), problems
    else:
        assert any(fnmatch(p, f"{what}*: {column}: the table says *, the journal *") for p in problems), problems


@pytest.mark.parametrize(
    "table", ["orders", "order_line", "part", "parked", "exception", "command", "stock", "document"]
)
def test_a_row_that_is_gone_is_named_in_every_table(folder: Path, table: str) -> None:
    """The outbox is a queue: only there a row may be gone."""
    _, what, where = TABLES[table]
    damage(folder, f"DELETE FROM {table} WHERE {where}")
    assert any(
        p.startswith(what) or (table == "document" and p.startswith("journal row 1 ("))
        for p in verdict(folder).problems
    )


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("INSERT INTO outbox VALUES (999, '1.1', 1, 'part.committed', x'00')", "outbox row 1.1: the journal knows no such"),
        (("INSERT INTO orders SELECT '', source, 'x', channel, placed_at, person_id, zip, state, country, lines, units,"
         " value_minor, currency, deliver_by, status FROM orders LIMIT 1"), "order : the journal knows no such row"),
        ("INSERT INTO command VALUES ('forged', x'', 1, x'')", "command forged: the journal knows no such row"),
        ("INSERT INTO command VALUES ('request/forged', x'', 9999, x'')", "command request/forged"),
        ("INSERT INTO exception SELECT 999, seq, at, kind, subject, detail FROM exception LIMIT 1", "exception *: its row is there twice"),
        ("INSERT INTO stock VALUES ('NOWHERE', 'MUG', 4, 0)", "stock row ('NOWHERE', 'MUG', 4): the journal knows no such"),
    ],
)  # fmt: skip
def test_a_row_that_was_added_is_named(folder: Path, sql: str, told: str) -> None:
    """In every table, also under an empty key and with nothing in it."""
    damage(folder, sql)
    problems = verdict(folder).problems
    assert any(fnmatch(problem, f"{told}*") for problem in problems), problems


def test_rows_that_were_handed_over_are_not_missed(folder: Path) -> None:
    """The outbox is a queue."""
    db = apsw.Connection(str(folder / DB_NAME))
    db.execute("DELETE FROM outbox")
    db.close()
    assert verdict(folder).problems == []


def test_people_of_orders_are_there_until_an_event_erased_them(tmp_path: Path) -> None:
    """A row that is gone without an event is missing; one that an event erased is not, and must not be there."""
    run = Run(shard=sqlite(tmp_path))
    run.stock(OWN, MUG=9)
    for name in ("a", "b", "c"):
        placed = placing(order(name, ("MUG", 1)))
        person = Person(ref=name, name=name)
        run.shard.submit([Submission(placed.key, placed.command, b"", person, "test")])
    run.submit(Submission("erase/P1", cmd.ErasePerson("P1", MONDAY)))
    run.submit(Submission("erase/P2", cmd.ErasePerson("P2", MONDAY)))
    run.shard.people.erase(["P1"])
    run.shard.store.close()
    damage(tmp_path, "DELETE FROM person WHERE person_id = 'P3'")
    missing, left = verdict(tmp_path).problems
    assert missing == "person P3: its row is missing; order test:c names it, no event erased it"
    assert left.startswith("person P2: the table has its row, the journal says erased in journal row ")


@pytest.mark.parametrize("left", [1, 3, 12])
def test_a_journal_that_lost_its_end_is_not_sound_and_not_written_to(folder: Path, left: int) -> None:
    """What is left fits together: only the store and the tables know that there was more."""
    db = apsw.Connection(str(folder / DB_NAME))
    db.execute("DELETE FROM journal WHERE seq > ?", (left,))
    db.close()
    problems = verdict(folder).problems
    assert any(fnmatch(p, f"the journal was left at row * and now ends at row {left}: *") for p in problems), problems
    assert len(problems) <= SHOWN + 1
    with pytest.raises(DamageError, match=f"now ends at row {left}"):
        sqlite(folder)
    store = SqliteStore.open(folder, create=False, read_only=True)
    with pytest.raises(DamageError, match=f"the journal ends at row {left}, the run was left at row"):
        Shard(store, People(store, Vault(b"k" * 32)), RecordedIds())
    store.close()


def test_an_end_that_was_exchanged_is_not_written_to(folder: Path) -> None:
    """The chain value that the run was left with is another one."""
    damage(folder, "UPDATE meta SET chain = zeroblob(16)")
    assert any("another chain value" in problem for problem in verdict(folder).problems)
    with pytest.raises(DamageError, match="another chain value"):
        sqlite(folder)


def test_a_store_that_does_not_know_its_end_is_not_sound(folder: Path) -> None:
    """Without it a journal that was cut off cannot be told from a whole one."""
    damage(folder, "DELETE FROM meta")
    assert any(problem.startswith("meta has 0 rows") for problem in verdict(folder).problems)
    with pytest.raises(DamageError):
        sqlite(folder)


def test_many_problems_are_counted_and_every_kind_is_shown() -> None:
    """Twenty lines, the first of each kind among them."""
    kinds = [Found(f"a{i}" for i in range(1000)), Found(), Found(["b0"]), Found(f"c{i}" for i in range(30))]
    lines = listed(kinds)
    assert len(lines) == SHOWN + 1 and {"a0", "b0", "c0"} <= set(lines)
    assert lines[-1] == "and 1,011 more problems"
    assert listed([Found(["x"])]) == ["x"]


def test_a_document_that_is_gone_or_changed_is_named(folder: Path) -> None:
    """Without the network document no event means anything."""
    damage(folder, "UPDATE document SET body = CAST(replace(CAST(body AS TEXT), 'AMZ-1', 'OWN-9') AS BLOB)")
    problems = verdict(folder).problems
    assert problems and "document" in problems[0]


# -- deciding again ------------------------------------------------------------------------------------------------------


def test_a_changed_decision_is_caught(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that would ship elsewhere today says so, and names the command; a plain rebuild does not mind."""
    route = engine_decide.route

    def otherwise(ask, facts, now):  # type: ignore[no-untyped-def]
        decision = route(ask, facts, now)
        return msgspec.structs.replace(
            decision, why=msgspec.structs.replace(decision.why, priced=decision.why.priced + 1)
        )

    monkeypatch.setattr(engine_decide, "route", otherwise)
    assert verdict(folder).problems == []
    (problem,) = verdict(folder, decide=True).problems
    assert problem.startswith("command order/test/shipped (journal row ")
    assert "decides otherwise now" in problem


@pytest.mark.parametrize("stop", ["evolve", "decide"])
def test_a_decision_that_cannot_be_taken_any_more_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    """An engine that breaks on an old command reports it, instead of breaking."""
    if stop == "decide":

        def broken(ask, facts, now):  # type: ignore[no-untyped-def]
            raise KeyError("a card that is gone")

        monkeypatch.setattr(engine_decide, "route", broken)
    else:
        take = engine_decide.take_back

        def twice(state, command):  # type: ignore[no-untyped-def]
            for event in take(state, command):
                yield event
                if isinstance(event, ev.PartVoided):
                    yield event

        monkeypatch.setattr(engine_decide, "take_back", twice)
    (problem,) = verdict(folder, decide=True).problems
    assert problem.startswith("command ")


def test_a_void_that_is_forgotten_in_the_state_is_found_by_its_invariants(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An `evolve` that loses units is told by ledger and reservations, whatever the tables say."""
    from tranship.engine import evolve

    monkeypatch.setitem(evolve._HANDLERS, ev.PartVoided, lambda state, event: None)
    assert any("reserved units differ" in problem or "stock row" in problem for problem in verdict(folder).problems)


def test_progress_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long journal says how far it is."""
    store = SqliteStore.open(folder, create=False, read_only=True)
    try:
        seen: list[int] = []
        verify(store, progress=seen.append)
        assert seen == [] or seen == sorted(seen)
    finally:
        store.close()


def test_a_group_of_events_that_no_command_begins_with_is_damage(tmp_path: Path) -> None:
    """The first event of a command carries all of it; a shipment begins none."""
    run = told(tmp_path)
    with pytest.raises(DamageError, match="no command begins with shipped"):
        verify_module.command_of(run.shard.store, run.state, [ev.PartsShipped(0, (), MONDAY)])
    run.shard.store.close()


def test_a_person_erased_after_a_hand_over_leaves_a_sound_run(tmp_path: Path) -> None:
    """Their sealed bytes are overwritten with the key; the journal, the dispatches and their books stay."""
    from tests.fixtures.make import told_networks

    run = told_networks(tmp_path / "run")
    at = run.state.last_at
    (answer,) = run.submit([Submission("erase/P1", cmd.ErasePerson("P1", at))])
    assert answer.error is None
    run.people.erase(["P1"])
    run.store.close()
    assert verdict(tmp_path / "run", decide=True).problems == []


def test_a_changed_audit_is_not_sound(folder: Path) -> None:
    """The audit's chain is computed anew; the first bad row is named, and rows missing at its end are."""
    store = SqliteStore.open(folder, create=False)
    drafts = [AuditDraft(1, "engine", "create", "AMZ", "create", "f" * 64, f"TR-{k}", "", [], "sent") for k in range(5)]
    store.commit(port.Batch(audits=Chain(store.last_audit()).rows(drafts)))
    store.close()
    assert verdict(folder).problems == []
    assert any("audit: 5 rows" in check for check in verdict(folder).checks)
    damage(folder, "DELETE FROM audit WHERE seq = 5")
    assert any("it was left at row 5" in problem for problem in verdict(folder).problems)
    damage(folder, "UPDATE audit SET verdict = 'refused' WHERE seq = 3")
    assert any("audit row 3 was changed" in problem for problem in verdict(folder).problems)
