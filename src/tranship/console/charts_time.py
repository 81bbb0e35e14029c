"""Charts over time: the share against its cap, who ships, what could be placed."""

import datetime as dt
from collections.abc import Callable, Sequence

from tranship.console.figures import CapFacts, Course, NetworkFacts, Period, ReportData
from tranship.console.findings import arm_cap, arm_of, cap_said, operator, percent
from tranship.console.svg import (
    FAINT,
    GRID,
    INK,
    MUTED,
    PAPER,
    date_ticks,
    hues,
    line_path,
    number,
    picture,
    short,
    steps,
    tag,
    text,
    tip,
)
from tranship.core.time import from_micros

WIDTH = 860
LEFT, RIGHT = 46, 118


class TimeAxis:
    """Time from left to right, between two dates; marks for reading."""

    def __init__(self, first: dt.date, last: dt.date) -> None:
        self.first, self.days = first, max(1.0, float((last - first).days))
        self.last = last

    def x(self, days: float) -> float:
        """Where so many days after the first are."""
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, days / self.days))

    def at(self, micros: int) -> float:
        """Where a UTC moment is."""
        moment = from_micros(micros)
        start = dt.datetime(self.first.year, self.first.month, self.first.day, tzinfo=dt.UTC)
        return self.x((moment - start).total_seconds() / 86_400)

    def marks(self, top: float, bottom: float) -> list[str]:
        """Ticks and words below the plot."""
        out = []
        for day, words in date_ticks(self.first, self.last):
            x = self.x((day - self.first).days)
            out.append(tag("path", d=f"M{number(x)} {number(top)}V{number(bottom + 4)}", stroke=GRID))
            out.append(text(x, bottom + 18, words, anchor="middle", fill=MUTED, size=11.5))
        return out


def axis_of(data: ReportData) -> TimeAxis:
    """The time axis that all charts of a report share."""
    first = dt.date.fromisoformat(data.periods[0].start)
    last = dt.date.fromisoformat(data.periods[-1].start) + dt.timedelta(days=data.period_days)
    return TimeAxis(first, last)


def share(data: ReportData, cap: CapFacts) -> str:
    """The window's share over time against the cap; without a cap beside it, where that was run."""
    top, bottom, height = 26.0, 306.0, 334.0
    axis = axis_of(data)
    hue = hues(data.networks).get(cap.network, INK)
    free = arm_cap(arm_of(data, "none"), cap)

    def y(bp: float) -> float:
        return bottom - (bottom - top) * bp / 10_000

    body = [_ramp(axis, cap, top, bottom), *axis.marks(top, bottom)]
    for bp in range(0, 10_001, 2000):
        body.append(tag("path", d=f"M{LEFT} {number(y(bp))}H{WIDTH - RIGHT}", stroke=GRID))
        body.append(text(LEFT - 8, y(bp) + 4, f"{bp // 100} %", anchor="end", fill=MUTED, size=11.5))
    ends: list[tuple[float, str, str]] = []
    if free is not None and free.course.at:
        points = _points(axis, free.course, y)
        body.append(
            tag("path", d=line_path(points), fill="none", stroke=FAINT, stroke_width=1.6, stroke_linejoin="round")
        )
        ends.append((points[-1][1], f"no cap {percent(free.course.high_bp[-1], 0)}", MUTED))
    points = _points(axis, cap.course, y)
    if points:
        area = f"{line_path(points)}L{number(points[-1][0])} {number(bottom)}L{number(points[0][0])} {number(bottom)}Z"
        body.append(tag("path", d=area, fill=hue, fill_opacity=0.13))
        body.append(
            tag("path", d=line_path(points), fill="none", stroke=hue, stroke_width=2.2, stroke_linejoin="round")
        )
        ends.append((points[-1][1], f"{operator(data, cap.network)} {percent(cap.course.high_bp[-1], 0)}", hue))
    body.append(
        tag(
            "path",
            d=_limit_path(axis, cap, y),
            fill="none",
            stroke=INK,
            stroke_width=1.5,
            stroke_dasharray="6 4",
        )
    )
    ends.append((y(cap.cap_bp), f"cap {percent(cap.cap_bp, 0)}", INK))
    body.extend(_ends(ends))
    title = f"Share of {operator(data, cap.network)} in the last {cap.window:,}, over time, against the cap of {cap_said(cap)}"
    highest = f"Highest {percent(cap.max_share_bp)}; at the end {percent(cap.now_bp)}."
    return picture(WIDTH, height, title, highest, body)


def _limit_path(axis: TimeAxis, cap: CapFacts, y: Callable[[float], float]) -> str:
    """The limit over time: a step where the cap was changed."""
    first = cap.limits[0].cap_bp if cap.limits else cap.cap_bp
    steps = [f"H{number(axis.at(one.at))}V{number(y(one.cap_bp))}" for one in cap.limits[1:]]
    return f"M{LEFT} {number(y(first))}{''.join(steps)}H{WIDTH - RIGHT}"


def _points(axis: TimeAxis, course: Course, y: object) -> list[tuple[float, float]]:
    assert callable(y)
    return [(axis.at(at), y(bp)) for at, bp in zip(course.at, course.high_bp, strict=True)]


