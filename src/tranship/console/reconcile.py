"""Numbers that must meet: each is reached two ways, and a report whose ways do not meet is not written."""

from collections.abc import Sequence

from tranship.console.figures import ReportData
from tranship.console.walk import CANCELLED, Source, Walk
from tranship.core.errors import InvariantError


def check(data: ReportData, books: Walk, store: Source) -> list[str]:
    """Every check in words with its numbers. Raises InvariantError naming the first that fails."""
    return [
        *_lines(data, books),
        *_units(data),
        *_sums(data),
        *_tables(data, books, store),
        *_caps(data, books),
    ]


def _meet(words: str, left: int, right: int) -> str:
    if left != right:
        raise InvariantError(f"the report's numbers do not meet: {words}: {left:,} is not {right:,}")
    return words


def _lines(data: ReportData, books: Walk) -> list[str]:
    out = []
    for file in data.files:
        out.append(
            _meet(
                f"{file.file}: {file.read:,} lines read = {file.accepted:,} accepted + {file.rejected:,} rejected",
                file.read,
                file.accepted + file.rejected,
            )
        )
        _meet(f"{file.file}: rejected by reason", sum(reason.count for reason in file.reasons), file.rejected)
    if data.files:
        _meet("all lines", data.lines_read, data.lines_accepted + data.lines_rejected)
        sources = {file.source for file in data.files}
        lines = sum(order.lines for order in books.orders.values() if order.source in sources)
        back = books.cancel_lines + books.exceptions.get("cancel_unknown", [0])[0]
        other = data.lines_accepted - lines - back
        words = f"{data.lines_accepted:,} accepted lines = {lines:,} order lines + {back:,} lines that take units back"
        if other:
            words += f" + {other:,} of orders taken before, or not run yet"
        out.append(words)
    return out


def _units(data: ReportData) -> list[str]:
    units = data.units
    words = (
        f"{units.ordered:,} units ordered = {units.placed:,} placed + {units.parked:,} parked + {units.expired:,} expired"
        f" + {units.cancelled:,} taken back before they shipped"
    )
    return [
        _meet(words, units.ordered, units.placed + units.parked + units.expired + units.cancelled),
        _meet(
            f"{units.placed:,} units placed = {units.open:,} open + {units.shipped:,} on the road + {units.delivered:,} delivered",
            units.placed,
            units.open + units.shipped + units.delivered,
        ),
    ]


def _sums(data: ReportData) -> list[str]:
    """The same total by network, node, lane, size, period and order."""
    parts = data.splits.fulfillment_orders
    _meet("fulfillment orders by network", sum(one.fulfillment_orders for one in data.networks), parts)
    _meet("fulfillment orders by node", sum(one.fulfillment_orders for one in data.nodes), parts)
    _meet("fulfillment orders by lane", sum(one.fulfillment_orders for one in data.lanes), parts)
    _meet("fulfillment orders by size", sum(one.capped + one.independent for one in data.sizes), parts)
    _meet("fulfillment orders by period", sum(sum(one.fulfillment_orders.values()) for one in data.periods), parts)
    _meet("fulfillment orders by order", sum(n * count for n, count in data.splits.histogram.items()), parts)
    _meet("fulfillment orders by days", sum(sum(one.days.values()) for one in data.networks), parts)
    _meet("units by period", sum(one.ordered for one in data.periods), data.units.ordered)
    _meet("units by lane", sum(one.units for one in data.lanes), data.units.placed)
    _meet("cost by network", sum(one.cost for one in data.networks), data.cost)
    _meet("cost by lane", sum(one.cost for one in data.lanes), data.cost)
    _meet("cost by size", sum(one.capped_cost + one.independent_cost for one in data.sizes), data.cost)
    _meet("units given up by reason", sum(one.expired for one in data.waiting), data.units.expired)
    return [f"{parts:,} fulfillment orders and their cost: the same sum by network, node, lane, size, period and order"]


def _tables(data: ReportData, books: Walk, store: Source) -> list[str]:
    """What the journal says here against the relational rows, which the engine wrote with each commit."""
    mine: dict[str, list[int]] = {}
    for part in books.parts():
        sums = mine.setdefault(part.status, [0, 0, 0, 0])
        for i, value in enumerate((1, part.units, part.cost, int(part.late))):
            sums[i] += value
    rows = store.query("SELECT status, COUNT(*), SUM(units), SUM(cost), SUM(late) FROM part GROUP BY status")
    table = {str(status): _numbers(numbers) for status, *numbers in rows}
    for status in sorted(mine.keys() | table.keys()):
        _equal(
            f"{status.lower()} fulfillment orders, units, cost, late",
            mine.get(status, [0] * 4),
            table.get(status, [0] * 4),
        )
    orders = store.query("SELECT COUNT(*), SUM(units), SUM(lines) FROM orders")[0]
    _equal("orders, units, lines", [data.run.orders, data.units.ordered, data.run.order_lines], _numbers(orders))
    _equal("parked units", [data.units.parked], _numbers(store.query("SELECT SUM(units) FROM parked")[0]))
    parts, voided = sum(sums[0] for sums in mine.values()), mine.get(CANCELLED, [0])[0]
    return [f"journal and tables agree: {data.run.orders:,} orders, {parts:,} fulfillment orders ({voided:,} void)"]


def _numbers(row: Sequence[object]) -> list[int]:
    return [int(str(value or 0)) for value in row]


def _equal(what: str, left: list[int], right: list[int]) -> None:
    for mine, table in zip(left, right, strict=True):
        _meet(f"{what}: journal and table", mine, table)


def _caps(data: ReportData, books: Walk) -> list[str]:
    out = []
    for cap, found in zip(data.caps, books.caps, strict=True):
        if cap.max_share_bp > found.limit_max_bp and not cap.breaches:
            raise InvariantError(
                f"{cap.network} reached {cap.max_share_bp} bp under a cap of {cap.cap_bp} bp, and no breach is booked"
            )
        for one in cap.limits:
            if one.own_bp > one.cap_bp and not one.breaches:
                raise InvariantError(
                    f"{cap.network} reached {one.own_bp} bp under a cap of {one.cap_bp} bp (network version {one.version}),"
                    " and no breach is booked"
                )
        if cap.changed:
            said = [f"{one.own_bp / 100:.2f} % within a cap of {one.cap_bp / 100:g} %" for one in cap.limits]
            out.append(f"{cap.network}: counted entry by entry, at most {', then '.join(said)}")
            continue
        out.append(
            f"{cap.network}: counted entry by entry, at most {cap.max_share_bp / 100:.2f} % under a cap of {cap.cap_bp / 100:g} %"
        )
    return out


def arms(data: ReportData) -> list[str]:
    """The same for the arms of a comparison: other decisions, the same orders."""
    for arm in data.arms:
        _meet(f"units of the arm {arm.name!r}", arm.units_ordered, data.units.ordered)
        _meet(
            f"fates of units of the arm {arm.name!r}",
            arm.units_ordered,
            arm.units_placed + arm.units_parked + arm.units_expired + arm.units_cancelled,
        )
    if not data.arms:
        return []
    names = " and ".join(arm.name for arm in data.arms)
    return [f"compared with {names}: the same {data.run.orders:,} orders and {data.units.ordered:,} units in each"]
