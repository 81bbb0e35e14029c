"""Drawings of `tranship drill`: goods at risk over time, what became of orders, the share of the capped network, the day's orders."""

from collections.abc import Callable, Sequence

from tranship.console.drill import HUES, ArmPage, DrillPage
from tranship.console.findings import money
from tranship.console.svg import (
    CAPPED_HUES,
    FAINT,
    GRID,
    INK,
    MUTED,
    line_path,
    number,
    picture,
    short,
    steps,
    tag,
    text,
    tip,
)

WIDTH, LEFT, RIGHT = 900.0, 54.0, 190.0
HOUR = 3_600_000_000
OUTAGE = "#b3261e"
"""The band of the outage: red is kept for what needs somebody now."""


class Clock:
    """Time from left to right around the outage."""

    def __init__(self, page: DrillPage) -> None:
        long = page.ends_at - page.starts_at
        self.page = page
        self.first = max(page.times[0], page.starts_at - max(HOUR, long // 3))
        self.last = min(page.times[-1], page.ends_at + max(2 * HOUR, long // 3))
        self.shown = [i for i, at in enumerate(page.times) if self.first <= at <= self.last]

    def x(self, at: int) -> float:
        """Where a moment is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (min(self.last, max(self.first, at)) - self.first) / max(
            1, self.last - self.first
        )

    def marks(self, top: float, bottom: float) -> list[str]:
        """The outage's band, and hours below."""
        a, b = self.x(self.page.starts_at), self.x(self.page.ends_at)
        out = [
            tag("rect", x=a, y=top, width=max(1.0, b - a), height=bottom - top, fill=OUTAGE, fill_opacity=0.09),
            text((a + b) / 2, top - 6, "outage", anchor="middle", size=11, fill=OUTAGE, font_weight=600),
        ]
        hours = (self.last - self.first) / HOUR
        step = next((n for n in (1, 2, 3, 6, 12) if hours / n <= 9), 24) * HOUR
        at = -(-self.first // step) * step
        while at <= self.last:
            x = self.x(at)
            out.append(tag("path", d=f"M{number(x)} {number(bottom)}V{number(bottom + 4)}", stroke=FAINT))
            out.append(text(x, bottom + 17, self.page.clock(at), anchor="middle", size=11, fill=MUTED))
            at += step
        return out


def risk(page: DrillPage) -> str:
    """Goods at the failing nodes that had not left, and goods that wait here, by policy."""
    clock, top, bottom = Clock(page), 26.0, 250.0
    arms = page.policies
    series = [[(arm.series.at_risk[i] + arm.series.parked[i]) / 1e6 for i in clock.shown] for arm in arms]
    ticks = steps(max((max(values, default=0.0) for values in series), default=0.0), 4)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / ticks[-1]

    body = clock.marks(top, bottom)
    body += _levels(ticks, y, short)
    ends = []
    for arm, values in reversed(list(zip(arms, series, strict=True))):
        points = [(clock.x(page.times[i]), y(value)) for i, value in zip(clock.shown, values, strict=True)]
        width = 2.8 if arm.key == "tranship" else 1.9
        most = max(values, default=0.0)
        body.append(
            tag(
                "path", tip(f"{arm.name}: at most {money(most * 1e6, page.currency)}"), d=_stairs(points), fill="none",
                stroke=HUES[arm.key], stroke_width=width, stroke_linejoin="round",
            )
        )  # fmt: skip
        inside = [
            value
            for i, value in zip(clock.shown, values, strict=True)
            if page.starts_at <= page.times[i] < page.ends_at
        ]
        ends.append((y(inside[-1] if inside else 0.0), arm))
    body += _names(ends, top, bottom)
    return picture(
        WIDTH, bottom + 24, f"Goods at risk, {page.currency}", "By policy, before, during and after the outage.", body
    )


def _names(ends: Sequence[tuple[float, ArmPage]], top: float, bottom: float) -> list[str]:
    """Names at the right, in the order of their lines, none over another."""
    out, y = [], top + 4
    for _, arm in sorted(ends, key=lambda pair: pair[0]):
        x = WIDTH - RIGHT + 12
        out.append(tag("path", d=f"M{number(x)} {number(y)}h14", stroke=HUES[arm.key], stroke_width=3, stroke_linecap="round"))  # fmt: skip
        out.append(text(x + 20, y + 4, arm.name, size=12, font_weight=650 if arm.key == "tranship" else 400))
        y += min(22.0, (bottom - top) / 5)
    return out


def _stairs(points: Sequence[tuple[float, float]]) -> str:
    return line_path(points)


def _levels(ticks: Sequence[float], y: Callable[[float], float], words: Callable[[float], str]) -> list[str]:
    out = []
    for tick in ticks:
        out.append(tag("path", d=f"M{number(LEFT)} {number(y(tick))}H{number(WIDTH - RIGHT)}", stroke=GRID))
        out.append(text(LEFT - 8, y(tick) + 4, words(tick), anchor="end", size=11, fill=MUTED))
    return out


def outcomes(page: DrillPage) -> str:
    """What became of orders, a panel for each kind, a bar for each policy. Bars start at zero."""
    panels: list[tuple[str, Callable[[ArmPage], float]]] = [
        ("late, lost or waiting", lambda arm: arm.missed),
        ("left a day or more later", lambda arm: arm.slipped),
        ("shipped twice", lambda arm: arm.double_orders),
        ("moved", lambda arm: arm.moved_orders),
    ]  # fmt: skip
    column, step, top = 215.0, 25.0, 30.0
    body = []
    for k, (title, value_of) in enumerate(panels):
        x0 = k * column
        body.append(text(x0, 14, title, size=12.5, font_weight=650))
        values = [value_of(arm) for arm in page.arms]
        most = max(values) or 1.0
        for i, (arm, value) in enumerate(zip(page.arms, values, strict=True)):
            y = top + step * i
            length = 130 * value / most
            bad = title == "shipped twice" and value > 0
            body.append(
                tag(
                    "rect", tip(f"{arm.name}: {value:,.0f} orders {title}"), x=x0, y=y, width=max(1.5, length), height=15.0,
                    rx=2, fill=OUTAGE if bad else HUES[arm.key],
                )
            )  # fmt: skip
            body.append(
                text(
                    x0 + max(1.5, length) + 7,
                    y + 12,
                    f"{value:,.0f}",
                    size=12,
                    fill=OUTAGE if bad else INK,
                    font_weight=650 if arm.key == "tranship" or bad else 400,
                ),
            )
    height = top + step * len(page.arms)
    x = 0.0
    for arm in page.arms:
        body.append(tag("rect", x=x, y=height + 10, width=11, height=11, rx=2, fill=HUES[arm.key]))
        body.append(text(x + 17, height + 20, arm.name, size=12))
        x += 34 + 6.6 * len(arm.name)
    return picture(WIDTH, height + 26, "What became of orders, by policy", "Bars start at zero.", body)


def share(page: DrillPage) -> str:
    """The capped network's share of its window over time against the cap."""
    if not page.capped:
        return ""
    clock, top, bottom = Clock(page), 26.0, 200.0
    cap = max(arm.cap_bp for arm in page.arms)

    def y(bp: float) -> float:
        return bottom - (bottom - top) * bp / 10_000

    body = clock.marks(top, bottom)
    body += _levels([0, 2_000, 4_000, 6_000, 8_000, 10_000], y, lambda bp: f"{bp / 100:.0f} %")
    ends = []
    for arm in reversed(page.policies):
        values = [arm.series.share_bp[i] for i in clock.shown]
        points = [(clock.x(page.times[i]), y(bp)) for i, bp in zip(clock.shown, values, strict=True)]
        words = tip(f"{arm.name}: {values[-1] / 100:.1f} % at the end") if values else ""
        width = 2.8 if arm.key == "tranship" else 1.6
        body.append(tag("path", words, d=line_path(points), fill="none", stroke=HUES[arm.key], stroke_width=width))
        ends.append((y(values[-1] if values else 0), arm))
    line = f"M{number(LEFT)} {number(y(cap))}H{number(WIDTH - RIGHT)}"
    body.append(tag("path", d=line, stroke=INK, stroke_width=1.5, stroke_dasharray="6 4"))
    body.append(text(LEFT + 6, y(cap) - 6, f"cap {cap / 100:.3g} %", size=11.5, font_weight=650))
    body += _names(ends, top, bottom)
    return picture(WIDTH, bottom + 24, f"Share of {page.capped} in its window", "Against its cap.", body)


def day(page: DrillPage) -> str:
    """Orders by hour, with the outage."""
    top, bottom, left, wide = 22.0, 120.0, 40.0, 810.0
    counts = page.orders_by_hour
    ticks = steps(max(counts), 2)
    slot = wide / len(counts)
    body = []
    for tick in ticks:
        y = bottom - (bottom - top) * tick / ticks[-1]
        body.append(tag("path", d=f"M{number(left)} {number(y)}H{number(left + wide)}", stroke=GRID))
        body.append(text(left - 7, y + 4, short(tick), anchor="end", size=11, fill=MUTED))
    for i, count in enumerate(counts):
        height = (bottom - top) * count / ticks[-1]
        hour = page.first_hour + i
        body.append(
            tag(
                "rect", tip(f"{hour:02d}:00: {count:,} orders"), x=left + slot * i + 1.5, y=bottom - height, width=slot - 3,
                height=height, rx=2, fill=CAPPED_HUES[0] if page.network == page.capped else "#2f6fdb", fill_opacity=0.75,
            )
        )  # fmt: skip
        if i % max(1, len(counts) // 12) == 0:
            body.append(text(left + slot * (i + 0.5), bottom + 16, f"{hour:02d}", anchor="middle", size=11, fill=MUTED))
    a, b = (
        left + slot * min(len(counts), max(0.0, (at - page.first_at) / HOUR)) for at in (page.starts_at, page.ends_at)
    )
    body.append(
        tag("rect", x=a, y=top - 8, width=max(1.5, b - a), height=bottom - top + 8, fill=OUTAGE, fill_opacity=0.13)
    )
    body.append(text((a + b) / 2, top - 11, "outage", anchor="middle", size=11, fill=OUTAGE, font_weight=600))
    return picture(WIDTH, bottom + 22, "Orders by hour of the day", "The Black Friday curve, with the outage.", body)
