import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from tests.engine.worlds import DAY, MONDAY, Run, cap, network, order, placing, receiving
from tests.store import rows
from tests.store.contract import StoreContract
from tests.store.servers import Server
from tranship.core.errors import DamageError, InputError, InvariantError, UnavailableError
from tranship.core.order import Person
from tranship.engine import commands as cmd
from tranship.engine.explain import explain
from tranship.engine.lookup import find_order
from tranship.engine.run import open_shard, open_store
from tranship.engine.shard import Shard, Submission
from tranship.engine.verify import verify
from tranship.store import connect as sqlite_connect
from tranship.store.backup import backup, restore
from tranship.store.check import integrity
from tranship.store.location import Database
from tranship.store.people import People, Vault
from tranship.store.port import Batch, Store
from tranship.store.postgres import connect, make
from tranship.store.postgres.store import PostgresStore
from tranship.store.sqlite import SqliteStore


@pytest.fixture
def empty(place: Database) -> Iterator[PostgresStore]:
    """A new shard in which nothing was committed yet."""
    with PostgresStore.open(place, create=True, party="demo") as store:
        yield store


@pytest.fixture
def store(empty: PostgresStore) -> PostgresStore:
    """A new shard with opening balances."""
    empty.commit(rows.opening(1_000_000))
    return empty


class TestPostgresStore(StoreContract):
    """PostgreSQL keeps the contract of all stores."""


def test_it_is_the_port(store: PostgresStore) -> None:
    """The type checker and this line agree that PostgresStore is a Store."""
    port: Store = store
    assert port.last_seq()[0] == 1


def test_both_databases_have_the_same_tables(store: PostgresStore, tmp_path: Path) -> None:
    """Table by table the same columns in the same order; only `meta` has more here."""
    with SqliteStore.open(tmp_path, create=True) as other:
        sql = (
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
            " ORDER BY m.name, c.cid"
        )
        here = store.query(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = ?"
            ' ORDER BY table_name COLLATE "C", ordinal_position',
            (connect.schema_of(store.place),),
        )
        lease = {("meta", name) for name in ("version", "batch", "owner", "session", "beat", "lease_ms")}
        assert [row for row in here if row not in lease] == other.query(sql)
        assert {table for table, _ in here} == {*rows.TABLES, "meta"}


def test_shards_of_one_database_know_nothing_of_each_other(store: PostgresStore, server: Server) -> None:
    """The same keys, orders and stock in another shard are other ones; both have a writer at once."""
    with PostgresStore.open(server.place(f"{store.place.shard}b"), create=True) as other:
        other.commit(rows.opening(5))
        store.commit(rows.orders(0, 1, seq=1))
        assert other.last_seq()[0] == 1 and other.query("SELECT count(*) FROM orders") == [(0,)]


def told(shard: Shard) -> Shard:
    """A small story: orders, a short shelf, a cancellation, people, time that passes."""
    run = Run(network(caps=cap()), shard=shard)
    run.submit(receiving(run.document, "first", 1, MUG=6))
    for number in range(5):
        person = Person(ref=f"R{number % 2}", name="Ada")
        run.shard.submit(
            [structs.replace(placing(order(number, ("MUG", 1 + number % 2))), person=person, person_source="test")]
        )
    run.submit(Submission("cancel", cmd.TakeBack("test:1", "1", 1, "C", MONDAY)))
    run.submit(receiving(run.document, "more", 1, MONDAY, MUG=1))
    run.submit(Submission("tick", cmd.Tick(MONDAY + DAY)))
    return run.shard


def extra(store: Store, number: int) -> Batch:
    """Rows of every table but stock, of which the store has none of these."""
    batch = rows.every_table(number, seq=store.last_seq()[0], audits=store.last_audit()[0])
    batch.stock.clear()
    return batch


