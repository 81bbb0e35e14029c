"""Tokens and sent bytes that the audit does not speak of, in both databases: the same is found, and nothing where nothing is wrong."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store import rows
from tranship.core.order import Person
from tranship.masking.audit import AuditDraft, Chain
from tranship.store.location import Database
from tranship.store.people import Vault
from tranship.store.port import Batch, PayloadRow, TableStore
from tranship.store.postgres.store import PostgresStore
from tranship.store.unaudited import unaudited

VAULT = Vault(b"k" * 32)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableStore]:
    """A store in a folder, and one on a server, with opening balances."""
    if request.param == "sqlite":
        with rows.started(tmp_path) as found:
            yield found
        return
    place: Database = request.getfixturevalue("place")
    with PostgresStore.open(place, create=True) as server:
        server.commit(rows.opening(1_000))
        yield server


def told(store: TableStore, *persons: str, subject: str = "O", verdict: str = "sent", at: int = 50) -> None:
    """An audit row for each of these people."""
    drafts = [AuditDraft(at, "t", "create", "mcf", "r", "f" * 64, subject, person, [], verdict) for person in persons]
    store.commit(Batch(audits=Chain(store.last_audit()).rows(drafts)))


def given(number: int) -> Batch:
    """A person with a token and a request that a proxy kept."""
    batch = Batch(
        people=[VAULT.seal(f"P{number}", "proxy", Person(ref=f"O{number}"))], masking_keys=[rows.masking_key(number)]
    )
    token = rows.token(number, 0, f"P{number}")._replace(blind=secrets.token_bytes(16), sealed=secrets.token_bytes(80))
    batch.tokens.append(token)
    batch.payloads.append(PayloadRow(f"P{number}/abc", f"P{number}", secrets.token_bytes(40)))
    return batch


def test_an_empty_audit_beside_tokens_and_requests_is_told(store: TableStore) -> None:
    """A run that never told anybody anything may have none; one with tokens or kept requests may not."""
    assert unaudited(store.query) == []
    store.commit(given(1))
    found = unaudited(store.query)
    assert len(found) == 2 and "1 tokens were given" in found[0] and "1 requests of a proxy" in found[1]


def test_each_person_of_a_token_and_each_kept_request_has_its_row(store: TableStore) -> None:
    """Somebody without any row, and somebody with fewer rows than requests; a row of an answer is none of a request."""
    for number in (1, 2, 3):
        store.commit(given(number))
    told(store, "P1", "P2")
    assert [text.split(",")[0] for text in unaudited(store.query)] == [
        "tokens of person P3 were given", "1 requests of a proxy are kept as they left for person P3",
    ]  # fmt: skip
    told(store, "P3", verdict="received")
    (text,) = unaudited(store.query)
    assert text.endswith("for person P3, and the audit says that 0 left")
    told(store, "P3")
    assert unaudited(store.query) == []
    store.commit(Batch(payloads=[PayloadRow("P3/def", "P3", secrets.token_bytes(40))]))
    assert "2 requests" in unaudited(store.query)[0]
    assert store.erase("P3") and unaudited(store.query) == []


def test_a_dispatch_after_the_audit_began_has_its_row(store: TableStore) -> None:
    """One of an older release, before there was an audit, has none; one later has to."""
    batch = rows.orders(1, 3, seq=1)
    for number, at in enumerate((10, 50, 60)):
        row = rows.sending(f"TR-{number}", batch.orders[number].order_id)
        batch.dispatches.append(row._replace(created_at=at))
    store.commit(batch)
    assert unaudited(store.query) == []
    told(store, "P1", subject="TR-1", at=50)
    assert unaudited(store.query) == ["dispatch TR-2 was handed over after the audit began, and no row of it says so"]
    told(store, "P1", subject="TR-2", at=60)
    assert unaudited(store.query) == []
