"""What routing may assume for one network version and price date: masks, indexes and the solver. Built once, read often."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import Channel, NetworkFile, Node, Sku
from tranship.rates.tables import RateTables
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.lateness import Lateness
from tranship.routing.model import Reason
from tranship.routing.promise import NOT_SERVED, Calendar
from tranship.routing.rooms import Lane, LaneKey, Room
from tranship.routing.solve import Solver

Mask = NDArray[np.bool_]
ENDLESS = 1 << 62


class Facts:
    """Static knowledge of one network document at one price date, and working memory of the decisions under it (one thread's)."""

    def __init__(self, network: NetworkFile, tables: RateTables, version: str, day: int) -> None:
        self.network, self.tables, self.version, self.day = network, tables, version, day
        self.solver = Solver(tables, starts=network.policy.starts, rounds=network.policy.rounds)
        self.calendar = Calendar(network.nodes)
        self.lateness = Lateness(network, tables)
        self.nodes = network.nodes
        self.count = len(network.nodes)
        self.network_of = [network.network_of(node) for node in network.nodes]
        self.items: Mask = _item_mask(network, tables)
        self.channels = {channel.code: channel for channel in network.channels}
        self.bundles: dict[int, list[tuple[int, int]]] = _bundles(network)
        self.services = {name: i for i, name in enumerate(tables.services)}
        self.item_rows: list[list[bool]] = self.items.tolist()
        self.free: list[bool] = [
            all(row) and i not in self.bundles for i, row in enumerate(self.item_rows)
        ]  # per SKU: may ship from every node, and is its own stock
        self._static: dict[tuple[str, str], list[int]] = {}
        self.capacity = [node.capacity_units for node in network.nodes]
        self.limited = [n for n, units in enumerate(self.capacity) if units]
        self.part_limits = [
            (one.max_lines or ENDLESS, one.max_units or ENDLESS) if one.max_lines or one.max_units else None
            for one in self.network_of
        ]
        # What the short way (`routing.quick`) works with: one decision at a time, so facts belong to one thread.
        self.quick = "split" in network.policy.after and not network.policy.prefer
        self.lanes: dict[LaneKey, Lane] = {}
        self.rooms = [Room(lines, self.count) for lines in range(SUBSET_LINES + 1)]
        self.gamma = np.zeros(self.count, np.int64)
        self.day_row: tuple[object, object, NDArray[np.int64] | None] = (None, None, None)
        self._zones: dict[int, tuple[NDArray[np.int64], list[int]]] = {}
        self._transit: dict[tuple[int, int], list[int]] = {}

    def zones(self, zip3: int) -> tuple[NDArray[np.int64], list[int]]:
        """Zone from each node to a destination ZIP3 (0: not served), as an array and as a list."""
        found = self._zones.get(zip3)
        if found is None:
            column = self.tables.zone3[:, zip3] if 0 <= zip3 < 1000 else np.zeros(self.count, np.uint8)
            array = np.ascontiguousarray(column, np.int64)
            found = self._zones[zip3] = (array, array.tolist())
        return found

    def transit(self, service: int, zip3: int) -> list[int]:
        """Transit days from each node to a destination ZIP3 by a service; NOT_SERVED where it is not offered."""
        found = self._transit.get((service, zip3))
        if found is None:
            _, zones = self.zones(zip3)
            days = self.tables.transit_days
            found = [
                int(days[service, n, zone]) if zone and service >= 0 else NOT_SERVED for n, zone in enumerate(zones)
            ]
            self._transit[service, zip3] = found
        return found

    def static_reasons(self, country: str, channel: str) -> list[int]:
        """Why a node is never a candidate for this channel and country, whatever the stock (OK where it may be)."""
        found = self._static.get((country, channel))
        if found is None:
            must = must_mask(self.network, channel)
            found = [int(_static_reason(node, country, bool(must[n]))) for n, node in enumerate(self.nodes)]
            self._static[country, channel] = found
        return found

    def tiers(self, state: str) -> list[int]:
        """Tier of each node under the policy's preferences: 0 is most preferred; without preferences all are 0."""
        prefer = self.network.policy.prefer
        return [_tier(node, prefer, state, self.network) for node in self.nodes]


def _static_reason(node: Node, country: str, allowed: bool) -> Reason:
    if node.closed:
        return Reason.CLOSED
    if country not in node.countries:
        return Reason.COUNTRY
    return Reason.OK if allowed else Reason.RULE


def _item_mask(network: NetworkFile, tables: RateTables) -> Mask:
    """[S, N] where a SKU may be shipped from a node at all: card limits, hazmat, fragile, sensitivity, the SKU's own node list."""
    mask: Mask = tables.fits.astype(bool)
    competitor = [network.network_of(node).competitor for node in network.nodes]
    hazmat = np.array([node.hazmat for node in network.nodes])
    fragile = np.array([node.fragile for node in network.nodes])
    rival = np.array(competitor)
    codes = [node.code for node in network.nodes]
    for i, sku in enumerate(network.skus):
        if sku.hazmat:
            mask[i] &= hazmat
        if sku.fragile:
            mask[i] &= fragile
        if sku.sensitivity == "sensitive":
            mask[i] &= ~rival
        if sku.nodes:
            mask[i] &= np.array([code in sku.nodes for code in codes])
    for i, parts in _bundles(network).items():  # what ships is its parts
        for part, _ in parts:
            mask[i] &= mask[part]
    return mask


def _bundles(network: NetworkFile) -> dict[int, list[tuple[int, int]]]:
    index = network.sku_index()
    return {
        i: [(index[code], count) for code, count in sku.parts] for i, sku in enumerate(network.skus) if is_bundle(sku)
    }


def is_bundle(sku: Sku) -> bool:
    """Whether the SKU is made of other SKUs and holds no stock of its own."""
    return bool(sku.parts)


def _names(node: Node, word: str) -> bool:
    return word in (node.code, node.network)


def must_mask(network: NetworkFile, channel: str) -> Mask:
    """Nodes that the policy's must-rules leave for a channel.

    Rules: `only:NAME`, `avoid:NAME`, each for all channels or `...@CHANNEL`; NAME is a node or a network.
    """
    mask = np.ones(len(network.nodes), bool)
    for rule in network.policy.must:
        verb, _, rest = rule.partition(":")
        name, _, where = rest.partition("@")
        if where and where != channel:
            continue
        hit = np.array([_names(node, name) for node in network.nodes])
        mask &= hit if verb == "only" else ~hit
    return mask


def _tier(node: Node, prefer: Sequence[str], state: str, network: NetworkFile) -> int:
    capped = {cap.network for cap in network.caps}
    for position, word in enumerate(prefer):
        if word == "independent" and node.network not in capped:
            return position
        if word == "same_state" and state and node.state == state:
            return position
        if _names(node, word.removeprefix("node:").removeprefix("network:")):
            return position
    return len(prefer)


def counts_for(channel: Channel, network: str) -> bool:
    """Whether a channel's orders are in the population of this network's cap: off-platform channels only."""
    return network not in channel.on_platform_for
