"""What is kept of orders beside their tokens: the bytes that were sent, and what masked them."""

from pathlib import Path

import msgspec

from tranship.proxy.orders import Orders, Sent
from tranship.store.people import People
from tranship.store.port import Batch, PayloadRow
from tranship.store.sqlite import SqliteStore

SENT = Sent("/orders", "a=b", (("content-type", "application/json"),), b'{"a":1}', "TO-1", "f" * 64)


def test_what_was_sent_is_read_back_also_as_an_older_release_kept_it(tmp_path: Path):
    """With the hash of the policy that masked it; an older release kept none, and its bytes are the same."""
    with SqliteStore.open(tmp_path, create=True) as store:
        people = People.open(store, tmp_path, create=True)
        orders = Orders(people, 10)
        known = orders.new("O-1")
        now, before = (orders.stored_under(known, said) for said in (b"now", b"before"))
        older = msgspec.msgpack.encode([SENT.path, SENT.query, SENT.headers, SENT.body, SENT.subject])
        payload = PayloadRow(before, known.row.person_id, people.vault.seal_for(known.row, older, known.key))
        store.commit(Batch(people=[known.row], payloads=[orders.to_store(known, now, SENT), payload]))
        fresh = Orders(people, 10)
        found = fresh.find("O-1")
        assert found is not None
        assert fresh.stored(found, now) == SENT
        assert fresh.stored(found, before) == msgspec.structs.replace(SENT, policy="")
        assert "a=b" not in repr(fresh.stored(found, now))
