"""From a due fulfillment order to the bytes that its network gets: masked, under a random remote id, sealed beside the intent."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tranship.connectors.port import Connector
from tranship.core.errors import InputError
from tranship.core.order import Destination, Person
from tranship.core.time import iso_day
from tranship.engine import commands as cmd
from tranship.engine.due import Due, to_hand_over
from tranship.engine.shard import Submission
from tranship.engine.state import State
from tranship.masking.mask import mask
from tranship.masking.policy import MaskingError
from tranship.store.people import People
from tranship.store.port import PayloadRow

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of remote ids: no letter that is taken for a number."""
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


class Prepared(NamedTuple):
    """An intent with its sealed bytes; or why it cannot be handed over at all (`refused`), or not to this network (`unsendable`)."""

    intent: cmd.Intent | None
    payload: PayloadRow | None
    refused: str = ""
    unsendable: cmd.Unsendable | None = None


def random_id() -> str:
    """A remote id that says nothing."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


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
            )
        )
    return found


def _codes(state: State, sku: int, line_id: str, quantity: int, node: int) -> list[tuple[str, str, int]]:
    """A line under the network's code; a bundle that the network has no code for goes as its parts. No code: there is no alias."""
    pieces = [(sku, line_id, quantity)]
    if sku in state.bundles and not _has_code(state, sku, node):
        pieces = [
            (part, f"{line_id}-{k}", quantity * count) for k, (part, count) in enumerate(state.bundles[sku], 1)
        ]
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
    each: Wanted, connector: Connector, people: People, address: Person | None, new_id: Callable[[], str] = random_id
) -> Prepared:
    """Mask, make the bytes, seal them. `address` is where the order goes; None once the person was erased.

    Raises UnavailableError where nothing can be prepared now, for no network: the order waits, and is not sent elsewhere for it.
    """
    if address is None:
        return Prepared(None, None, "there is no person to send it to (a guest without address, or erased)")
    due = each.due
    for line_id, code, _ in each.lines:
        if not code:
            return Prepared(None, None, unsendable=_without_alias(each, line_id))
    remote_id = new_id()
    try:
        order = mask(
            remote_id, address, each.to, each.lines, each.service, each.ship_by, each.deliver_by, each.location,
            kind=connector.kind,
        )  # fmt: skip
        body = connector.body(order, hold=due.hold)
    except InputError as error:
        return Prepared(None, None, unsendable=_unsendable(each, error))
    row = people.store.person(each.person_id)
    if row is None:
        return Prepared(None, None, "the person was erased")
    intent = cmd.Intent(
        due.order_id, due.number, remote_id, hashlib.sha256(body).hexdigest(), due.hold, due.wish,
        each.readdressed, each.units,
    )  # fmt: skip
    return Prepared(intent, PayloadRow(remote_id, each.person_id, people.vault.seal_for(row, body)))


def _without_alias(each: Wanted, line_id: str) -> cmd.Unsendable:
    due, why = each.due, "has no active alias at its network"
    return cmd.Unsendable(due.order_id, due.number, each.node, "sku", f"the article of line {line_id}", why, each.readdressed)


def _unsendable(each: Wanted, error: InputError) -> cmd.Unsendable:
    """What stood against it, in words that hold nothing of it: both kinds of errors name places and rules, never a value."""
    leaf, cause = (error.leaf, "policy") if isinstance(error, MaskingError) else ("the address", "address")
    due = each.due
    return cmd.Unsendable(due.order_id, due.number, each.node, cause, leaf[:80], error.what[:200], each.readdressed)


def sending_back(prepared: Sequence[Prepared], at: int) -> Submission | None:
    """The command that gives back to routing what its network may not be told; None where there is none."""
    found = tuple(each.unsendable for each in prepared if each.unsendable is not None)
    if not found:
        return None
    return Submission(f"unsendable/{found[0].order_id}/{found[0].number}/{at}", cmd.NotSendable(found, at))


def handing_over(prepared: Sequence[Prepared], at: int) -> Submission | None:
    """The command that journals these intents, with their sealed bytes; None where there are none."""
    pairs = [(each.intent, each.payload) for each in prepared if each.intent is not None and each.payload is not None]
    if not pairs:
        return None
    command = cmd.HandOver(tuple(intent for intent, _ in pairs), at)
    return Submission(f"handover/{pairs[0][0].remote_id}", command, payloads=tuple(payload for _, payload in pairs))