def test_the_same_commands_give_the_same_state_on_both_databases(
    server: Server, place: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journal, state hash and every answer about an order are the same; both verify; one goes on where it was left."""
    monkeypatch.setenv("TRANSHIP_KEY_FILE", str(tmp_path / "a.key"))
    addresses = [tmp_path / "run", Path(server.address(place.shard))]
    shards = [told(open_shard(address, create=True)) for address in addresses]
    assert shards[0].hash() == shards[1].hash() and shards[0].chain == shards[1].chain
    assert list(shards[0].store.journal()) == list(shards[1].store.journal())
    names = [name for name in rows.TABLES if name not in {"person", "payload", "address"}]
    one, two = ({name: rows.content(shard.store)[name] for name in names} for shard in shards)
    assert one == two
    for shard in shards:
        shard.store.close()
    for address in addresses:
        reader = open_store(address, read_only=True)
        assert verify(reader, decide=True).problems == []
        assert explain(reader, "test:0").order == "test:0"
        assert find_order(reader, "test:0").order == "test:0"
        reader.close()
        again = open_shard(address)
        assert again.hash() == shards[0].hash()
        again.store.close()


def test_a_shard_is_backed_up_as_a_folder_and_restored_as_either(
    server: Server, place: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of a shard is a run on SQLite; from it comes a folder, or a shard in any database, row for row the same."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    address = Path(server.address(place.shard))
    shard = told(open_shard(address, create=True))
    shard.store.commit(extra(shard.store, 100))
    shard.store.sent([shard.store.unsent(1)[0].id])
    want = rows.content(shard.store)
    manifest = backup(address, tmp_path / "saved", with_key=True)
    assert (place.key_path.stat().st_mode & 0o777, manifest.seq) == (0o600, shard.store.last_seq()[0])
    shard.store.close()
    restore(tmp_path / "saved", tmp_path / "folder")
    second = server.place(f"{place.shard}b")
    restore(tmp_path / "saved", Path(server.address(second.shard)))
    assert second.key_path.read_bytes() == place.key_path.read_bytes()
    with SqliteStore.open(tmp_path / "folder", create=False) as one, PostgresStore.open(second, create=False) as two:
        for copy in (one, two):
            assert rows.content(copy) == want
            copy.commit(extra(copy, 200))
            assert People.open(copy, Path(server.address(second.shard)), create=False).read("P1") is not None
    with pytest.raises(InputError, match="holds something"):
        restore(tmp_path / "saved", Path(server.address(second.shard)))


def test_an_erasure_leaves_no_key_in_the_tables_files(store: PostgresStore, server: Server) -> None:
    """After an erasure no file of the database's tables holds the person's wrapped key, blind index or tokens (its log may)."""
    vault = Vault(b"e" * 32)
    people = [vault.seal(f"P{k}", "uci", Person(ref=str(k), name=f"Name {k}")) for k in range(60)]
    tokens = [rows.token(50_000 + k, 0, f"P{k}")._replace(blind=vault.blind("token", f"{k}")[:16]) for k in range(60)]
    store.commit(Batch(people=people, tokens=tokens, masking_keys=[rows.masking_key(50_000 + k) for k in range(60)]))
    pieces = [row.wrapped_key[16:32] for row in people] + [row.blind[:16] for row in people]
    pieces += [row.blind for row in tokens] + [row.token.encode() for row in tokens]

    def found() -> set[int]:
        server.ask("CHECKPOINT")
        held = b"".join(path.read_bytes() for path in (server.data / "base").rglob("*") if path.is_file())
        return {k for k, piece in enumerate(pieces) if piece in held}

    assert found() == set(range(240))
    assert store.erase_many([f"P{k}" for k in range(20)]) == 20
    assert found() == {k for k in range(240) if k % 60 >= 20}
    assert integrity(store) == []


def test_an_erasure_waits_for_older_readers(store: PostgresStore) -> None:
    """A reader whose moment is before the erasure keeps the rows alive: said so, marked, and finished by the next call."""
    store.commit(Batch(people=[Vault(b"m" * 32).seal("P1", "uci", Person(ref="1"))]))
    with store.snapshot() as moment:
        assert moment.query("SELECT count(*) FROM person") == [(1,)]
        with pytest.raises(UnavailableError, match="someone is reading"):
            store.erase("P1")
    assert any("an erasure is unfinished" in problem for problem in integrity(store))
    assert store.person("P1") is None and store.erase("P1") is False
    assert integrity(store) == []


def test_a_snapshot_stands_still(store: PostgresStore) -> None:
    """Several questions inside one snapshot are answered as of one moment."""
    with store.snapshot() as snapshot:
        store.commit(rows.orders(0, 5, seq=1))
        assert snapshot.query("SELECT count(*) FROM orders") == [(0,)]
        assert [row.seq for row in snapshot.journal()] == [1]
    assert store.query("SELECT count(*) FROM orders") == [(5,)]


def test_no_shard_is_told_from_a_newer_one(place: Database, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absent shard, one of a newer program and one of an older one have words of their own."""
    for read_only in (False, True):
        with pytest.raises(InputError, match="no run here"):
            PostgresStore.open(place, create=False, read_only=read_only)
    PostgresStore.open(place, create=True).close()
    scripts = connect.migrations()
    for module in (connect, make):
        monkeypatch.setattr(module, "migrations", lambda: [*scripts, "CREATE TABLE fresh (x bigint)"])
    with pytest.raises(InputError, match="older version"):
        PostgresStore.open(place, create=False, read_only=True)
    with PostgresStore.open(place, create=False) as store:
        assert store.query("SELECT count(*) FROM fresh") == [(0,)]
    monkeypatch.undo()
    for read_only in (False, True):
        with pytest.raises(
            InputError, match=f"version {len(scripts) + 1}, this program knows versions up to {len(scripts)}"
        ):
            PostgresStore.open(place, create=True, read_only=read_only)


@pytest.mark.parametrize(
    "damage", ["DELETE FROM journal WHERE seq >= 10", "UPDATE journal SET chain = '' WHERE seq = 11"]
)
def test_a_journal_that_does_not_end_where_it_was_left_is_not_written(
    store: PostgresStore, server: Server, damage: str
) -> None:
    """Rows that went missing at the journal's end are noticed before anything is written to it."""
    store.commit(rows.orders(0, 5, seq=1))
    store.close()
    server.ask(f"SET search_path = tranship_{store.place.shard}; {damage}")
    with pytest.raises(DamageError, match="the journal was left at row 11"):
        PostgresStore.open(store.place, create=False)
    with PostgresStore.open(store.place, create=False, read_only=True) as reader:
        assert any("row 11" in problem for problem in integrity(reader))


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    """The error names the database, never what opens it."""
    address = f"postgresql://ada:hush@/orders?host={tmp_path}&shard=acme"
    with pytest.raises(UnavailableError, match=r"postgresql:///orders\?shard=acme") as told:
        open_store(Path(address))
    assert "hush" not in str(told.value) and "hush" not in repr(told.value)


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed it reads what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"tranship\[postgres\]"):
        open_store(Path("postgresql://db/orders"))


