"""What a network is told of an order: by the connection's policy, with aliases from the vault, and an audit row of every leaf.

Made once, when the intent is; the tokens and the audit row are committed with it, before a byte leaves. What is sent, however often,
are the bytes that were sealed then: another day, another key or another policy changes nothing of them.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import msgspec

from tranship.core.order import Person
from tranship.masking.audit import REFUSED, SENT, AuditDraft, Field, fingerprint
from tranship.masking.own_name import without_name
from tranship.masking.policy import Policy, load, walk
from tranship.masking.policy.rules import Rule
from tranship.masking.tokens import kind_of
from tranship.masking.vault.session import MaskingVault, Owner, Session

ACTOR = "engine"
NOBODY = "-"
"""What the alias of a recipient without a name stands for."""
CREATE = "create"
MOST_SIGNS = 60
"""Signs of a rule that the audit repeats; of a longer one (a constant's text) it names the action."""


class Told(NamedTuple):
    """Who a message is about: order, remote id, person and the person's own key; and who gets it."""

    network: str
    order_id: str
    remote_id: str
    person_id: str
    key: bytes
    at: int

    def __repr__(self) -> str:
        return f"Told({self.network}, {self.remote_id})"


class Masker:
    """Aliases and audit rows of one shard. Safe for use by several threads."""

    def __init__(self, vault: MaskingVault) -> None:
        self.vault = vault

    def session(self, network: str, person_id: str, key: bytes) -> Session:
        """The tokens of one network, for values of one person."""
        return self.vault.session(network, Owner(person_id, key))

    def shown(self, session: Session, order_id: str, person: Person) -> Person:
        """The person as the label shows them: under an alias of this order. UnavailableError where the vault cannot be asked."""
        alias = session.token("name", order_id, person.name or NOBODY)
        return msgspec.structs.replace(person, name=alias, street=without_name(person.street, person.name))

    def named(self, session: Session, person: Person) -> Person:
        """The person by name, where the label may say it. UnavailableError where no alias could be made now: nothing leaves then."""
        self.vault.keys.writing(session.network, "name")
        return person


def sent(kind: str, body: bytes, told: Told) -> AuditDraft:
    """The audit row of a message that is about to leave: each leaf, what its rule did, and a fingerprint of what tells who it is."""
    policy = load(kind)
    fields = tuple(_fields(kind, body, told.key))
    return AuditDraft(
        told.at, ACTOR, CREATE, told.network, _route(policy), policy.hash, told.remote_id, told.person_id, fields, SENT
    )


def refused(kind: str, leaf: str, subject: str, network: str, person_id: str, at: int) -> AuditDraft:
    """The audit row of a message that was not made: which leaf stood against it."""
    policy = load(kind)
    fields: tuple[Field, ...] = ((leaf, "refuse", b""),)
    return AuditDraft(at, ACTOR, CREATE, network, _route(policy), policy.hash, subject, person_id, fields, REFUSED)


def _route(policy: Policy) -> str:
    return policy.operation(CREATE).name


class _Leaf(NamedTuple):
    """What the audit says of a leaf; `personal`: with a fingerprint."""

    action: str
    personal: bool
    is_name: bool


@cache
def _leaves(kind: str) -> dict[str, _Leaf]:
    rules = load(kind).operation(CREATE).rules.get("body", {})
    return {leaf: _Leaf(_action(rule), _is_personal(rule), _is_name(rule)) for leaf, rule in rules.items()}


def _action(rule: Rule) -> str:
    return rule.text if len(rule.text) <= MOST_SIGNS else rule.action


def _is_name(rule: Rule) -> bool:
    return (rule.action, rule.kind) == ("token", "name")


def _is_personal(rule: Rule) -> bool:
    return rule.type is not None and rule.type.name in {"line", "postal", "city"}


def _fields(kind: str, body: bytes, key: bytes) -> Iterator[Field]:
    """Each leaf once, though a list may hold it often."""
    leaves, seen = _leaves(kind), set[str]()
    for leaf, value in walk(msgspec.json.decode(body)):
        found = leaves.get(leaf)
        if found is None or leaf in seen:
            continue  # nothing was in it: the connector has checked every leaf that holds something
        seen.add(leaf)
        if found.is_name and kind_of(str(value)) != "name":  # it stayed what it is
            yield leaf, "pass(name)", fingerprint(key, leaf, str(value))
        else:
            yield leaf, found.action, fingerprint(key, leaf, str(value)) if found.personal else b""
