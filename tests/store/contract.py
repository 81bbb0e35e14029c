"""What every store must do, whatever database is behind it.

A store's test module subclasses `PortContract` (the port alone) or `StoreContract` (and the tables behind it) with its fixtures.
"""

import threading

import pytest

from tests.store import rows
from tranship.core.errors import ConflictError, DamageError, InvariantError
from tranship.core.ledger import Bucket
from tranship.core.order import Person
from tranship.store.people import Vault
from tranship.store.port import (
    AddressRow,
    Batch,
    HouseholdRow,
    JournalRow,
    KeyRow,
    OutboxRow,
    ParkedRow,
    PayloadRow,
    PersonRow,
    SkuAliasRow,
    Store,
)

SHELF = int(Bucket.FULFILLABLE)


def quantity(store: Store, node: str, sku: str, bucket: int = SHELF) -> int:
    """Units in one account, as the database has them."""
    found = store.query("SELECT qty FROM stock WHERE node = ? AND sku = ? AND bucket = ?", (node, sku, bucket))
    return int(str(found[0][0])) if found else 0


class PortContract:
    """Tests over fixtures `empty`, a new store, and `store`, one with `rows.opening(1_000_000)` committed."""

    def test_a_new_journal_is_empty(self, empty: Store) -> None:
        """Before the first commit there is no row, no key and no outbox."""
        assert empty.last_seq() == (0, b"")
        assert list(empty.journal()) == []
        assert empty.find_key("open") is None and empty.unsent(10) == []

    def test_the_journal_reads_back_in_order(self, store: Store) -> None:
        """Rows come back as they were written, from any point on, across many pages."""
        written: list[JournalRow] = []
        for number in range(0, 3_000, 500):
            batch = rows.orders(number, 500, seq=store.last_seq()[0])
            written += batch.journal
            store.commit(batch)
        assert list(store.journal(after=1)) == written
        assert list(store.journal(after=6_000)) == written[-1:]
        assert store.last_seq() == (6_001, b"chain-6001")

    def test_the_journal_can_be_written_while_it_is_read(self, store: Store) -> None:
        """A reader in the middle of the journal stops no commit, and sees what came meanwhile."""
        reader = store.journal()
        assert next(reader).seq == 1
        store.commit(rows.orders(0, 10, seq=1))
        assert [row.seq for row in reader] == list(range(2, 22))

    def test_keys_are_found_with_their_first_answer(self, store: Store) -> None:
        """A repeated command gets the answer of the first one."""
        store.commit(rows.orders(0, 3, seq=1))
        assert store.find_key("test:1") == KeyRow("test:1", b"f" * 16, 5, b"r" * 60)
        assert set(store.find_keys(["test:0", "nothing", "test:2", "open"])) == {"test:0", "test:2", "open"}
        assert store.find_keys([]) == {}

    def test_an_order_is_taken_once(self, store: Store) -> None:
        """The same number of the same source is refused even under another key."""
        store.commit(rows.orders(0, 2, seq=1))
        again = rows.orders(9, 1, seq=5)
        again.orders[0] = again.orders[0]._replace(number="1")
        with pytest.raises(ConflictError, match="number"):
            store.commit(again)

    @pytest.mark.parametrize("seqs", [(3, 4), (2, 4), (2, 2), (3, 2), (1, 2), (0, 1)])
    def test_the_journal_has_no_gaps(self, store: Store, seqs: tuple[int, ...]) -> None:
        """Rows that do not follow the newest one, one by one, are refused."""
        batch = Batch(journal=[JournalRow(seq, "k", n, "placed", 0, b"", b"") for n, seq in enumerate(seqs)])
        with pytest.raises(InvariantError, match="without a gap"):
            store.commit(batch)
        assert store.last_seq() == (1, b"chain-1")

    def test_a_shelf_that_never_was_cannot_give(self, store: Store) -> None:
        """Taking from an account without a row is refused like taking from an empty one."""
        with pytest.raises(InvariantError, match="PICKED of SKU0 at N0 holds 0"):
            store.commit(Batch(stock={("N0", "SKU0", int(Bucket.PICKED)): -1}))

    def test_wrong_types_are_refused(self, store: Store) -> None:
        """A text where a number belongs never reaches the disk."""
        batch = rows.orders(0, 1, seq=1)
        batch.lines[0] = batch.lines[0]._replace(qty="two")  # type: ignore[arg-type]
        with pytest.raises(InvariantError, match="qty"):
            store.commit(batch)

    def test_the_outbox_is_a_queue(self, store: Store) -> None:
        """Oldest first, each until it is marked as sent; marking twice is fine."""
        store.commit(rows.orders(0, 12, seq=1))
        first = [row.id for row in store.unsent(5)]
        assert first == [f"{3 + 2 * k}-0" for k in range(5)]
        store.sent(first)
        store.sent([*first, "unknown"])
        assert [row.seq for row in store.unsent(100)] == [13 + 2 * k for k in range(7)]
        with pytest.raises(InvariantError):
            store.commit(Batch(outbox=[OutboxRow("13-0", 13, "dispatch", b"")]))

    def test_people_are_found_by_their_blind_index(self, store: Store) -> None:
        """A known customer is found without any name in the database; a guest is not."""
        vault = Vault(b"m" * 32)
        known = vault.seal("P1", "uci", Person(ref="17850", name="Ada"))
        guests = [vault.seal(f"G{k}", "uci", Person(name="Guest")) for k in range(2)]
        store.commit(Batch(people=[known, *guests]))
        assert store.find_person(vault.blind("uci", "17850")) == "P1"
        assert store.find_person(vault.blind("uci", "1785")) is None and store.find_person(b"") is None
        assert store.person("P1") == known and store.person("nobody") is None

    def test_a_person_changes_under_the_same_key_only(self, store: Store) -> None:
        """New data replaces old data; a new key for a known person is refused, since the old one could outlive an erasure."""
        vault = Vault(b"m" * 32)
        row = vault.seal("P1", "uci", Person(ref="17850", name="Ada"))
        store.commit(Batch(people=[row]))
        moved = vault.reseal(row, Person(ref="17850", name="Ada", street="2 New Road"))
        store.commit(Batch(people=[moved]))
        assert store.person("P1") == moved
        with pytest.raises(InvariantError, match="another key"):
            store.commit(Batch(people=[vault.seal("P1", "uci", Person(ref="17850", name="Eve"))]))
        with pytest.raises(InvariantError):
            store.commit(Batch(people=[vault.seal("P2", "uci", Person(ref="17850"))]))
        assert store.person("P1") == moved

    def test_a_key_file_is_remembered(self, store: Store) -> None:
        """The store knows which key sealed its people and refuses another."""
        assert store.key_id() == b""
        store.bind_key(b"12345678")
        store.bind_key(b"12345678")
        assert store.key_id() == b"12345678"
        with pytest.raises(Exception, match="3132333435363738"):
            store.bind_key(b"87654321")

    def test_the_bytes_of_a_dispatch_are_written_once(self, store: Store) -> None:
        """A retry finds the very bytes of the first try; other bytes under the same id are refused."""
        row = PayloadRow("TR-1", "P1", bytes(range(256)) * 40)
        store.commit(Batch(payloads=[row, PayloadRow("TR-2", "", b"")]))
        assert store.payload("TR-1") == row and store.payload("TR-2") == PayloadRow("TR-2", "", b"")
        assert store.payload("TR-3") is None
        with pytest.raises(InvariantError):
            store.commit(Batch(payloads=[row._replace(sealed=b"other")]))
        assert store.payload("TR-1") == row

    def test_an_orders_own_address_may_change(self, store: Store) -> None:
        """The newest one counts, under the same person's key only; an order without one has none."""
        store.commit(Batch(addresses=[AddressRow("O1", "P1", b"first")]))
        store.commit(Batch(addresses=[AddressRow("O1", "P1", b"second"), AddressRow("O1", "P1", b"third")]))
        assert store.address("O1") == AddressRow("O1", "P1", b"third") and store.address("O2") is None
        with pytest.raises(InvariantError, match="another person"):
            store.commit(Batch(addresses=[AddressRow("O1", "P2", b"fourth")]))
        assert store.address("O1") == AddressRow("O1", "P1", b"third")

    def test_an_erasure_takes_what_was_sealed_for_the_person(self, store: Store) -> None:
        """Bytes and addresses of that person go with the key; those of others, and nobody's, stay."""
        vault = Vault(b"m" * 32)
        people = [vault.seal(f"P{k}", "uci", Person(ref=str(k))) for k in range(3)]
        payloads = [PayloadRow(f"TR-{k}", f"P{k % 3}" if k < 6 else "", b"sealed %d" % k) for k in range(7)]
        addresses = [AddressRow(f"O{k}", f"P{k % 3}" if k < 6 else "", b"sealed %d" % k) for k in range(7)]
        store.commit(Batch(people=people, payloads=payloads, addresses=addresses))
        assert store.erase_many(["P1", "", "nobody"]) == 1
        assert [store.payload(row.remote_id) for row in payloads] == [
            None if row.person_id == "P1" else row for row in payloads
        ]
        assert [store.address(row.order_id) for row in addresses] == [
            None if row.person_id == "P1" else row for row in addresses
        ]
        assert store.erase("P1") is False

    def test_a_household_is_found_by_its_address_until_the_last_of_it_is_erased(self, store: Store) -> None:
        """Everybody at the address in the order they came; the erased are gone from it, also where they were no person's row any more."""
        home, other = b"h" * 32, b"o" * 32
        people = [Vault(b"m" * 32).seal(f"P{k}", "uci", Person(ref=str(k))) for k in range(3)]
        written = [HouseholdRow("HH1", "P0", home), HouseholdRow("HH1", "P1", home), HouseholdRow("HH2", "P2", other)]
        store.commit(Batch(people=people, households=written))
        assert list(store.households(home)) == written[:2] and list(store.households(other)) == written[2:]
        assert list(store.households(b"none")) == []
        store.erase("P0")
        assert list(store.households(home)) == written[1:2]
        store.erase_many(["P1", ""])
        assert list(store.households(home)) == [] and list(store.households(other)) == written[2:]

    def test_a_token_is_found_by_name_scope_and_blind_index(self, store: Store) -> None:
        """What was written comes back; another network's, another kind's and another scope's are not found."""
        given = [rows.token(7, k) for k in range(3)] + [rows.token(8, 0)]
        store.commit(Batch(masking_keys=[rows.masking_key(7), rows.masking_key(8)], tokens=given))
        scope = given[0].scope
        assert [store.token("mcf", row.token) for row in given] == given
        assert store.token("other", given[0].token) is None and store.token("mcf", "TNXXXX") is None
        assert list(store.tokens_of("mcf", scope)) == given[:3] and list(store.tokens_of("other", scope)) == []
        assert store.find_token("mcf", "name", scope, given[1].blind) == given[1]
        for network, kind, place in (("other", "name", scope), ("mcf", "sku", scope), ("mcf", "name", "elsewhere")):
            assert store.find_token(network, kind, place, given[1].blind) is None
        pages = [store.tokens(0, 3), store.tokens(store.tokens(0, 3)[-1][0], 3)]
        assert [row for page in pages for _, row in page] == given
        assert list(store.masking_keys()) == [rows.masking_key(7), rows.masking_key(8)]

    def test_a_token_stands_for_one_thing(self, store: Store) -> None:
        """The same row twice is written once; a token with another value, or a value with another token, refuses the batch."""
        row = rows.token(7, 0)
        store.commit(Batch(tokens=[row, row]))
        store.commit(Batch(tokens=[row]))
        for bad in (
            row._replace(sealed=b"other"),
            row._replace(blind=b"B" * 16),
            rows.token(7, 1)._replace(blind=row.blind),
        ):
            with pytest.raises(InvariantError):
                store.commit(Batch(tokens=[rows.token(9, 0), bad]))
        assert [found for _, found in store.tokens(0, 9)] == [row]

    def test_tokens_get_an_end_and_lose_their_value(self, store: Store) -> None:
        """An end is set for a network and scope; a value that is over is gone, and its blind index free for another token."""
        first, second, third = rows.token(7, 0), rows.token(7, 1), rows.token(8, 0)
        store.commit(Batch(tokens=[first, second, third]))
        store.commit(Batch(token_expiry=[(50, "mcf", first.scope), (60, "other", third.scope), (70, "mcf", "nothing")]))
        ends = [row.expires_at for _, row in store.tokens(0, 9)]
        assert ends == [50, 50, third.expires_at]
        store.commit(
            Batch(token_expiry=[(80, "mcf", third.token), (90, "other", second.token)])
        )  # an order's own token is its scope
        assert [row.expires_at for _, row in store.tokens(0, 9)] == [50, 50, 80]
        store.commit(Batch(tokens_over=[("mcf", first.token), ("mcf", "nothing"), ("other", third.token)]))
        over = store.token("mcf", first.token)
        assert over is not None and over.state == "over" and not any(over.sealed) and not any(over.blind)
        assert store.find_token("mcf", "name", first.scope, first.blind) is None
        store.commit(Batch(tokens=[rows.token(7, 2)._replace(blind=first.blind)]))
        store.commit(Batch(resealed=[(b"x" * 16, b"y", rows.key_id(9), "mcf", first.token, first.key_id)]))
        assert store.token("mcf", first.token) == over

    def test_a_token_is_sealed_anew_under_the_key_it_had(self, store: Store) -> None:
        """Blind index, value and key change together; where the row is not as it was read, nothing does."""
        row = rows.token(7, 0)
        store.commit(Batch(tokens=[row]))
        fresh = (b"n" * 16, b"z" * 80, rows.key_id(9))
        store.commit(
            Batch(resealed=[(*fresh, "mcf", row.token, rows.key_id(1)), (*fresh, "other", row.token, row.key_id)])
        )
        assert store.token("mcf", row.token) == row
        store.commit(Batch(resealed=[(*fresh, "mcf", row.token, row.key_id)]))
        assert store.token("mcf", row.token) == row._replace(blind=fresh[0], sealed=fresh[1], key_id=fresh[2])
        assert store.find_token("mcf", "name", row.scope, fresh[0]) is not None

    def test_masking_keys_change_their_wrapping_and_state_alone(self, store: Store) -> None:
        """A key is wrapped anew or turned to reading, never given to another network; a destroyed one stays so."""
        key = rows.masking_key(7)
        store.commit(Batch(masking_keys=[key, rows.masking_key(8)]))
        store.commit(Batch(masking_keys=[key._replace(wrapped=b"anew" * 15, kek_id="env:1", state="read")]))
        assert store.masking_keys()[0][4:] == (b"anew" * 15, "env:1", key.created_at, "read")
        with pytest.raises(InvariantError, match="masking key"):
            store.commit(Batch(masking_keys=[key._replace(network="other")]))
        assert store.destroy_keys([key.key_id, "nothing"]) == 1 and store.destroy_keys([key.key_id]) == 0
        assert store.destroy_keys([]) == 0
        gone, stays = store.masking_keys()
        assert gone.state == "destroyed" and not any(gone.wrapped) and stays == rows.masking_key(8)
        with pytest.raises(InvariantError, match="masking key"):
            store.commit(Batch(masking_keys=[key]))

    def test_the_audit_has_no_gaps(self, store: Store) -> None:
        """Rows follow the newest one, one by one; they come back as they were written, and the end is known apart from them."""
        assert store.last_audit() == (0, b"") and list(store.audit()) == []
        given = [rows.audit(k, "O1") for k in range(1, 8)]
        store.commit(Batch(audits=given[:3]))
        store.commit(Batch(audits=given[3:]))
        assert list(store.audit()) == given and list(store.audit(after=5)) == given[5:]
        assert store.last_audit() == (7, given[-1].chain)
        for bad in ([9], [7], [8, 10], [8, 8], [1]):
            with pytest.raises(InvariantError, match="audit"):
                store.commit(Batch(audits=[rows.audit(k, "O1") for k in bad]))
        assert store.last_audit() == (7, given[-1].chain)

    def test_an_erasure_takes_a_persons_tokens(self, store: Store) -> None:
        """Their tokens are unknown afterwards, others' and nobody's stay; the audit keeps its rows as they are."""
        vault = Vault(b"m" * 32)
        given = [rows.token(7, k, f"P{k % 3}" if k < 6 else "") for k in range(8)]
        audits = [rows.audit(k, "O1") for k in (1, 2)]
        people = [vault.seal(f"P{k}", "uci", Person(ref=str(k))) for k in range(3)]
        store.commit(Batch(people=people, tokens=given, masking_keys=[rows.masking_key(7)], audits=audits))
        assert store.erase_many(["P1", "", "nobody"]) == 1
        left = [row for row in given if row.person_id != "P1"]
        assert [store.token("mcf", row.token) for row in given] == [row if row in left else None for row in given]
        assert list(store.tokens_of("mcf", given[0].scope)) == left and [row for _, row in store.tokens(0, 99)] == left
        assert store.find_token("mcf", "name", given[1].scope, given[1].blind) is None
        assert list(store.audit()) == audits
        store.commit(Batch(tokens=[rows.token(7, 1)]))  # the name and the value are free again

    def test_the_store_knows_that_it_is_the_writers(self, store: Store) -> None:
        """Who opened it for writing holds it under a number of its own until another one takes over."""
        assert store.epoch > 0 and store.still_mine()


