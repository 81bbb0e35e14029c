"""Whether the independent side could stand alone: what it shares with the capped side, what it stocks, what it can carry at peak."""

from collections.abc import Iterable, Sequence

from tranship.connectors.netfile.finding import listed
from tranship.connectors.netfile.ground import Ground, percent
from tranship.core.network import FULL_BP, Node, Sku
from tranship.core.time import day_to_date, next_working_day


def name_only(ground: Ground) -> None:
    """Warn of independent nodes that share an operator, a carrier or anything they depend on with the capped side."""
    hint = "when the one fails, so does the other: its independence is only a name"
    told: set[tuple[str, str]] = set()
    for cap, nodes in zip(ground.file.caps, ground.capped, strict=True):
        capped = [ground.node(n) for n in sorted(nodes)]
        owner = ground.network(cap.network)[1]
        names = {name.casefold() for name in (owner.code, owner.operator) if name}
        for n in ground.open:
            own = n in nodes or ground.node(n).network == cap.network
            for path, what in () if own else _shared(ground, n, capped, names):
                if (path, what) not in told:
                    told.add((path, what))
                    ground.warn("name_only", path, what, hint)


def _shared(ground: Ground, n: int, capped: Sequence[Node], names: set[str]) -> Iterable[tuple[str, str]]:
    node = ground.node(n)
    number, network = ground.network(node.network)
    if network.operator.casefold() in names:
        yield (
            f"network[{number}].operator",
            f"{network.code} has the operator of the capped network, {network.operator}",
        )
    if network.carrier.casefold() in names:
        yield (
            f"network[{number}].carrier",
            f"{network.carrier}, the capped network, carries the parcels of {network.code}",
        )
    for word in node.depends_on:
        same = [other.code for other in capped if word.casefold() in map(str.casefold, other.depends_on)]
        if same:
            yield (
                f"node[{n + 1}].depends_on",
                f"{node.code} depends on {word}, and so does {listed(same)} on the capped side",
            )
        elif word.casefold().partition(":")[0] == "carrier" and word.casefold().partition(":")[2] in names:
            yield f"node[{n + 1}].depends_on", f"{node.code} depends on {word}, the capped network"


def articles(ground: Ground) -> None:
    """Warn of articles that only a capped network stocks or may ship, and of those that nobody may ship."""
    able, stocked = able_of(ground)
    nobody = [code for code, nodes in able.items() if not nodes]
    of = f"of {len(able):,} articles"
    if nobody:
        what = f"no open node stocks or may ship {len(nobody):,} {of}: {listed(nobody)}"
        ground.warn("nobody", "party.sku_file", what, "see nodes, hazmat, fragile and sensitivity in the SKU file")
    for cap, capped in zip(ground.file.caps, ground.capped, strict=True):
        only = [code for code, nodes in able.items() if nodes and nodes <= capped]
        if only and cap.cap_bp < FULL_BP:
            path = "party.stock_file" if stocked else "party.sku_file"
            what = f"only {cap.network}, capped at {percent(cap.cap_bp)}, stocks or may ship {len(only):,} {of}: {listed(only)}"
            ground.warn("capped_only", path, what, "stock them at an independent node too, or they wait for room")


def able_of(ground: Ground) -> tuple[dict[str, set[int]], bool]:
    """Open nodes that may ship each article and, where opening balances are given, have some of it; and whether any are given."""
    stocked: dict[str, set[int]] = {}
    index = ground.file.node_index()
    for opening in ground.stock:
        if opening.qty:
            stocked.setdefault(opening.sku, set()).add(index[opening.node])
    able = {sku.code: _able(ground, sku, index, stocked) for sku in ground.file.skus}
    for sku in ground.file.skus:
        for part, _ in sku.parts:
            able[sku.code] &= able[part]
    return able, bool(stocked)


def _able(ground: Ground, sku: Sku, index: dict[str, int], stocked: dict[str, set[int]]) -> set[int]:
    """Open nodes that may ship an article and, where opening balances are given, have some of it."""
    nodes = {index[code] for code in sku.nodes} if sku.nodes else set(ground.open)
    if not sku.parts:
        nodes &= stocked.get(sku.code, nodes)  # an article without any stock yet may come in anywhere
    return {n for n in nodes & set(ground.open) if _may(ground, sku, ground.node(n))}


def _may(ground: Ground, sku: Sku, node: Node) -> bool:
    rival = sku.sensitivity == "sensitive" and ground.network(node.network)[1].competitor
    return (node.hazmat or not sku.hazmat) and (node.fragile or not sku.fragile) and not rival


def peak(ground: Ground, on: Sequence[tuple[int, int]] | None) -> None:
    """Warn where the independent nodes cannot carry what the caps leave to them on the busiest working day."""
    units, busiest = _busiest(ground.file.peak_per_day, on)
    total = ground.capacity(ground.open)
    if total is not None and total < units:
        what = f"all open nodes ship {total:,} units a day, the busiest day asks for {units:,} ({busiest})"
        ground.warn("peak", "party.peak_per_day", what, "what is more waits for the next working day")
    for i, (cap, nodes) in enumerate(zip(ground.file.caps, ground.capped, strict=True), 1):
        needed = -(-units * (FULL_BP - cap.cap_bp) // FULL_BP)
        have = ground.capacity(n for n in ground.open if n not in nodes)
        if have is not None and have < needed:
            share = f"{100 * have / units:.1f} % of the busiest day ({units:,} units, {busiest})"
            what = f"independent nodes ship {have:,} units a day, {share}"
            least = f"the cap on {cap.network} leaves them {percent(FULL_BP - cap.cap_bp)}: at least {needed:,} units"
            ground.warn("peak", f"cap[{i}].share", what, least)


def _busiest(said: int, on: Sequence[tuple[int, int]] | None) -> tuple[int, str]:
    """Units of the busiest working day, and where that is from; 0: nothing is known."""
    if on is None:
        return said, "peak_per_day"
    days: dict[int, int] = {}
    for day, units in on:
        working = next_working_day(day)  # nodes ship on working days: a weekend's orders wait for its Monday
        days[working] = days.get(working, 0) + units
    if not days:
        return 0, "no orders"
    day = max(days, key=lambda at: (days[at], -at))
    return days[day], f"measured, {day_to_date(day).isoformat()}"
