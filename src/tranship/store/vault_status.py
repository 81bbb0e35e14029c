"""What can be told of a vault and an audit without opening a value: for `tranship vault status` and `tranship audit exposure`."""

from pathlib import Path

import msgspec

from tranship.core.errors import InputError, TranshipError
from tranship.masking.rows import LIVE, OVER, READ, SEAL, WRITE
from tranship.masking.vault.keys import Keys
from tranship.store.people import People
from tranship.store.port import TableStore
from tranship.store.vault_care import rotate_days_said
from tranship.store.vaulting import kek_of, now_us, party_of


class KindStatus(msgspec.Struct, frozen=True):
    """Tokens and keys of one network and kind. `key_since`: UTC microseconds; `reading`: keys that were rotated out and still read."""

    network: str
    kind: str
    live: int
    over: int
    key_since: int
    reading: int


class VaultStatus(msgspec.Struct, frozen=True):
    """How a vault stands; `trouble` says why its keys cannot be opened, empty where they can."""

    wrapped_by: str
    trouble: str
    audit_rows: int
    kinds: list[KindStatus]


def vault_status(store: TableStore, where: Path) -> VaultStatus:
    """How the vault of a store stands: reads only, and opens a key to see that it opens."""
    counts: dict[tuple[str, str, str], int] = {}
    for network, kind, state, count in store.query("SELECT network, kind, state, count(*) FROM token GROUP BY 1, 2, 3"):
        counts[str(network), str(kind), str(state)] = int(str(count))
    keys = [row for row in store.masking_keys() if row.purpose == SEAL]
    name, trouble = "nothing yet", ""
    try:
        rotate_days_said()
        kek = kek_of(where)
        name = kek.name
        Keys(party_of(store), kek, store.masking_keys(), lambda _: None, now_us).prove()
    except TranshipError as error:
        trouble = str(error)
    found = []
    for network, kind in sorted({(row.network, row.kind) for row in keys}):
        mine = [row for row in keys if (row.network, row.kind) == (network, kind)]
        live, over = counts.get((network, kind, LIVE), 0), counts.get((network, kind, OVER), 0)
        since = max((row.created_at for row in mine if row.state == WRITE), default=0)
        found.append(KindStatus(network, kind, live, over, since, sum(row.state == READ for row in mine)))
    return VaultStatus(name, trouble, store.last_audit()[0], found)


def erased_persons(store: TableStore) -> frozenset[str]:
    """Persons that the audit names and who are gone."""
    sql = (
        "SELECT DISTINCT person_id FROM audit WHERE person_id <> '' AND person_id NOT IN (SELECT person_id FROM person)"
    )
    return frozenset(str(row[0]) for row in store.query(sql))


def person_of(store: TableStore, where: Path, said: str, source: str) -> str:
    """The person id of a source's reference, or of itself where no source is named. InputError where nobody is known by it."""
    if not source:
        known = store.query("SELECT 1 FROM audit WHERE person_id = ? LIMIT 1", (said,))
        if known or store.person(said) is not None:
            return said
        raise InputError(
            "is no person id of this run", where="person", hint="Name --source for a customer's reference."
        )
    found = People.open(store, where, create=False).find(source, said)
    if found is None:
        raise InputError("is unknown here, or was erased: then only the person id is left", where="person")
    return found


def subjects_of(store: TableStore, name: str) -> frozenset[str]:
    """Under which names the audit may speak of an order (an id, or a number): its own id, and the remote ids of its dispatches.

    InputError where the run knows no such order: "nobody saw anything" must not be the answer to a misspelled one.
    """
    found = store.query("SELECT order_id FROM orders WHERE order_id = ?", (name,))
    found = found or store.query("SELECT order_id FROM orders WHERE number = ? LIMIT 3", (name,))
    found = found or store.query(
        "SELECT order_id FROM dispatch WHERE order_id = ? OR remote_id = ? LIMIT 1", (name, name)
    )
    found = found or store.query("SELECT subject FROM audit WHERE subject = ? LIMIT 1", (name,))  # a proxy's
    if not found:
        hint = "A proxy's orders are asked for as people, by the client's order id: --person ORDER --source proxy."
        raise InputError("the run has no order of this id or number", where="order", hint=hint)
    if len(found) > 1:
        ids = ", ".join(str(row[0]) for row in found)
        raise InputError(f"this is the number of {len(found)} orders", where="order", hint=f"Name one: {ids}")
    order_id = str(found[0][0])
    remote = store.query("SELECT remote_id FROM dispatch WHERE order_id = ?", (order_id,))
    return frozenset([order_id, *(str(row[0]) for row in remote)])


def orders_of(store: TableStore) -> dict[str, str]:
    """The order of each remote id: one that was handed over twice is one order."""
    return {str(remote_id): str(order) for remote_id, order in store.query("SELECT remote_id, order_id FROM dispatch")}


def audited_networks(store: TableStore) -> list[str]:
    """The networks that the audit has rows of."""
    return [str(row[0]) for row in store.query("SELECT DISTINCT network FROM audit ORDER BY network")]