def _ramp(axis: TimeAxis, cap: CapFacts, top: float, bottom: float) -> str:
    """While the window fills, the share is of fewer entries: shown as such."""
    if not cap.course.at:
        return ""
    end = axis.at(cap.filled_at) if cap.filled_at else WIDTH - RIGHT
    shade = tag("rect", x=float(LEFT), y=top, width=max(0.0, end - LEFT), height=bottom - top, fill="#f1f3f6")
    words = "window filling" if end - LEFT > 90 else ""
    return shade + (text(LEFT + 8, top + 16, words, fill=MUTED, size=11.5) if words else "")


def _ends(ends: list[tuple[float, str, str]]) -> list[str]:
    """Words at the right end of lines, moved apart where they would lie on each other."""
    placed: list[str] = []
    last = -100.0
    for y, words, color in sorted(ends):
        at = max(y, last + 15)
        placed.append(text(WIDTH - RIGHT + 8, at + 4, words, fill=color, size=12, font_weight=600))
        last = at
    return placed


def shippers(data: ReportData) -> str:
    """Who shipped, period by period, as parts of a whole."""
    top, bottom, height = 8.0, 128.0, 154.0
    axis = axis_of(data)
    colors = hues(data.networks)
    body = axis.marks(top, bottom)
    for percentage in (0, 50, 100):
        y = bottom - (bottom - top) * percentage / 100
        body.append(text(LEFT - 8, y + 4, f"{percentage} %", anchor="end", fill=MUTED, size=11.5))
    for i, period in enumerate(data.periods):
        total = sum(period.fulfillment_orders.values())
        if not total:
            continue
        x, width = _slot(axis, data, i)
        y = bottom
        for one in data.networks:
            count = period.fulfillment_orders.get(one.code, 0)
            part = (bottom - top) * count / total
            if part:
                y -= part
                words = f"{_of(data, period)}: {one.operator} {count:,} of {total:,} fulfillment orders ({count / total:.0%})"
                body.append(tag("rect", tip(words), x=x, y=y, width=width, height=part, fill=colors[one.code]))
    if len(data.caps) == 1:
        limit = _limit_path(axis, data.caps[0], lambda bp: bottom - (bottom - top) * bp / 10_000)
        body.append(tag("path", d=limit, fill="none", stroke=INK, stroke_width=1.2, stroke_dasharray="6 4"))
    body.extend(_legend(data.networks, colors, top))
    return picture(WIDTH, height, f"Fulfillment orders by network, by {_word(data)}", "Each column is a whole.", body)


def _legend(networks: Sequence[NetworkFacts], colors: dict[str, str], top: float) -> list[str]:
    out = []
    for i, one in enumerate(reversed(networks)):
        y = top + 12 + 18 * i
        out.append(tag("rect", x=float(WIDTH - RIGHT + 8), y=y - 9, width=10, height=10, rx=2, fill=colors[one.code]))
        out.append(text(WIDTH - RIGHT + 23, y, _cut(one.operator, 15), fill=INK, size=11.5))
    return out


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1].rstrip() + "\u2026"


FATES = (("placed", "#46566b", "none"), ("taken back", "#c3cbd6", "none"), ("not placed", PAPER, MUTED))
"""What became of units: words, fill, outline. What was not placed is empty, so that print without color tells it apart."""


def fill(data: ReportData) -> str:
    """Units ordered by the day of their order, and what became of them."""
    top, bottom, height = 12.0, 176.0, 204.0
    axis = axis_of(data)
    ticks = steps(max(period.ordered for period in data.periods), 3)
    most = ticks[-1]
    body = axis.marks(top, bottom)
    for tick in ticks:
        y = bottom - (bottom - top) * tick / most
        body.append(tag("path", d=f"M{LEFT} {number(y)}H{WIDTH - RIGHT}", stroke=GRID))
        body.append(text(LEFT - 8, y + 4, short(tick), anchor="end", fill=MUTED, size=11.5))
    for i, period in enumerate(data.periods):
        x, width = _slot(axis, data, i)
        y = bottom
        fates = (period.placed, period.cancelled, period.expired + period.parked)
        for units, (words, color, edge) in zip(fates, FATES, strict=True):
            part = (bottom - top) * units / most
            if part > 0:
                y -= part
                share = f"{units / max(1, period.ordered):.0%}"
                said = f"{_of(data, period)}: {units:,} of {period.ordered:,} units {words} ({share})"
                look = {"fill": color, "stroke": edge, "stroke_width": 0.8}
                body.append(tag("rect", tip(said), x=x, y=y, width=width, height=part, **look))
    for i, (words, color, edge) in enumerate(reversed(FATES)):
        y = top + 14 + 18 * i
        look = {"fill": color, "stroke": edge, "stroke_width": 0.8}
        body.append(tag("rect", x=float(WIDTH - RIGHT + 8), y=y - 9, width=10, height=10, rx=2, **look))
        body.append(text(WIDTH - RIGHT + 23, y, words, size=11.5))
    return picture(WIDTH, height, f"Units ordered by {_word(data)}, and what became of them", "", body)


def _slot(axis: TimeAxis, data: ReportData, i: int) -> tuple[float, float]:
    left, right = axis.x(i * data.period_days), axis.x((i + 1) * data.period_days)
    gap = min(1.5, (right - left) * 0.15)
    return left, right - left - gap


def _word(data: ReportData) -> str:
    return {1: "day", 7: "week"}.get(data.period_days, f"{data.period_days} days")


def _of(data: ReportData, period: Period) -> str:
    return period.start if data.period_days == 1 else f"{_word(data)} of {period.start}"
