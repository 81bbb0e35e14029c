"""From a due fulfillment order to the bytes that its network gets: masked, under a random remote id, sealed beside the intent."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tranship.connectors.port import Connector
from tranship.core.errors import DamageError, InputError
from tranship.core.order import Destination, Person
from tranship.core.time import iso_day
from tranship.engine import commands as cmd
from tranship.engine.due import Due, to_hand_over
from tranship.engine.outward import Masker, Told, refused, sent
from tranship.engine.shard import Submission
from tranship.engine.state import State
from tranship.masking.audit import AuditDraft
from tranship.masking.mask import mask
from tranship.masking.policy import MaskingError
from tranship.masking.vault.session import Session
from tranship.store.people import Known, People
from tranship.store.port import PayloadRow, TokenRow

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of remote ids: no letter that is taken for a number."""
_SIGN_OF = bytes(ord(ALPHABET[byte % 32]) for byte in range(256))  # of a random byte: all signs are as likely
ID_LENGTH = 20
"""100 random bits: nothing can be read from an id, and none comes twice."""


class Wanted(NamedTuple):
    """All that the state knows of a due fulfillment order; what is personal is fetched from the store by `person_id`."""

    due: Due
    connection: str
    node: str  # its code
    person_id: str
    to: Destination
    lines: tuple[tuple[str, str, int], ...]  # (line id, the network's SKU code, units)
    service: str
    ship_by: str
    deliver_by: str
    location: str
    readdressed: int = 0  # how often the order had got a new address by then
    units: int = -1  # of the fulfillment order by then
    network: str = ""
    real_name: bool = False  # the label says who it is for, and not an alias


class Prepared(NamedTuple):
    """An intent with its sealed bytes; or why it cannot be handed over at all (`refused`), or not to this network (`unsendable`).

    `tokens` and `audit` go into the transaction of the intent. Until then whoever wants a token of the same value (another part of
    the order, an answer about it) has to get the same one: `session` is kept for that.
    """

    intent: cmd.Intent | None
    payload: PayloadRow | None
    refused: str = ""
    unsendable: cmd.Unsendable | None = None
    tokens: tuple[TokenRow, ...] = ()
    audit: AuditDraft | None = None
    session: Session | None = None


def random_id() -> str:
    """A remote id that says nothing."""
    return secrets.token_bytes(ID_LENGTH).translate(_SIGN_OF).decode()


def wanted(state: State, at: int, limit: int | Mapping[str, int]) -> list[Wanted]:
    """What is due, as the state knows it; reads, changes nothing."""
    network = state.require_network()
    found = []
    for due in to_hand_over(state, at, limit):
        order = state.orders[due.order_id]
        part = order.parts[due.number]
        node = network.nodes[due.node]
        lines: list[tuple[str, str, int]] = []
        for line, quantity in zip(part.lines, part.quantities, strict=True):
            if quantity:
                lines += _codes(state, order.skus[line], str(line + 1), quantity, due.node)
        channel = state.channels[order.order.channel]
        found.append(
            Wanted(
                due,
                node.connection,
                node.code,
                order.order.person_id,
                order.order.to,
                tuple(lines),
                order.order.service or channel.service,
                iso_day(part.ship_day),
                iso_day(order.promise_day),
                node.location,
                order.readdressed,
                part.units(),
                node.network,
                state.connected[due.node].real_names or order.order.said.id_check,
            )
        )
    return found


def _codes(state: State, sku: int, line_id: str, quantity: int, node: int) -> list[tuple[str, str, int]]:
    """A line under the network's code; a bundle that the network has no code for goes as its parts. No code: there is no alias."""
    pieces = [(sku, line_id, quantity)]
    if sku in state.bundles and not _has_code(state, sku, node):
        pieces = [(part, f"{line_id}-{k}", quantity * count) for k, (part, count) in enumerate(state.bundles[sku], 1)]
    return [(name, _code(state, piece, node), units) for piece, name, units in pieces]


def _has_code(state: State, sku: int, node: int) -> bool:
    network = state.require_network().nodes[node].network
    if state.connected[node].sku_aliases == "required":
        return bool(state.aliases.written(network, sku))
    return network in state.require_network().skus[sku].codes


def _code(state: State, sku: int, node: int) -> str:
    network = state.require_network().nodes[node].network
    if state.connected[node].sku_aliases == "required":
        return state.aliases.written(network, sku)
    article = state.require_network().skus[sku]
    return article.codes.get(network, article.code)


