"""Transit: working days from the hand-over at a node to the door, by zone and service.

The packaged days are assumptions: what carriers say in words ("2 to 5 days") spread over the zones. A card may state
its own: `transit = { ground = [2, 2, 2, 3, 3, 4, 4, 5, 8] }`.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import InputError
from tranship.core.network import Node
from tranship.rates import data

NOT_OFFERED = 255
"""Days of a service that a node does not offer to a zone."""


@cache
def packaged_days() -> dict[str, tuple[int, ...]]:
    """Days by zone (ten numbers, zone 0 unused) of every packaged service."""
    return {
        row["service"]: (NOT_OFFERED, *(int(days) if days else NOT_OFFERED for days in data.zones_of(row)))
        for row in data.rows("transit_days")
    }


def transit_table(
    nodes: Sequence[Node],
    services: Sequence[str],
    own: Sequence[Mapping[str, tuple[int, ...]]] | None = None,
) -> NDArray[np.uint8]:
    """Working days `[K services, N nodes, 10 zones]`; 255 where a node does not offer the service to the zone.

    `own` has, per node, the days that its card states by service (ten numbers each); they go before the packaged ones.
    Raises InputError where a node offers a service that nobody gave days for.
    """
    table = np.full((len(services), len(nodes), 10), NOT_OFFERED, np.uint8)
    for position, node in enumerate(nodes):
        known = {**packaged_days(), **(own[position] if own else {})}
        for service in node.services:
            if service not in known:
                raise InputError(
                    f"service {service!r} has no transit days",
                    where=f"node {node.code}, services",
                    hint=f"Known: {', '.join(packaged_days())}; a card may add its own in `transit`",
                )
            if service in services:
                table[list(services).index(service), position] = known[service]
    return table


def services_of(nodes: Sequence[Node], others: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of all services that nodes offer or channels ask for, first seen first."""
    return tuple(dict.fromkeys([service for node in nodes for service in node.services] + [s for s in others if s]))
