"""What a network tells of people: kept as tokens under the person, never in the journal; and aliases that come back, held against ours.

A connector reads states, parcels and units and drops the rest. Here the same message is gone through once more by the policy of its kind:
personal data (who signed for it, a photo of the door) becomes a token that is forgotten with the person; an alias that is not this
order's at this network quarantines what the message says of the order: it is told, and nothing of it is used.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import msgspec

from tranship.core.errors import DamageError, UnavailableError
from tranship.engine.outward import ACTOR, Masker
from tranship.engine.state import State
from tranship.masking.audit import QUARANTINED, RECEIVED, AuditDraft, Field, fingerprint
from tranship.masking.policy import kinds, load, walk
from tranship.masking.rows import LIVE, TokenRow
from tranship.masking.tokens import NAME_ALIAS, kind_of
from tranship.masking.vault.session import Session
from tranship.store.people import People

PERSON_IN = "person_in"
HOOK = "hook"
"""The operation of what comes unasked."""
MOST_BYTES = 16 << 20
DAMAGED = "holds an alias whose row was changed, and cannot be believed"


class Owner(NamedTuple):
    """Whose an order is: the network that has it, the order, its person."""

    network: str
    order_id: str
    person_id: str


Owners = Mapping[str, Owner]
"""By remote id."""


class Said(NamedTuple):
    """What is said of one order: (leaf, rule, value) of what the policy looks at."""

    remote_id: str
    leaves: tuple[tuple[str, str, str], ...]

    def __repr__(self) -> str:
        return f"Said({self.remote_id}, {len(self.leaves)} leaves)"


class Heard(NamedTuple):
    """What came of a message: tokens and audit rows to be kept, and what is wrong with what is said of which order.

    Hold on to it until `tokens` is committed: another message that says the same gets the same tokens as long as `sessions` is there.
    """

    tokens: tuple[TokenRow, ...] = ()
    audits: tuple[AuditDraft, ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()  # (remote id, leaf and why)
    sessions: tuple[Session, ...] = ()  # of `tokens`


NOTHING = Heard()


class _Rules(NamedTuple):
    """Of one operation: which leaves are looked at, and how orders are told apart. `route` and `policy` name it in the audit."""

    leaves: Mapping[str, str]
    units: tuple[tuple[str, str], ...]  # (list whose elements are orders, the leaf in each that names it)
    route: str
    policy: str


@cache
def _rules(kind: str, op: str) -> _Rules | None:
    if kind not in kinds():
        return None
    policy = load(kind)
    if op == HOOK:
        made = [one for one in policy.operations.values() if not one.method]
    else:
        made = [policy.operations[name] for name, _ in policy.ops.get(op, ())]
    leaves = {
        leaf: rule.action
        for one in made
        for leaf, rule in one.rules.get("answer", {}).items()
        if (rule.action, rule.kind) in {("token_in", PERSON_IN), ("unmask", "name")}
    }
    units = tuple((one.unit, one.unit_order) for one in made if one.unit)
    return _Rules(leaves, units, made[0].name, policy.hash) if leaves else None


def said(kind: str, op: str, body: bytes, remote_id: str = "") -> list[Said]:
    """What a message says of people, order by order; nothing where it cannot be read. `remote_id`: whose it is, where it is of one."""
    rules = _rules(kind, op)
    if rules is None or not body or len(body) > MOST_BYTES:
        return []
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []  # what the connector makes of it is enough
    found = []
    for name, prefix, part in _parts(parsed, rules, remote_id):
        leaves = [
            (leaf, rules.leaves[leaf], value)
            for leaf, value in walk(part, prefix)
            if leaf in rules.leaves and isinstance(value, str) and value
        ]
        if leaves:
            found.append(Said(name, tuple(leaves)))
    return found


def _parts(parsed: object, rules: _Rules, remote_id: str) -> Iterator[tuple[str, str, object]]:
    """(remote id, path so far, what is said of it)."""
    for unit, order in rules.units:
        held = _at(parsed, unit.removesuffix("[]"))
        if isinstance(held, list):
            for part in held:
                name = part.get(order) if isinstance(part, dict) else None
                yield (name if isinstance(name, str) else remote_id), unit, part
            return
    yield remote_id, "", parsed


def _at(value: object, path: str) -> object:
    for key in path.split(".") if path else ():
        value = value.get(key) if isinstance(value, dict) else None
    return value


def owners(state: State, connection: str, remote_ids: Sequence[str]) -> dict[str, Owner]:
    """Whose these are, as far as they went out by this connection."""
    found = {}
    nodes = state.require_network().nodes
    for remote_id in remote_ids:
        d = state.dispatches.get(remote_id)
        if d is not None and (d.node not in state.connected or state.connected[d.node].code == connection):
            found[remote_id] = Owner(nodes[d.node].network, d.order_id, state.orders[d.order_id].order.person_id)
    return found


def hear(
    masker: Callable[[], Masker], people: People, kind: str, op: str, told: Sequence[Said], owned: Owners, at: int
) -> Heard:
    """Keep what is said of people, and check aliases. `at`: UTC microseconds.

    Whose an alias is stands in its row and needs no key: that is checked also while no key can be had. Then nothing is kept: the
    next look says it again, and nothing personal is used without it.
    """
    rules = _rules(kind, op)
    tokens: list[TokenRow] = []
    audits: list[AuditDraft] = []
    wrong: list[tuple[str, str]] = []
    sessions: list[Session] = []
    for each in told if rules is not None else ():
        owner = owned.get(each.remote_id)
        row = people.store.person(owner.person_id) if owner is not None and owner.person_id else None
        if owner is None or row is None or rules is None:
            continue  # nobody's, or erased: nothing is kept
        objections = [
            (leaf, why) for leaf, rule, value in each.leaves if (why := _objection(people, rule, value, owner, at))
        ]
        fields, rows, session = list[Field](), list[TokenRow](), None
        if not objections:
            try:
                key = people.vault.person_key(row)
                session = masker().session(owner.network, owner.person_id, key)
                objections = [(leaf, DAMAGED) for leaf, rule, value in each.leaves if _is_damaged(session, rule, value)]
                fields = [] if objections else _keep(session, each, owner, key)
                rows = session.rows
            except (UnavailableError, DamageError):
                continue
        wrong += [(each.remote_id, f"{leaf} {why}") for leaf, why in objections]
        if session is not None and rows:
            tokens += rows
            sessions.append(session)
        if objections or rows:
            fields = fields or [(leaf, "unmask(name)", b"") for leaf, _ in objections]
            audits.append(_row(rules, op, each, owner, fields, QUARANTINED if objections else RECEIVED, at))
    return Heard(tuple(tokens), tuple(audits), tuple(wrong), tuple(sessions))


def _row(
    rules: _Rules, op: str, each: Said, owner: Owner, fields: Sequence[Field], verdict: str, at: int
) -> AuditDraft:
    return AuditDraft(
        at, ACTOR, op, owner.network, rules.route, rules.policy, each.remote_id, owner.person_id, tuple(fields), verdict
    )


def _objection(people: People, rule: str, value: str, owner: Owner, at: int) -> str:
    """What speaks against an alias that came back; "" where nothing does, or it is none of our making. Asks for no key."""
    if rule != "unmask" or not NAME_ALIAS.fullmatch(value):
        return ""
    row = people.store.token(owner.network, value) if kind_of(value) == "name" else None
    if row is None or (row.network, row.token, row.kind) != (owner.network, value, "name"):
        return "holds an alias that is unknown, or another network's"
    if row.scope != owner.order_id:
        return "holds an alias of another order"
    return "holds an alias whose time is over" if row.state != LIVE or row.expires_at <= at else ""


def _is_damaged(session: Session, rule: str, value: str) -> bool:
    """Whether an alias that nothing else speaks against does not open: then its row may have been another order's."""
    if rule != "unmask" or not NAME_ALIAS.fullmatch(value):
        return False
    try:
        session.found(value)
    except DamageError:
        return True
    return False


def _keep(session: Session, each: Said, owner: Owner, key: bytes) -> list[Field]:
    fields = []
    for leaf, rule, value in each.leaves:
        if rule == "token_in":
            session.token(PERSON_IN, owner.order_id, value)
            fields.append((leaf, f"token_in({PERSON_IN})", fingerprint(key, leaf, value)))
    return fields
