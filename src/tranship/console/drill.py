"""The page of `tranship drill`: one outage under several policies. One file, no script, no request to anywhere; light and dark."""

import datetime as dt

import msgspec

from tranship.console.findings import counted
from tranship.console.page import fill
from tranship.console.svg import hues_of
from tranship.console.words import WAIT_WORDS
from tranship.core.time import local_day_minute

HUES = {"calm": "#98a2b0", "tranship": "#0f8f83", "no_hold": "#2f6fdb", "naive": "#7a4fd0", "nothing": "#5f7385"}
"""One hue a policy, in every drawing."""
LIMIT_WORDS = WAIT_WORDS | {"short": "the network sent less than it was asked for"}


class RiskPage(msgspec.Struct):
    """One network's goods that had not left; micros."""

    network: str
    hit: bool
    before: int
    during: int
    at_risk: int


class SeriesPage(msgspec.Struct):
    """One policy over time."""

    at_risk: list[int]
    parked: list[int]
    share_bp: list[int]


class LimitPage(msgspec.Struct):
    """Why units waited."""

    reason: str
    orders: int
    units: int
    orders_at_end: int


class ArmPage(msgspec.Struct):
    """One policy's figures; money in micros."""

    key: str
    name: str
    words: str
    orders: int
    in_time: int
    late: int
    slipped: int
    lost: int
    waiting: int
    given_up: int
    double_orders: int
    double_units: int
    double_value: int
    saved: int
    saved_value: int
    harmed: int
    kept_day: int
    moved_orders: int
    moved: int
    moves_cost: int
    extra_cost: int
    compared: int
    parked_orders: int
    limits: list[LimitPage]
    detect_s: float
    detected_by: str
    drain_s: float
    false_opened: int
    arrived: int
    arrived_placed: int
    exposed: int
    meant: int
    meant_placed: int
    quarantined: int
    calls: int
    unheard: int
    share_before_bp: int
    share_during_bp: int
    share_after_bp: int
    window_high_bp: int
    cap_bp: int
    risks: list[RiskPage]
    series: SeriesPage
    broken: list[str]

    @property
    def missed(self) -> int:
        """Orders that did not reach their customer in time, whatever the reason."""
        return self.late + self.lost + self.waiting + self.given_up


class LinePage(msgspec.Struct):
    """A connection."""

    network: str
    nodes: list[str]
    kind: str
    made_up: bool
    hold: bool
    unproven: list[str]
    rates: str


class DrillPage(msgspec.Struct):
    """All of it."""

    run: str
    scenario: str
    words: str
    currency: str
    seed: int
    day: str
    zone: str
    network: str
    nodes: list[str]
    capped: str
    starts_at: int
    ends_at: int
    first_at: int
    last_at: int
    orders: int
    units: int
    value: int
    taken_from: str
    spare: float
    times: list[int]
    orders_by_hour: list[int]
    first_hour: int
    lines: list[LinePage]
    arms: list[ArmPage]
    assumed: list[str]

    def arm(self, key: str) -> ArmPage | None:
        """One policy, where it was played."""
        return next((arm for arm in self.arms if arm.key == key), None)

    @property
    def policies(self) -> list[ArmPage]:
        """Those that met the outage."""
        return [arm for arm in self.arms if arm.key != "calm"]

    def clock(self, at: int) -> str:
        """Local time of day; with the weekday where it is another day."""
        day, minute = local_day_minute(at, self.zone)
        words = f"{minute // 60:02d}:{minute % 60:02d}"
        first = local_day_minute(self.first_at, self.zone)[0]
        return words if day == first else f"{(dt.date(1970, 1, 1) + dt.timedelta(days=day)).strftime('%a')} {words}"


def span(seconds: float) -> str:
    """A time as people say it.

    >>> span(4.5), span(130), span(7_260), span(-1)
    ('4.5 s', '2 min 10 s', '2 h 1 min', 'never')
    """
    if seconds < 0:
        return "never"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 3_600:
        return f"{seconds // 60:.0f} min" + (f" {seconds % 60:.0f} s" if round(seconds % 60) else "")
    return f"{seconds // 3_600:.0f} h" + (f" {seconds % 3_600 // 60:.0f} min" if seconds % 3_600 >= 60 else "")


def headline(page: DrillPage) -> str:
    """What matters first: who failed, what was kept, what the others shipped twice."""
    own, naive, idle = page.arm("tranship"), page.arm("naive"), page.arm("nothing")
    what = {"tight-cap": "A silent 3PL under a tight cap", "stall": "A silent stall"}.get(
        page.scenario, f"A {page.scenario}"
    )
    head = f"{what} at {page.network}"
    if own is None:
        return head
    told = []
    if own.saved or (idle is not None and idle.missed):
        told.append(f"{counted(own.saved, 'order')} saved that would have been late or lost")
    elif own.kept_day:
        told.append(f"{counted(own.kept_day, 'order')} left on the day they were promised to")
    told.append(f"{own.double_orders} shipped twice" if own.double_orders else "none shipped twice")
    if naive is not None and naive.double_orders:
        told.append(f"{naive.double_orders:,} by failing over on timeout")
    return f"{head}: {', '.join(told)}"


def lead(page: DrillPage) -> str:
    """The outage in two sentences."""
    own = page.arm("tranship")
    began, ended = page.clock(page.starts_at), page.clock(page.ends_at)
    text = f"{page.words} From {began} to {ended} on a Black Friday of {counted(page.orders, 'order')} ({page.taken_from})."
    if own is None:
        return text
    if own.detect_s >= 0:
        text += f" Noticed after {span(own.detect_s)}"
        if own.drain_s < 0:
            text += "; what it had taken could not all be called back."
        elif own.moved:
            text += f", and nothing was left to move {span(own.drain_s)} later."
        else:
            text += ", when nothing was waiting there that could move."
    else:
        text += " Nothing gave it away while it lasted."
    return text


def network_hues(page: DrillPage) -> dict[str, str]:
    """The hue of each network: ambers for the capped one."""
    return hues_of((line.network, line.network == page.capped) for line in page.lines)


def render(page: DrillPage) -> str:
    """The page as text. The same data give the same bytes."""
    from tranship.console import charts_drill

    charts = {
        "risk": charts_drill.risk(page), "outcomes": charts_drill.outcomes(page), "share": charts_drill.share(page),
        "day": charts_drill.day(page),
    }  # fmt: skip
    facts = {
        "page": page, "headline": headline(page), "lead": lead(page), "own": page.arm("tranship"), "hues": network_hues(page),
        "currency": page.currency, "span": span, "limit_words": LIMIT_WORDS, "policy_hues": HUES,
    }  # fmt: skip
    return fill("drill.html", charts, facts, ("dark.css", "drill.css"))