def prepare(
    each: Wanted, connector: Connector, people: People, address: Person | None, masker: Masker, at: int,
    new_id: Callable[[], str] = random_id, *, held: Known | None = None,
) -> Prepared:  # fmt: skip
    """Mask, make the bytes, seal them. `address` is where the order goes; None once the person was erased. `at`: UTC microseconds.

    `held`: the person, where their row was read just now.

    Raises UnavailableError where nothing can be prepared now, for no network: the order waits, and is not sent elsewhere for it.
    """
    if address is None:
        return Prepared(None, None, "there is no person to send it to (a guest without address, or erased)")
    for line_id, code, _ in each.lines:
        if not code:
            what = _unsendable(each, "sku", f"the article of line {line_id}", "has no active alias at its network")
            return _given_back(each, what, connector.kind, at)
    held = held or people.known(each.due.order_id, each.person_id)
    if held is None:
        return Prepared(None, None, "the person was erased")
    try:
        return _prepared(each, connector, people, address, masker, at, held, new_id())
    except MaskingError as error:
        return _given_back(each, _unsendable(each, "policy", error.leaf, error.why), connector.kind, at)
    except InputError as error:
        return _given_back(each, _unsendable(each, "address", "the address", error.what), connector.kind, at)
    except DamageError as error:
        return _given_back(each, _unsendable(each, "vault", "the vault", type(error).__name__), connector.kind, at)


def _prepared(
    each: Wanted, connector: Connector, people: People, address: Person, masker: Masker, at: int, held: Known,
    remote_id: str,
) -> Prepared:  # fmt: skip
    due, row, key = each.due, held.row, held.key
    session = masker.session(each.network, each.person_id, key)
    shown = masker.named(session, address) if each.real_name else masker.shown(session, due.order_id, address)
    order = mask(
        remote_id, shown, each.to, each.lines, each.service, each.ship_by, each.deliver_by, each.location,
        kind=connector.kind,
    )  # fmt: skip
    body = connector.body(order, hold=due.hold)
    intent = cmd.Intent(
        due.order_id, due.number, remote_id, hashlib.sha256(body).hexdigest(), due.hold, due.wish,
        each.readdressed, each.units,
    )  # fmt: skip
    payload = PayloadRow(remote_id, each.person_id, people.vault.seal_for(row, body, key))
    told = Told(each.network, due.order_id, remote_id, each.person_id, key, at)
    return Prepared(
        intent, payload, tokens=tuple(session.rows), audit=sent(connector.kind, body, told), session=session
    )


def _unsendable(each: Wanted, cause: str, leaf: str, why: str) -> cmd.Unsendable:
    """What stood against it, in words that hold nothing of it: errors of masking name places and rules, never a value."""
    due = each.due
    return cmd.Unsendable(due.order_id, due.number, each.node, cause, leaf[:80], why[:200], each.readdressed)


def _given_back(each: Wanted, what: cmd.Unsendable, kind: str, at: int) -> Prepared:
    subject = f"{what.order_id}/{what.number}"
    return Prepared(
        None, None, unsendable=what, audit=refused(kind, what.leaf, subject, each.network, each.person_id, at)
    )


def sending_back(prepared: Sequence[Prepared], at: int) -> Submission | None:
    """The command that gives back to routing what its network may not be told; None where there is none."""
    found = tuple(each.unsendable for each in prepared if each.unsendable is not None)
    if not found:
        return None
    audits = tuple(each.audit for each in prepared if each.unsendable is not None and each.audit is not None)
    key = f"unsendable/{found[0].order_id}/{found[0].number}/{at}"
    return Submission(key, cmd.NotSendable(found, at), audits=audits)


def handing_over(prepared: Sequence[Prepared], at: int) -> Submission | None:
    """The command that journals these intents, with their sealed bytes, new tokens and audit rows; None where there are none."""
    made = [each for each in prepared if each.intent is not None and each.payload is not None]
    if not made:
        return None
    intents = tuple(each.intent for each in made if each.intent is not None)
    return Submission(
        f"handover/{intents[0].remote_id}",
        cmd.HandOver(intents, at),
        payloads=tuple(each.payload for each in made if each.payload is not None),
        tokens=tuple(row for each in made for row in each.tokens),
        audits=tuple(each.audit for each in made if each.audit is not None),
    )
