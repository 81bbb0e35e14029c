"""The page of `tranship try`: baseline beside variations. One file, no script, no request to anywhere."""

import msgspec

from tranship.console.findings import change, counted, money, per
from tranship.console.page import fill
from tranship.console.svg import hues_of
from tranship.console.words import MEASURE_WORDS

FLOWS_SHOWN, CHANGES_SHOWN = 20, 8


class NetworkPage(msgspec.Struct):
    """One network in one arm."""

    network: str
    fulfillment_orders: int
    units: int
    cost: int
    share_bp: int


class CapPage(msgspec.Struct):
    """One cap in one arm; shares in basis points."""

    network: str
    measure: str
    window: int
    cap_bp: int
    high_bp: int
    full_bp: int
    end_bp: int
    above_at_first: int


class ArmPage(msgspec.Struct):
    """One arm's sums; money in micros."""

    name: str
    note: str
    orders: int
    orders_placed: int
    orders_in_full: int
    orders_wanted: int
    lines: int
    lines_in_full: int
    units_ordered: int
    units_placed: int
    units_parked: int
    units_given_up: int
    units_taken_back: int
    units_late: int
    fulfillment_orders: int
    cost: int
    days: float
    networks: list[NetworkPage]
    caps: list[CapPage]


class PairedPage(msgspec.Struct):
    """Mean difference of an order in micros, with its interval."""

    orders: int
    left_out: int
    mean: float
    low: float
    high: float
    relative: float
    blocks: int
    block: str
    cheaper: int
    dearer: int


class FlowPage(msgspec.Struct):
    """Units that moved."""

    source: str
    target: str
    why: str
    units: int
    orders: int
    cost: int


class ChangePage(msgspec.Struct):
    """An order that came out otherwise."""

    order: str
    at: int
    before: str
    after: str
    cost_before: int
    cost_after: int
    days_before: float
    days_after: float
    why: str


class TriedPage(msgspec.Struct):
    """One variation."""

    arm: ArmPage
    paired: PairedPage
    orders_changed: int
    units_moved: int
    flows: list[FlowPage]
    network_flows: list[FlowPage]
    changes: list[ChangePage]


class TrialPage(msgspec.Struct):
    """All of it."""

    run: str
    currency: str
    first_at: int
    last_at: int
    same: bool
    checked: str
    baseline: ArmPage
    variations: list[TriedPage]
    words: dict[str, str]
    notes: list[str]

    @property
    def arms(self) -> list[ArmPage]:
        """The baseline and every variation."""
        return [self.baseline, *(one.arm for one in self.variations)]


def wanted(arm: ArmPage) -> int:
    """Units ordered and not taken back before they shipped."""
    return arm.units_ordered - arm.units_taken_back


def network_hues(page: TrialPage) -> dict[str, str]:
    """The hue of each network: ambers for those that any arm caps."""
    capped = {cap.network for arm in page.arms for cap in arm.caps}
    return hues_of((one.network, one.network in capped) for one in page.baseline.networks)


def said(one: TriedPage, currency: str) -> str:
    """The paired difference in a sentence: what, how much, how sure."""
    paired = one.paired
    if not paired.orders:
        return "No order shipped the same units in both: their costs cannot be compared one by one."
    if not paired.cheaper and not paired.dearer:
        of = f" {counted(paired.left_out, 'order')} shipped other units." if paired.left_out else ""
        return f"Of {counted(paired.orders, 'order')} that shipped the same units, none costs otherwise.{of}"
    size = f"{money(abs(paired.mean), currency)} ({100 * abs(paired.relative):.2f} %)"
    word = "dearer" if paired.mean > 0 else "cheaper"
    if not paired.block:
        sure = f"; {counted(paired.blocks, 'day')} are too few to tell this from noise"
    else:
        low, high = money(paired.low, currency), money(paired.high, currency)
        sure = f"; 95 % interval {low} to {high} over {counted(paired.blocks, paired.block)}"
        if paired.low <= 0 <= paired.high:
            sure += ": not told from noise"
    left = f" {counted(paired.left_out, 'order')} shipped other units and are left out." if paired.left_out else ""
    return f"An order of the same units is {size} {word}{sure}.{left}"


def headline(page: TrialPage) -> str:
    """What matters first."""
    if all(not one.orders_changed for one in page.variations):
        return "Nothing would have come out otherwise."
    if len(page.variations) > 1:
        return f"{len(page.variations)} variations beside {counted(page.baseline.orders, 'order')} as they were."
    one, base = page.variations[0], page.baseline
    gap = per(one.arm.cost, one.arm.units_placed) - per(base.cost, base.units_placed)
    fill = one.arm.units_placed / max(1, wanted(one.arm)) - base.units_placed / max(1, wanted(base))
    relative = gap / max(1.0, per(base.cost, base.units_placed))
    costs = "costs the same a unit" if abs(relative) < 0.0005 else f"costs {change(relative)} a unit"
    fills = "fills as much" if abs(fill) < 0.0005 else f"fills {100 * fill:+.1f} points"
    return f"{one.arm.name}: {costs} and {fills}; {counted(one.orders_changed, 'order')} of {base.orders:,} came out otherwise."


def render(page: TrialPage) -> str:
    """The page as text. The same data give the same bytes."""
    from tranship.console import charts_trial

    charts = {
        "figures": charts_trial.figures(page), "shares": charts_trial.shares(page), "sure": charts_trial.intervals(page),
        **{f"flows{i}": charts_trial.flows(page, one) for i, one in enumerate(page.variations)},
    }  # fmt: skip
    facts = {
        "page": page, "headline": headline(page), "hues": network_hues(page), "currency": page.currency, "change": change,
        "said": said, "wanted": wanted, "measure_words": MEASURE_WORDS,
        "flows_shown": FLOWS_SHOWN, "changes_shown": CHANGES_SHOWN,
    }  # fmt: skip
    return fill("trial.html", charts, facts)
