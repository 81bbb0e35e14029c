"""Rules that no single key can break. `file_rules` runs on every load; `deeper_rules` is what only `tranship check` asks."""

from collections.abc import Sequence

from tranship.connectors.netfile.connections import connection_rules, contact_rules
from tranship.connectors.netfile.feasible import cap_rules
from tranship.connectors.netfile.finding import allowed, shown
from tranship.connectors.netfile.geography import place_rules
from tranship.connectors.netfile.ground import Ground
from tranship.connectors.netfile.independence import articles, name_only, peak
from tranship.connectors.netfile.leaks import leak_rules

EARLY_MIN = 6 * 60
"""A cut-off before this is probably an afternoon's, written on a 12-hour clock."""


def file_rules(ground: Ground) -> None:
    """Errors that make a file unusable, and warnings that need nothing but the file."""
    _nodes(ground)
    _networks(ground)
    _channels(ground)
    _cards(ground)
    cap_rules(ground)
    leak_rules(ground)
    name_only(ground)
    articles(ground)
    contact_rules(ground)
    connection_rules(ground)


def deeper_rules(ground: Ground, on: Sequence[tuple[int, int]] | None) -> None:
    """Warnings that read more than the file: what its ZIP codes are, and the busiest day of `on`, (day number, units) pairs."""
    peak(ground, on)
    place_rules(ground)


def _nodes(ground: Ground) -> None:
    for i, node in enumerate(ground.file.nodes, 1):
        if node.closed:
            ground.note("closed", f"node[{i}].closed", f"{node.code} is closed", "it takes no new orders")
        if len(node.weekend) == 7:
            what = f"every day is the weekend of {node.code}"
            ground.error("bad_value", f"node[{i}].weekend", what, "at least one day of the week on which it ships")
        if node.cutoff_min < EARLY_MIN:
            clock = f"{node.cutoff_min // 60}:{node.cutoff_min % 60:02d}"
            what = f"{node.code} has its cut-off at {clock}, in the night"
            ground.warn("cutoff", f"node[{i}].cutoff", what, "a 24-hour clock: two in the afternoon is 14:00")
    if not ground.open:
        ground.error("closed", "node", "every node is closed", "at least one open node")


def _networks(ground: Ground) -> None:
    for i, network in enumerate(ground.file.networks, 1):
        own = [node for node in ground.file.nodes if node.network == network.code]
        if not own:
            hint = "a [[node]] with its code, or leave it out"
            ground.warn("no_node", f"network[{i}].code", f"{network.code} has no node", hint)
        elif all(node.closed for node in own):
            what = f"every node of {network.code} is closed"
            ground.warn("closed", f"network[{i}].code", what, "nothing is placed there")


def _channels(ground: Ground) -> None:
    offered = sorted({service for n in ground.open for service in ground.node(n).services})
    for i, channel in enumerate(ground.file.channels, 1):
        if ground.file.caps and all(network.code in channel.on_platform_for for network in ground.file.networks):
            what = f"{channel.code} is on-platform for every network"
            ground.warn("on_platform", f"channel[{i}].on_platform_for", what, "no share cap ever counts its orders")
        if ground.open and channel.service not in offered:
            what = f"no open node offers the service {shown(channel.service)} of {channel.code}"
            hint = allowed(channel.service, offered, "offered")
            ground.error("no_service", f"channel[{i}].service", what, hint)


def _cards(ground: Ground) -> None:
    used = {node.card for node in ground.file.nodes}
    bases = {card.get("base") for card in ground.file.cards.values()}
    for name in ground.file.cards:
        if name not in used and name not in bases:
            ground.note(
                "unused", f"card.{name}", f"no node uses the card {shown(name)}", "name it in a node, or leave it out"
            )
