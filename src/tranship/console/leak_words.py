"""What the leak report says in sentences. Each is made from figures and names them; where there is too little, it says that."""

from tranship.console.findings import counted
from tranship.console.leak_page import BarPage, LeakPage, NetworkPage
from tranship.masking.leak.model import Adversary

LEAK_WORDS = {
    "tau_growth": "Which products grow",
    "top10": "The ten fastest growers",
    "timing": "Growth, from timing alone",
    "vip": "Your best customers",
    "pairs": "Orders of one customer",
    "freq20": "How often they buy",
    "aov20": "What they spend",
    "tau_margin": "Where you earn most",
}
"""A metric in a few words."""
MEANING = {
    "tau_growth": "agreement of the network's ranking with yours (Kendall tau): 1 is the same order, 0 knows nothing",
    "top10": "part of your ten fastest growing products that are among its ten",
    "timing": "agreement of growth with how irregular orders come (tau): a limit that binds makes them regular",
    "vip": "part of your best 5 % of customers that are among as many it would name",
    "pairs": "part of all pairs of orders of one customer that an address joins",
    "freq20": "repeat customers whose number of orders it gets right within 20 %",
    "aov20": "repeat customers whose mean order value it gets right within 20 %",
    "tau_margin": "agreement of its ranking of regions by margin with yours (tau)",
}
TAUS = frozenset({"tau_growth", "timing", "tau_margin"})
"""Metrics that are ranks' agreement; the others are shares."""
ATTACKERS = {
    "slope": "slope of log weekly counts",
    "halves": "second half against first",
    "alias chain": "aliases joined again by volume",
    "alias level": "what sells much at the end",
    "alias course": "course within the last alias",
    "trees": "gradient boosting on 37 features",
    "ridge": "ridge regression on 37 features",
    "irregularity": "change of gaps between orders",
    "count": "counts what it saw",
    "count / share": "the same, divided by its share",
    "trees: count": "gradient boosting: how many orders",
    "trees: top": "gradient boosting: among the best",
    "address": "same address, same customer",
    "mean of parcels": "public prices of what it saw",
    "public prices": "public prices less its own fees",
    "none": "sees nothing of it",
}
CARRIED = {"vip": "finds of your best customers", "pairs": "joins of the pairs of orders of one customer"}
UNSAID = "too few orders to tell"
MANY, SOME = 0.5, 0.2
"""From where a network can rank, and from where it has a fair idea."""


def figure(name: str, value: float | None) -> str:
    """A metric's value as it is read: a tau with two digits, a share as percent.

    >>> figure("tau_growth", 0.873), figure("vip", 0.056), figure("vip", 0.7), figure("timing", -0.001), figure("vip", None)
    ('0.87', '5.6 %', '70 %', '0.00', '-')
    """
    if value is None:
        return "-"
    if name in TAUS:
        return f"{value:.2f}".replace("-0.00", "0.00")
    return f"{100 * value:.1f} %" if 0 < value < 0.0995 else f"{100 * value:.0f} %"


def guessing(bar: BarPage) -> str:
    """What guessing gives: its mean, and what it exceeds one time in 20.

    >>> guessing(BarPage("vip", 0.7, "count", 0.05, 0.005, 0.058, 1000, True, {}))
    '5.0 %'
    """
    if bar.floor is None:
        return "-"
    if bar.name in {"tau_growth", "timing", "tau_margin"} and bar.spread:
        return f"{figure(bar.name, bar.floor)} \u00b1 {bar.spread:.2f}"
    return figure(bar.name, bar.floor)


def growth(one: NetworkPage) -> str:
    """Whether it can rank growing products."""
    bar = one.bar("tau_growth")
    if bar.value is None:
        return f"too few orders to tell what {one.operator} learns of growth"
    beside = f"tau {figure('tau_growth', bar.value)}; guessing gives {guessing(bar)}"
    ten = one.bar("top10")
    if not bar.above and ten.value is not None and ten.above:  # no ranking, and yet the fastest are found
        found = f"it finds {figure('top10', ten.value)} of your ten fastest (guessing finds {guessing(ten)})"
        return f"{one.operator} cannot rank your growing products ({beside}), but {found}"
    if not bar.above:
        return f"{one.operator} cannot tell which of your products grow: {beside}"
    how = "can rank your growing products" if bar.value >= MANY else "has a fair idea which of your products grow"
    if bar.value < SOME:
        how = "has a faint idea which of your products grow"
    return f"{one.operator} {how}: {beside}"


def customers(one: NetworkPage) -> str:
    """Whether it can find the best customers; "" where there are too few."""
    bar = one.bar("vip")
    if bar.value is None:
        return ""
    if not bar.above:
        return f"It cannot find your best customers ({figure('vip', bar.value)}; guessing finds {guessing(bar)})"
    return f"It finds {figure('vip', bar.value)} of your best customers (guessing finds {guessing(bar)})"


def verdict(one: NetworkPage) -> list[str]:
    """What one network could work out, worst first, in sentences."""
    if not one.orders:
        return [f"{one.operator} saw nothing."]
    said = [f"{growth(one)[:1].upper()}{growth(one)[1:]}."]
    best = customers(one)
    if best:
        said.append(best + ".")
    pairs = one.bar("pairs")
    if pairs.value is not None:
        said.append(
            f"An address joins {figure('pairs', pairs.value)} of all pairs of orders of one customer"
            f" ({one.pairs_same:,} of {one.pairs_true:,})."
        )
    said += [words for words in (_numbers(one), _margin(one), _timing(one), _carried(one)) if words]
    return said