class StoreContract(PortContract):
    """What only a store with tables can show."""

    def test_a_commit_is_there_in_full(self, store: Store) -> None:
        """What a batch holds is what the tables hold, row for row."""
        batch = rows.every_table(7, seq=1)
        store.commit(batch)
        found = rows.content(store)
        assert found["journal"][1:] == [tuple(row) for row in batch.journal]
        assert sorted(found["command"])[1:] == sorted(tuple(row) for row in batch.keys)
        assert found["order_line"] == [tuple(row) for row in batch.lines]
        moved = {order_id: to for *to, order_id in batch.order_to}
        orders = [
            row._replace(**dict(zip(("zip", "state", "country"), moved.get(row.order_id, row[6:9]), strict=True)))
            for row in batch.orders
        ]
        assert [row[:-1] for row in found["orders"]] == [tuple(row[:-1]) for row in orders]
        assert [row[-1] for row in found["orders"]] == ["shipped", "placed", "placed"]
        assert found["part"][0][8:] == (1, 8_450_000, "shipped", b"\x91\x92\x00\x01")
        assert [(row[0], row[5], row[6]) for row in found["parked"]] == [(batch.parked[0].park_id, 1, b"\x90")]
        assert [row[1:] for row in found["exception"]] == [tuple(row) for row in batch.exceptions]
        assert store.unsent(10) == batch.outbox
        assert store.document(batch.documents[0].sha256) == batch.documents[0].body

    def test_an_alias_goes_through_its_steps_and_never_to_another_article(self, store: Store) -> None:
        """The last step of a batch wins; another article, network or epoch under the same alias refuses the whole batch."""
        new = SkuAliasRow("TS1", "mcf", "SKU1", 1, "new", 10)
        active = new._replace(state="active", since=11)
        store.commit(Batch(sku_aliases=[new, active, new._replace(alias="TS2", sku="SKU2")]))
        asked = "SELECT alias, network, sku, epoch, state, since FROM sku_alias ORDER BY alias"
        there = [tuple(active), ("TS2", "mcf", "SKU2", 1, "new", 10)]
        assert store.query(asked) == there
        for other in ({"sku": "SKU2"}, {"network": "bob"}, {"epoch": 2}):
            with pytest.raises(InvariantError):
                store.commit(Batch(sku_aliases=[new._replace(alias="TS3"), active._replace(**other)]))
        assert store.query(asked) == there

    def test_a_key_is_taken_once(self, store: Store) -> None:
        """The second batch with the same key changes nothing, whatever else is in it."""
        store.commit(rows.orders(0, 2, seq=1))
        before = rows.content(store)
        again = rows.orders(5, 1, seq=5)
        again.keys[0] = again.keys[0]._replace(key="test:1")
        with pytest.raises(ConflictError, match="test:1"):
            store.commit(again)
        assert rows.content(store) == before

    def test_a_shelf_never_goes_below_zero(self, store: Store) -> None:
        """One unit too many refuses the whole batch and names account, quantity and demand."""
        before = rows.content(store)
        batch = rows.orders(0, 1, seq=1)
        batch.stock["N0", "SKU0", SHELF] = -1_000_001
        with pytest.raises(
            InvariantError, match="FULFILLABLE of SKU0 at N0 holds 1000000 in the database, cannot give 1000001"
        ):
            store.commit(batch)
        assert rows.content(store) == before
        batch.stock["N0", "SKU0", SHELF] = -1_000_000
        store.commit(batch)
        assert quantity(store, "N0", "SKU0") == 0

    @pytest.mark.parametrize("bucket", [Bucket.OPENING, Bucket.SUPPLIER, Bucket.UNACCOUNTED])
    def test_outside_accounts_may_be_negative(self, store: Store, bucket: Bucket) -> None:
        """Where units come from is owed without limit, from the first move on."""
        for _ in range(2):
            store.commit(Batch(stock={("N9", "NEW", int(bucket)): -5, ("N9", "NEW", SHELF): 5}))
        assert (quantity(store, "N9", "NEW", int(bucket)), quantity(store, "N9", "NEW")) == (-10, 10)

    def test_a_change_must_find_its_row(self, store: Store) -> None:
        """A status for an order that is not there means that writer and database differ: refused."""
        store.commit(rows.orders(0, 1, seq=1))
        known = "00000000ABCDEFGH"
        for batch in (
            Batch(order_status=[("shipped", known), ("shipped", "unknown")]),
            Batch(order_to=[("97201", "OR", "US", known), ("97201", "OR", "US", "unknown")]),
            Batch(part_status=[("shipped", "unknown")]),
            Batch(part_lines=[(1, b"", "unknown")]),
            Batch(parked_lines=[(1, b"", "unknown")]),
            Batch(unparked=[("unknown",)]),
        ):
            with pytest.raises(InvariantError, match="not there"):
                store.commit(batch)
        assert store.query("SELECT status FROM orders") == [("placed",)]

    def test_a_batch_may_change_what_it_brings(self, store: Store) -> None:
        """New rows first, then changes, the last one winning, then deletions."""
        batch = rows.orders(0, 1, seq=1)
        order_id = batch.orders[0].order_id
        batch.parked.append(ParkedRow("P", order_id, "cap", 0, 20_000, 1, b""))
        batch.unparked.append(("P",))
        batch.order_status += [("picked", order_id), ("packed", order_id)]
        batch.order_to += [("10001", "NY", "US", order_id), ("97201", "OR", "US", order_id)]
        store.commit(batch)
        assert store.query("SELECT status, zip, state FROM orders") == [("packed", "97201", "OR")]
        assert store.query("SELECT * FROM parked") == []

    def test_documents_are_kept_by_their_hash(self, store: Store) -> None:
        """The same document twice is one; one that is absent is damage, since a decision names it."""
        batch = rows.opening(1)
        store.commit(Batch(documents=batch.documents))
        assert store.query("SELECT count(*) FROM document") == [(1,)]
        with pytest.raises(DamageError, match="missing"):
            store.document("0" * 64)

    def test_erasing_a_person_leaves_everything_else(self, store: Store) -> None:
        """Row and blind index go, once; journal and orders stay as they are."""
        vault = Vault(b"m" * 32)
        people = [vault.seal(f"P{k}", "uci", Person(ref=str(k), name=f"Name {k}")) for k in range(5)]
        store.commit(Batch(people=people))
        store.commit(rows.orders(0, 3, seq=1))
        before = rows.content(store)
        assert store.erase("P1") is True
        assert store.erase("P1") is False
        assert store.erase_many(["P2", "nobody", "P3"]) == 2
        assert store.person("P1") is None and store.find_person(people[1].blind) is None
        after = rows.content(store)
        assert {name: found for name, found in after.items() if before[name] != found}.keys() == {"person"}
        assert [row[1] for row in after["person"]] == ["P0", "P4"]
        store.commit(Batch(people=[PersonRow("P9", people[1].blind, b"w" * 61, b"s" * 80)]))  # the customer comes back
        assert store.find_person(people[1].blind) == "P9"

    def test_an_erasure_takes_the_order_of_tokens_too(self, store: Store) -> None:
        """The order that a token belonged to is blanked where rows stay (SQLite), gone where they go (PostgreSQL); none stays none."""
        vault, scope = Vault(b"m" * 32), rows.token(7, 0).scope
        given = [rows.token(7, k, f"P{k % 2}") for k in range(4)] + [rows.token(7, 9, "P1")._replace(scope="")]
        people = [vault.seal(f"P{k}", "uci", Person(ref=str(k))) for k in range(2)]
        store.commit(Batch(people=people, tokens=given, masking_keys=[rows.masking_key(7)]))
        assert store.erase("P1")
        kept = [str(one) for (one,) in store.query("SELECT scope FROM token ORDER BY pos")]
        assert kept in ([scope, scope], [scope, "-" * len(scope), scope, "-" * len(scope), ""])

    def test_queries_cannot_write(self, store: Store) -> None:
        """The door for reports is read-only."""
        with pytest.raises(Exception, match=r"readonly|read-only"):
            store.query("DELETE FROM journal")
        assert store.last_seq() == (1, b"chain-1")

    def test_readers_see_whole_batches_only(self, store: Store) -> None:
        """While a writer commits, no reader ever finds an order without its lines, part and events."""
        torn, done = [], threading.Event()
        sql = (
            "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_line), (SELECT count(*) FROM part),"
            " (SELECT count(*) FROM journal)"
        )

        def watch() -> None:
            while not done.is_set():
                n, lines, parts, events = (int(str(value)) for value in store.query(sql)[0])
                if (lines, parts, events) != (2 * n, n, rows.EVENTS * n + 1):
                    torn.append((n, lines, parts, events))

        watchers = [threading.Thread(target=watch) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        for number in range(0, 400, 8):
            store.commit(rows.orders(number, 8, seq=1 + rows.EVENTS * number))
        done.set()
        for watcher in watchers:
            watcher.join()
        assert torn == []

    def test_a_dispatch_is_written_anew_at_each_change(self, store: Store) -> None:
        """One row for each remote id, the last one of a batch winning; where it belongs never changes."""
        store.commit(rows.orders(0, 1, seq=1))
        first = rows.sending("TR-1", "00000000ABCDEFGH")
        held = first._replace(state="HELD", remote="HELD", their_id="A-1", since=9)
        store.commit(Batch(dispatches=[first, held, rows.sending("TR-2", "00000000ABCDEFGH")]))
        sql = "SELECT state, remote, their_id, since FROM dispatch ORDER BY remote_id"
        assert store.query(sql) == [("HELD", "HELD", "A-1", 9), ("SENDING", "", "", 7)]
        store.commit(Batch(dispatches=[held._replace(state="VOID", wish="void", why="drain", since=11)]))
        assert store.query("SELECT wish, why, created_at FROM dispatch WHERE state = 'VOID'") == [("void", "drain", 7)]
        with pytest.raises(InvariantError, match="another part"):
            store.commit(Batch(dispatches=[held._replace(node="N3")]))
        assert store.query("SELECT node FROM dispatch") == [("N0",), ("N0",)]
