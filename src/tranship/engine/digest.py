"""The state hash: a chain over events and a digest of the sorted state, independent of how batches were cut."""

import hashlib

import msgspec

from tranship.engine import leaks
from tranship.engine.evolve_network import CONNECTION
from tranship.engine.state import OrderState, State

_pack = msgspec.msgpack.Encoder().encode

_FIRST_BUCKETS = 15
"""Accounts of the first release."""

GENESIS = b"\0" * 16
"""Chain value before the first event."""


def link(chain: bytes, seq: int, key: str, n: int, kind: str, at: int, payload: bytes) -> bytes:
    """Chain value of a journal row: covers the row and, through `chain`, all rows before it."""
    head = f"{seq}\x1f{key}\x1f{n}\x1f{kind}\x1f{at}\x1f".encode()
    return hashlib.blake2b(chain + head + payload, digest_size=16).digest()


def state_digest(state: State) -> str:
    """Digest of balances, orders, counters and calendars in sorted order."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(state.network_sha.encode())
    digest.update(_pack((state.price_version, state.price_sha)))
    _balances(digest, state)
    for order_id in sorted(state.orders):
        digest.update(_pack((order_id, *_order(state.orders[order_id]))))
    for cap in state.caps:
        digest.update(_pack((cap.cap.network, cap.total.digest(), cap.bucket.tokens, cap.bucket.base, cap.breaches)))
        for channel, window in sorted(cap.channels.items()):
            if len(window):  # asking for room opens a counter; only an entry makes it part of the state
                digest.update(_pack((channel, window.digest())))
    digest.update(_pack([sorted((day, units) for day, units in used.items() if units) for used in state.used]))
    digest.update(_pack(sorted(state.closed)))
    digest.update(_pack(state.people))
    digest.update(_pack(sorted(state.freed.items())))
    digest.update(_pack((state.changed_at, state.reviewed_at, state.reviewed_price, state.looked_at)))
    _networks(digest, state)
    if state.leaks is not None:
        digest.update(_pack(leaks.digested(state)))
    return digest.hexdigest()


def _balances(digest: hashlib.blake2b, state: State) -> None:
    """All accounts; those that came after the first release only where they hold units, so that old runs keep their hash."""
    balance = state.ledger.balance
    digest.update(_pack((_FIRST_BUCKETS, *balance.shape[1:])))
    digest.update(balance[:_FIRST_BUCKETS].astype("<i8").tobytes())
    if balance[_FIRST_BUCKETS:].any():
        digest.update(balance[_FIRST_BUCKETS:].astype("<i8").tobytes())


def _networks(digest: hashlib.blake2b, state: State) -> None:
    """What networks have and said; nothing where no node has a connection."""
    held = (
        state.dispatches,
        state.breakers,
        state.shelves,
        state.drifts,
        state.counts_seen,
        state.left_at,
        state.ghosts,
    )
    if any(held):
        for each in held:
            digest.update(_pack(sorted(each.items())))
        digest.update(_pack(sorted((k, v.refused) for k, v in state.orders.items() if v.refused)))
    levels = {n: sorted(held.items()) for n, held in state.verdicts.items() if held.keys() - {CONNECTION}}
    if levels:
        digest.update(_pack(sorted(levels.items())))
    if state.aliases.held:
        digest.update(_pack(sorted(state.aliases.held.items())))
    untold = [(k, v.refused, sorted(v.unsendable.items())) for k, v in sorted(state.orders.items()) if v.unsendable]
    if untold:
        digest.update(_pack(untold))
    moved = [(k, v.readdressed, v.order.to) for k, v in sorted(state.orders.items()) if v.readdressed]
    if moved:
        digest.update(_pack(moved))
    back = [
        (k, n, sorted(part.told_back.items()))
        for k, v in sorted(state.orders.items())
        for n, part in sorted(v.parts.items())
        if part.told_back
    ]
    if back:
        digest.update(_pack(back))


def _order(held: OrderState) -> tuple[object, ...]:
    parts = [
        (
            n,
            p.node,
            p.status,
            p.lines,
            p.quantities,
            p.ship_day,
            p.deliver_day,
            p.cost,
            p.cut,
            sorted((p.returned or {}).items()),
        )
        for n, p in sorted(held.parts.items())
    ]
    rests = [(n, r.lines, r.quantities, r.reason, r.until_day) for n, r in sorted(held.rests.items())]
    numbers = (held.unplaced, held.next_part, held.next_rest, held.decided_at, held.room_price, held.wants)
    return parts, rests, numbers


def run_hash(chain: bytes, state: State) -> str:
    """The hash that two runs of the same commands share, and that a rebuild must reproduce."""
    return hashlib.blake2b(chain + state_digest(state).encode(), digest_size=16).hexdigest()
