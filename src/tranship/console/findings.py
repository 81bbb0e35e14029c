"""What the numbers say, in sentences. Every sentence is made from figures of ReportData and names them; none is fixed praise."""

from collections.abc import Sequence

from tranship.console.figures import ArmCap, ArmFacts, CapFacts, CapLimit, ReportData, SizeClass
from tranship.console.words import MEASURE_WORDS
from tranship.core.network import FULL_BP
from tranship.core.time import day_to_date

NOTHING = "This run has no orders yet."
FEW = 30
"""Fulfillment orders below which two averages are not compared."""
MINORITY = 0.35
"""Share of the capped side below which large orders are said to stay away from it."""
SAME = 0.005
"""Relative difference below which two costs are called the same."""


def tell(data: ReportData) -> None:
    """Fill in headline, summary and the words beside cap and comparison."""
    if not data.run.orders:
        data.headline = NOTHING
        return
    data.cap_words = [words for cap in data.caps for words in _cap_words(data, cap)]
    data.size_words = _size_words(data)
    data.arm_words = [_arm(data, arm) for arm in data.arms if data.cost and arm.cost]
    data.headline = _headline(data)
    data.summary = [*_share_of_all(data), _promise(data), _unplaced(data)]


# -- numbers as people read them --------------------------------------------------------------------------------------


def percent(bp: int, digits: int = 1) -> str:
    """Basis points as percent."""
    return f"{bp / 100:.{digits}f} %"


def part_of(part: float, whole: float, digits: int = 1) -> str:
    """A share of a whole as percent; a dash of nothing."""
    return f"{100 * part / whole:.{digits}f} %" if whole else "-"


def money(micros: float, currency: str) -> str:
    """Micros as money with its sign before it: $11.38, -$0.20, 3.10 EUR."""
    sign = "-" if micros < 0 else ""
    amount = f"{abs(micros) / 1e6:,.2f}"
    return f"{sign}${amount}" if currency == "USD" else f"{sign}{amount} {currency}"


def rounded(micros: float, currency: str) -> str:
    """Large sums without cents."""
    sign = "-" if micros < 0 else ""
    amount = f"{abs(micros) / 1e6:,.0f}"
    return f"{sign}${amount}" if currency == "USD" else f"{sign}{amount} {currency}"


def change(ratio: float, digits: int = 1) -> str:
    """A relative difference: +25 %, -2.1 %."""
    return f"{100 * ratio:+.{digits}f} %"


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 order, 2 orders."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def operator(data: ReportData, code: str) -> str:
    """The name of a network's operator."""
    return next((one.operator for one in data.networks if one.code == code), code)