def _numbers(one: NetworkPage) -> str:
    often, spend = one.bar("freq20"), one.bar("aov20")
    if often.value is None or spend.value is None:
        return ""
    told = []
    for bar, what in ((often, "how often they buy"), (spend, "what they spend")):
        beside = f"guessing {guessing(bar)}"
        told.append(f"{what} for {figure(bar.name, bar.value)} of repeat customers ({beside})")
    return f"It gets right {told[0]} and {told[1]}."


def _margin(one: NetworkPage) -> str:
    bar = one.bar("tau_margin")
    if bar.value is None:
        return ""
    beside = f"tau {figure('tau_margin', bar.value)}; guessing {guessing(bar)}"
    return f"It {'can' if bar.above else 'cannot'} tell in which regions you earn most ({beside})."


def _timing(one: NetworkPage) -> str:
    bar = one.bar("timing")
    if bar.value is None or not bar.above:
        return ""
    return f"Even the timing of orders tells growth: tau {figure('timing', bar.value)}; guessing {guessing(bar)}."


def _carried(one: NetworkPage) -> str:
    known = [bar for bar in one.with_carried if bar.value is not None and bar.name in {"vip", "pairs"}]
    if not known:
        return ""
    told = " and ".join(f"{CARRIED[bar.name]} {figure(bar.name, bar.value)}" for bar in known)
    return f"It also carries the parcels of {', '.join(one.carries)}: from the labels of both it {told}."


def headline(page: LeakPage) -> str:
    """The worst of what somebody learns: of the network that sees most, a capped one before others."""
    seeing = [one for one in page.networks if one.orders]
    if not seeing:
        return "No network saw an order of this run."
    one = max(seeing, key=lambda one: (one.capped, one.line_share))
    best = customers(one)
    words = growth(one)
    return f"{words[:1].upper()}{words[1:]}." + (f" {best}." if best else "")


def lead(page: LeakPage) -> str:
    """What was measured, in two sentences."""
    facts = page.facts
    if not facts.orders:
        return ""
    text = (
        f"What each network could work out from the orders it saw: {counted(facts.orders, 'order')} of"
        f" {counted(facts.customers, 'customer')} from {facts.first} to {facts.last}, {counted(facts.skus, 'product')}."
        " Beside every figure stands what guessing would give."
    )
    if page.quick:
        text += " Without learned attackers (--quick): a trained one does as well or better."
    return text


def saw(one: NetworkPage) -> str:
    """How much it saw, and how that is known."""
    how = "orders that were sent to it" if one.sent else "fulfillment orders placed there (it is not connected)"
    text = f"Saw {100 * one.line_share:.0f} % of the order lines and part of {100 * one.order_share:.0f} % of the orders: {how}"
    if one.cancelled and one.sent:
        text += f", {one.cancelled:,} of them taken back later"
    return text + "."


def beyond(one: NetworkPage) -> str:
    """What went to it beyond its leak budget, in one or two sentences."""
    spent = one.excess
    if spent is None:
        return ""
    if not spent.orders:
        return f"Its leak budget of {spent.budget} was kept: nothing went there beyond it."
    causes = [
        (spent.conflict, f"nobody else could take (on_conflict = {spent.on_conflict})"),
        (spent.failure, "another network that had failed could not take"),
    ]
    why = " and ".join(f"{count:,} that {words}" for count, words in causes if count)
    text = (
        f"{counted(spent.orders, 'order')} of the {sum(spent.seen):,} that it saw went there beyond its leak budget of {spent.budget}:"
        f" {why}."
        f" They are of {counted(spent.households, 'household')}"
    )
    return text + (f" and show {spent.best:,} of your best customers." if spent.best else ".")


def assumed(page: LeakPage) -> list[str]:
    """What the figures rest on."""
    facts = page.facts
    out = []
    known = [
        (facts.by_address, "by the address itself"),
        (facts.by_account, "by customer account, one household each, where no street address is in the run"),
        (facts.guests, "by order: guests without an address, never joined here; a network that reads the label may join them"),
    ]  # fmt: skip
    told = "; ".join(f"{counted(count, 'order')} {words}" for count, words in known if count)
    out.append(f"Households are told apart {told}.")
    if facts.business or facts.pickup:
        out.append(
            f"{counted(facts.business, 'order')} of businesses and {counted(facts.pickup, 'order')} to pickup points show no household."
        )
    if facts.left_out:
        out.append(
            f"Only the last {facts.weeks} weeks are measured; {counted(facts.left_out, 'order')} before are left out."
        )
    out.append(
        f"Growth is compared for products with at least {page.least_rows} order lines: the slope of log weekly lines, your books against"
        " what the network saw. A product that is rarely sold grows by chance, in your books too."
    )
    out.append(
        "Margin is a stand-in: the run has no cost of goods, so it is 45 % of the goods' value less what shipping came to. The network"
        " reckons with public prices (the median price charged for a product) and its own fees, and does not see what you charged."
    )
    out.append(
        f"Regions with fewer than 30 orders are left out ({facts.regions} are compared). Guessing, for ranks: your own figures shuffled."
        " For hits: chance. For numbers: the best one guess for all."
    )
    out.append(
        "The carrier (transit) sees parcels, labels and times, no items; it is granted SKU aliases that change every"
        f" {page.alias_weeks} weeks."
    )
    out += facts.banner
    if facts.unpriced:
        out.append(f"{facts.unpriced:,} order lines have no price and count as worth nothing.")
    if page.own:
        out.append(f"Your own network is left out: {', '.join(page.own)} (ask for it with --network).")
    return out


def adversary_name(one: NetworkPage, adversary: Adversary) -> str:
    """Who looks."""
    if adversary is Adversary.NODE:
        return one.operator
    return f"carrier of {one.operator}"