def test_texts_survive_their_way(store: PostgresStore) -> None:
    """Quotes, backslashes, braces, commas, line ends and other scripts come back as they went; NUL is refused in words."""
    texts = ['"', "\\", '\\"', "{a,b}", "NULL", "", "a\nb\r", "ключ", "%s ?", "'"]
    batch = rows.orders(0, len(texts), seq=1)
    batch.orders = [row._replace(channel=text) for row, text in zip(batch.orders, texts, strict=True)]
    store.commit(batch)
    assert store.query("SELECT channel FROM orders ORDER BY order_id") == [(text,) for text in texts]
    assert store.query("SELECT count(*) FROM orders WHERE channel = ?", ("'",)) == [(1,)]
    assert store.query("SELECT '?', ? || '%'", ("x",)) == [("?", "x%")]
    bad = rows.orders(20, 1, seq=store.last_seq()[0])
    bad.orders[0] = bad.orders[0]._replace(channel="a\0b")
    with pytest.raises(InvariantError, match=r"orders\.channel.*NUL"):
        store.commit(bad)


def test_sums_are_whole_numbers(store: PostgresStore) -> None:
    """What SQLite adds up to a whole number is one here too."""
    (found,) = store.query("SELECT sum(qty), max(qty), count(*), avg(qty) FROM stock WHERE bucket = 4")[0:1]
    assert [type(value) for value in found[:3]] == [int, int, int]
    assert sqlite_connect.DB_NAME not in store.where