def date(at: int) -> str:
    """The day of a moment, as ISO 8601 writes it."""
    return day_to_date(at // 86_400_000_000).isoformat()


def cap_said(cap: CapFacts) -> str:
    """The limit, and those before it: 60 %, then 30 %."""
    return ", then ".join(percent(one.cap_bp, 0) for one in cap.limits) or percent(cap.cap_bp, 0)


def arm_cap(arm: ArmFacts | None, cap: CapFacts | None) -> ArmCap | None:
    """The counters of this cap in that arm."""
    if arm is None or cap is None:
        return None
    mine = (cap.network, cap.measure, cap.window)
    return next((one for one in arm.caps if (one.network, one.measure, one.window) == mine), None)


def per(cost: float, count: int) -> float:
    """Cost per thing; 0 where there is none."""
    return cost / count if count else 0.0


def arm_of(data: ReportData, name: str) -> ArmFacts | None:
    """The arm of this name, if it was run."""
    return next((arm for arm in data.arms if arm.name == name), None)


# -- headline ---------------------------------------------------------------------------------------------------------


def _headline(data: ReportData) -> str:
    if not data.splits.fulfillment_orders:
        return f"None of {counted(data.run.orders, 'order')} could be placed."
    if not data.caps:
        return _uncapped(data)
    cap = data.caps[0]
    name = operator(data, cap.network)
    if cap.changed:
        return f"{name}'s cap was changed within this run: {_limits(cap)}."
    if cap.breaches:
        return (
            f"{name} was over its {percent(cap.cap_bp, 0)} cap: {counted(cap.breaches, 'fulfillment order')} placed beyond it,"
            f" at most {percent(cap.max_share_bp)} of the last {cap.window:,}."
        )
    since = f"Since {date(cap.since)}, when this cap's counting began, " if cap.since else ""
    ceiling = f"{since}{name} never had more than {percent(cap.max_share_bp)} of {_window(cap)}"
    none = arm_of(data, "none")
    free = arm_cap(none, cap)
    if none is None or free is None or not none.cost:
        return f"{ceiling}, under a cap of {percent(cap.cap_bp, 0)}."
    reached = free.high_bp
    mine = per(data.cost, data.splits.orders_placed)
    delta = mine - per(none.cost, none.orders_placed)
    if reached <= cap.cap_bp:
        stayed = f"{since}{name}'s share of {_window(cap)} stayed at {percent(cap.high_bp)} or less"
        return f"{stayed}; without the cap it would have reached {percent(reached)}: there was nothing to hold back."
    if abs(delta) < SAME * mine:
        price = "holding it back cost next to nothing"
    elif delta > 0:
        price = f"holding it back cost {money(delta, data.run.currency)} an order ({change(delta / (mine - delta), 0)})"
        price += _against_counter(data, none, mine)
    else:
        price = f"with the cap an order cost {money(-delta, data.run.currency)} less"
    return f"{ceiling}. Without the cap it would have reached {percent(reached)}; {price}."


def _limits(cap: CapFacts) -> str:
    """What the share did under each limit: a window that filled under one is not held against the next."""
    return "; ".join(_limit(cap, one, i) for i, one in enumerate(cap.limits))


def _limit(cap: CapFacts, one: CapLimit, place: int) -> str:
    if place == 0:
        until = date(cap.limits[1].at)
        words = f"until {until} {percent(one.cap_bp, 0)}, with at most {percent(one.own_bp)} of the last {cap.window:,}"
    else:
        words = f"from {date(one.at)} on {percent(one.cap_bp, 0)}"
        if one.carried_bp <= one.cap_bp:
            words += f", with at most {percent(one.own_bp)}"
        elif one.met_at:
            words += (
                f", where {percent(one.carried_bp)} taken under the limit before still stood in the window: within it since"
                f" {date(one.met_at)}, then at most {percent(one.own_bp)}"
            )
        else:
            words += (
                f", where {percent(one.carried_bp)} taken under the limit before still stood in the window"
                " and it has not been within it since"
            )
    return words + (f" ({counted(one.breaches, 'fulfillment order')} placed beyond it)" if one.breaches else "")


def _against_counter(data: ReportData, none: ArmFacts, mine: float) -> str:
    """What a bare counter would have cost beside that, where it would have been dearer."""
    counter = arm_of(data, "counter")
    if counter is None:
        return ""
    theirs = per(counter.cost, counter.orders_placed)
    if theirs - mine < SAME * mine:
        return ""
    return f", where a bare counter costs {money(theirs - per(none.cost, none.orders_placed), data.run.currency)}"


def _window(cap: CapFacts) -> str:
    what = MEASURE_WORDS.get(cap.measure, cap.measure)
    if not cap.filled_at:
        return f"the first {cap.entered:,} {what}" if cap.entered > 1 else "what was placed"
    return f"the last {cap.window:,} {what}"


def _uncapped(data: ReportData) -> str:
    first = max(data.networks, key=lambda one: one.fulfillment_orders)
    share = part_of(first.fulfillment_orders, data.splits.fulfillment_orders)
    return f"No share cap is set: {first.operator} shipped {share} of {counted(data.splits.fulfillment_orders, 'fulfillment order')}."


# -- summary ----------------------------------------------------------------------------------------------------------


def _share_of_all(data: ReportData) -> list[str]:
    orders = counted(data.run.orders, "order")
    placed = counted(data.splits.fulfillment_orders, "fulfillment order")
    each = money(per(data.cost, data.splits.orders_placed), data.run.currency)
    total = rounded(data.cost, data.run.currency)
    return [f"{orders} became {placed} for {total}: {each} an order, every one of them quoted from the rate cards."]


def _promise(data: ReportData) -> str:
    found = data.promise
    kept = part_of(found.on_time_in_full, found.wanted)
    return f"{kept} of orders are projected to arrive in full and by the promise; {part_of(found.in_full, found.wanted)} in full."


def _unplaced(data: ReportData) -> str:
    units = data.units
    lost = units.expired + units.parked
    if not lost:
        return "Every unit that was not taken back was placed."
    largest = max(data.waiting, key=lambda one: one.expired + one.parked)
    share = part_of(largest.expired + largest.parked, lost, 0)
    return f"{part_of(lost, units.ordered)} of the units ordered could not be placed in time, {share} of them because {largest.words}."


# -- the cap ----------------------------------------------------------------------------------------------------------


def _cap_words(data: ReportData, cap: CapFacts) -> list[str]:
    name = operator(data, cap.network)
    out = [f"The cap was changed: {_limits(cap)}."] if cap.changed else []
    if by_price(cap):
        out.append(_by_price(data, name, cap))
    elif not cap.changed:
        out.append(_course(name, cap))
    if cap.decisions:
        out.append(_why_not(name, cap))
    if cap.refused:
        out.append(_refused(data, name, cap))
    if cap.decisions and not by_price(cap):
        out.append(_price(data, name, cap))
    stocked = next((one.count for one in cap.without if one.name == "stock"), 0)
    without = sum(one.count for one in cap.without)
    if stocked > without / 2:
        out.append(
            f"{percent(cap.shelf_bp, 0)} of all units that came in lay at {name}'s nodes. Where most decisions without {name}"
            " are for want of goods, it is stock more than the cap that sets the share."
        )
    if cap.voided:
        out.append(
            f"{counted(cap.voided, 'entry', 'entries')} were voided later. At the end the window stands at {percent(cap.now_bp)};"
            f" without voided entries {percent(cap.live_bp)}."
        )
    return out


def by_price(cap: CapFacts) -> bool:
    """Whether the cap's price, not its gate, does the holding: most decisions met one."""
    return 2 * cap.priced > cap.decisions


def bound(cap: CapFacts) -> bool:
    """Whether the cap changed what went where to an extent that colors every average."""
    return by_price(cap) or 2 * cap.tight_bp > FULL_BP or 20 * cap.refused > cap.decisions


def _by_price(data: ReportData, name: str, cap: CapFacts) -> str:
    most = money(cap.price_max, data.run.currency)
    return (
        f"The cap bound, by its price: in {part_of(cap.priced, cap.decisions, 0)} of decisions a place under it had one, at most {most}."
        f" Orders that gain least from {name} gave way before the gate was reached, and the share of the run is {percent(cap.run_bp)}."
    )


def _price(data: ReportData, name: str, cap: CapFacts) -> str:
    if cap.priced:
        most = money(cap.price_max, data.run.currency)
        return (
            f"A place under the cap had a price in {counted(cap.priced, 'decision')}, at most {most}: orders that gain least from"
            " it gave way first."
        )
    if cap.refused > cap.decisions / 100:
        return "A place under the cap never had a price: the gate and its reserve did all the holding."
    return f"A place under the cap never had a price: {name} was never short of room for long."


def _course(name: str, cap: CapFacts) -> str:
    what = MEASURE_WORDS.get(cap.measure, cap.measure)
    if not cap.filled_at:
        return (
            f"The window of {cap.window:,} {what} never filled ({cap.entered:,} entered), so the limit grew with each entry;"
            f" {name} reached {percent(cap.max_share_bp)}."
        )
    near = percent(cap.tight_bp, 0)
    if cap.full_max_bp < cap.cap_bp - 100:
        return (
            f"Once the window of {cap.window:,} {what} was full, {name}'s share stayed at {percent(cap.full_max_bp)} or less: the cap of"
            f" {percent(cap.cap_bp, 0)} did not bind."
        )
    if cap.tight_bp < 2_000:
        return (
            f"The cap was met, but seldom: in {near} of the time with a full window {name} was within one point of it."
        )
    return f"The cap bound: in {near} of the time with a full window {name} was within one point of it."


def _why_not(name: str, cap: CapFacts) -> str:
    used = part_of(cap.with_network, cap.decisions, 0)
    text = f"{used} of {cap.decisions:,} decisions gave {name} something"
    rest = [f"{one.count:,} {_short(one.name, priced=by_price(cap))}" for one in cap.without]
    return text + (f". The others: {', '.join(rest)}." if rest else ".")


def _short(reason: str, *, priced: bool) -> str:
    if reason == "ok" and priced:
        return "could have, but another way was cheaper once the place had its price"
    return {
        "ok": "could have, but another way was cheaper",
        "cap": "were kept out by the cap",
        "late": "would have come late from there",
        "tier": "went to a preferred node",
        "full": "found no capacity there",
        "stock": "found none of their goods there",
        "item": "may not ship from there",
    }.get(reason, reason)


def _refused(data: ReportData, name: str, cap: CapFacts) -> str:
    text = f"The cap, or the reserve below it, turned {name} away from {counted(cap.refused, 'decision')}."
    if cap.refused_extra > 0:
        currency = data.run.currency
        each = money(cap.refused_extra / cap.refused_known, currency)
        where = (
            "Each" if cap.refused_known == cap.refused else f"Where both ways are known ({cap.refused_known:,}), each"
        )
        text += f" {where} cost {each} more than the refused way, {rounded(cap.refused_extra, currency)} in all."
    return text


def _size_words(data: ReportData) -> str:
    if len(data.caps) != 1:
        return ""
    name = operator(data, data.caps[0].network)
    if bound(data.caps[0]):
        return (
            f"Averages of what each side shipped. The cap is at work, so they do not say who would be cheaper: {name} keeps the orders"
            " that gain most from it, the others go where the difference is least."
        )
    return _crossing(data, name)


def _crossing(data: ReportData, name: str) -> str:
    """From which size on the independent side is the cheaper one, where it is so for every larger size as well."""
    both = [one for one in data.sizes if min(one.capped, one.independent) >= FEW]
    if not both:
        return ""
    every = _every(data.sizes, both)
    cheaper = [_unit(one, capped=False) < _unit(one, capped=True) for one in both]
    currency = data.run.currency
    first = next((i for i in range(len(both)) if all(cheaper[i:])), None)
    small = both[0]
    if first is None or first == len(both):
        return (
            f"{every} {name} is the cheaper side: {_pair(small, currency)} a unit at {_size(small)}."
            if not any(cheaper)
            else ""
        )
    large = both[first]
    if first == 0:
        return f"{every} the independent side is the cheaper one: {_pair(small, currency)} a unit at {_size(small)}."
    share = per(sum(one.capped for one in both[first:]), sum(one.capped + one.independent for one in both[first:]))
    if share < MINORITY:
        rest = "So large orders stay on the independent side without any cap, and the cap is a question of small ones."
    else:
        rest = (
            f"What {name} ships of that size all the same ({100 * share:.0f} %), it ships for want of stock elsewhere,"
            " not for its price."
        )
    return (
        f"Size decides who is cheaper: {_pair(small, currency)} a unit at {_size(small)}, but {_pair(large, currency)} at"
        f" {_size(large)}. {_cards(data)}{rest}"
    )


def _every(sizes: Sequence[SizeClass], both: Sequence[SizeClass]) -> str:
    """Of which sizes a sentence about `both` is true: all there are, or those of which both sides shipped enough to compare."""
    if len(both) == len(sizes):
        return "At every size"
    names = [one.label for one in both]
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"At {listed} {'unit' if names == ['1'] else 'units'} (of other sizes one side shipped fewer than {FEW})"


def _cards(data: ReportData) -> str:
    kinds = {one.network: one.card_kind for one in data.nodes}
    capped = {one.code for one in data.networks if one.capped}
    if {kinds.get(code) for code in capped} == {"per unit"} and "parcel" in {
        kinds[n] for n in kinds if n not in capped
    }:
        return "The capped card charges by the unit, a parcel card by the carton. "
    return ""


def _unit(one: SizeClass, *, capped: bool) -> float:
    return per(one.capped_cost, one.capped_units) if capped else per(one.independent_cost, one.independent_units)


def _pair(one: SizeClass, currency: str) -> str:
    return f"{money(_unit(one, capped=True), currency)} capped against {money(_unit(one, capped=False), currency)} independent"


def _size(one: SizeClass) -> str:
    return "1 unit" if one.label == "1" else f"{one.label} units"


# -- arms -------------------------------------------------------------------------------------------------------------


def _arm(data: ReportData, arm: ArmFacts) -> str:
    currency = data.run.currency
    mine, theirs = per(data.cost, data.splits.orders_placed), per(arm.cost, arm.orders_placed)
    name = {"none": "Without a cap", "counter": "With the bare counter (the same limit, no price and no reserve)"}.get(
        arm.name, arm.name
    )
    gap = theirs - mine
    if abs(gap) < SAME * mine:
        cost = f"an order would have cost the same within half a percent ({money(theirs, currency)})"
    else:
        word = "more" if gap > 0 else "less"
        cost = f"an order would have cost {money(theirs, currency)}, {money(abs(gap), currency)} {word} ({change(gap / mine)})"
    units = arm.units_placed - data.units.placed
    if units:
        cost += f", with {abs(units):,} {'more' if units > 0 else 'fewer'} units placed"
    return f"{name} {cost}; {arm.fulfillment_orders:,} fulfillment orders."
