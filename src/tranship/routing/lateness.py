"""When a node counts as in time, and what being late costs: the promise as a probability. Pure.

Without observed transit times a planned arrival is taken at its word: in time where it is not after the promise.
"""

from functools import lru_cache

from tranship.core.network import FULL_BP, NetworkFile, Node, Promise, Transit
from tranship.core.states import STATE_OF_ZIP3
from tranship.core.time import add_working_days
from tranship.rates.tables import RateTables
from tranship.routing.odds import Lane, Odds, Seen, Settings
from tranship.routing.promise import NOT_SERVED

MICROS_PER_MINOR = 10_000
"""Micros in one minor unit of a currency with two decimals."""


class Lateness:
    """The promise rules of one network document: odds where transit times were observed, the level, the price of a late unit."""

    def __init__(self, network: NetworkFile, tables: RateTables) -> None:
        said = network.promise
        self.level_bp, self.late_minor, self.late_days = said.level_bp, said.late_minor, said.late_days
        self.odds = _learned(said, _Planned(network, tables)) if said.observed else None
        self.strict = not said.late_minor
        self._nodes, self._services = network.nodes, tables.services

    def on_time(self, node: int, zip3: int, service: int, transit: int, deliver: int, promise: int) -> int:
        """Basis points of arriving by the day `promise` what is planned, at `transit` working days, for the day `deliver`."""
        if self.odds is None:
            return FULL_BP if deliver <= promise else 0
        return self.odds.p_on_time(self._lane(node, zip3, service, transit), deliver, promise)

    def late(self, on_time_bp: int) -> bool:
        """Whether that is too unsure to count as in time."""
        return on_time_bp < self.level_bp

    def price(self, on_time_bp: int) -> int:
        """Micros a unit that lateness is expected to cost."""
        return (FULL_BP - on_time_bp) * self.late_minor * MICROS_PER_MINOR // FULL_BP

    def promised(self, node: int, zip3: int, service: int, transit: int, ship: int) -> int:
        """The day to promise for what leaves on the day `ship`: reached with the level, or later where that is worth it."""
        if self.odds is None:
            return add_working_days(ship, transit)
        lane = self._lane(node, zip3, service, transit)
        days = self.odds.quantile_days(lane, self.level_bp)
        if self.late_days:
            days = max(days, self.odds.worth_days(lane, self.late_days))
        return add_working_days(ship, days)

    def _lane(self, node: int, zip3: int, service: int, transit: int) -> Lane:
        return lane_of(self._nodes[node], zip3, "", self._services[service], transit)


def lane_of(node: Node, zip3: int, state: str, service: str, planned: int) -> Lane:
    """The lane from a node to a ZIP3 (-1: only the state is known)."""
    where = STATE_OF_ZIP3[zip3] if zip3 >= 0 else state
    return Lane(node.code, node.state, f"{zip3:03d}" if zip3 >= 0 else "", where, service, planned)


class _Planned:
    """Planned days of observed shipments that do not say: those of the transit tables. Equal tables make it equal, for the cache."""

    def __init__(self, network: NetworkFile, tables: RateTables) -> None:
        self.nodes, self.tables = network.nodes, tables
        self._same = (tables.version, network.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Planned) and self._same == other._same

    def __hash__(self) -> int:
        return hash(self.tables.version)

    def days(self, node: int, zip3: int, service: str) -> int:
        """Working days from a node to a ZIP3; NOT_SERVED where it has none."""
        tables, known = self.tables, service or self.nodes[node].services[0]
        zone = int(tables.zone3[node, zip3]) if zip3 >= 0 else 0
        if not zone or known not in tables.services:
            return NOT_SERVED
        return int(tables.transit_days[tables.services.index(known), node, zone])


@lru_cache(maxsize=4)  # facts are made anew at each price date; what was observed is the same
def _learned(said: Promise, planned: _Planned) -> Odds:
    index = {node.code: i for i, node in enumerate(planned.nodes)}
    seen = (_seen(row, index[row.node], planned) for row in said.observed if row.node in index)
    rules = Settings(half_life=said.half_life_months, cautious=said.cautious)
    return Odds([one for one in seen if one is not None], rules)


def _seen(row: Transit, node: int, planned: _Planned) -> Seen | None:
    """What a row says of a lane; None where neither it nor the transit tables plan any days for it."""
    zip3 = int(row.dest) if row.dest.isdigit() else -1
    days = row.planned if row.planned >= 0 else planned.days(node, zip3, row.service)
    if days == NOT_SERVED:
        return None
    lane = lane_of(planned.nodes[node], zip3, row.dest, row.service, days)
    return Seen(lane, row.actual, row.month, row.count, row.on_the_road)
