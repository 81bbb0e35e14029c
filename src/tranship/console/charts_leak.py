"""Drawings of the leak report: leaks beside their floors, growth as it is and as the network reckons it, exposure, regions."""

from collections.abc import Sequence
from typing import NamedTuple

from tranship.console.findings import counted
from tranship.console.leak_page import COLUMNS, BarPage, LeakPage, NetworkPage
from tranship.console.leak_words import LEAK_WORDS, UNSAID, figure, guessing
from tranship.console.svg import (
    FAINT,
    GRID,
    INK,
    MUTED,
    hues_of,
    number,
    picture,
    steps,
    tag,
    text,
    tip,
)

FLOOR = "#5b6675"
LEFT, RIGHT = 176.0, 64.0


def hues(page: LeakPage) -> dict[str, str]:
    """One hue a network: ambers under a cap, cool ones for the rest."""
    return hues_of((one.code, one.capped) for one in page.networks)


class _Scale:
    """From 0 to 1, left to right."""

    def __init__(self, width: float) -> None:
        self.left, self.right, self.width = LEFT, width - RIGHT, width

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * min(1.0, max(0.0, value))

    def axis(self, top: float, bottom: float) -> list[str]:
        """Hairlines, and the words below."""
        out = []
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            x = number(self.x(tick))
            out.append(tag("path", d=f"M{x} {number(top)}V{number(bottom)}", stroke=GRID))
        for tick, words, anchor in ((0.0, "nothing", "start"), (1.0, "everything", "end")):
            out.append(text(self.x(tick), bottom + 15, words, anchor=anchor, size=11, fill=MUTED))
        return out

    def floor(self, bar: BarPage, top: float, height: float) -> list[str]:
        """The mark of guessing: a line at its mean, a band up to what it exceeds one time in 20."""
        if bar.floor is None or bar.high is None:
            return []
        a, b = self.x(bar.floor), self.x(max(bar.high, bar.floor))
        words = f"{LEAK_WORDS[bar.name]}: guessing gives {guessing(bar)}"
        return [
            tag("rect", tip(words), x=a, y=top, width=max(1.0, b - a), height=height, fill=FLOOR, fill_opacity=0.22),
            tag("path", tip(words), d=f"M{number(a)} {number(top)}v{number(height)}", stroke=FLOOR, stroke_width=1.8),
        ]


def overview(page: LeakPage, width: float = 900.0) -> str:
    """Every leak, a dot for each network; the line is what guessing gives. A phone gets a narrower drawing."""
    seeing = [one for one in page.networks if one.orders]
    if not seeing:
        return ""
    colors, scale, step, top = hues(page), _Scale(width), 34.0, 8.0
    names = [bar.name for bar in seeing[0].node]
    bottom = top + step * len(names)
    body = scale.axis(top, bottom)
    for i, name in enumerate(names):
        y = top + step * (i + 0.5)
        bars = [(one, one.bar(name)) for one in seeing]
        body.append(text(LEFT - 14, y + 4, LEAK_WORDS[name], anchor="end", size=13))
        known = [(one, bar) for one, bar in bars if bar.value is not None]
        if not known:
            body.append(text(LEFT + 6, y + 4, UNSAID, size=12, fill=MUTED))
            continue
        body += scale.floor(known[0][1], y - 11, 22)
        worst = max(known, key=lambda pair: pair[1].value or 0)
        ends = [scale.x(bar.value or 0) for _, bar in known]
        body.append(
            tag("path", d=f"M{number(min(ends))} {number(y)}H{number(max(ends))}", stroke=FAINT, stroke_width=1)
        )
        for one, bar in reversed(known):
            words = f"{one.operator}: {LEAK_WORDS[name]} {figure(name, bar.value)}; guessing {guessing(bar)}"
            body.append(
                tag("circle", tip(words), cx=scale.x(bar.value or 0), cy=y, r=6.5, fill=colors[one.code], class_="mark")
            )
        body.append(text(scale.width - RIGHT + 12, y + 4, figure(name, worst[1].value), size=13, font_weight=600))
    return picture(scale.width, bottom + 20, "What each network could learn", "A dot a network; grey: guessing.", body)


def leaks(one: NetworkPage, hue: str) -> str:
    """Each leak of one network: the operator that stores the goods above, a carrier of closed parcels below, and guessing."""
    scale, step, top = _Scale(500.0), 39.0, 6.0
    bottom = top + step * len(one.node)
    body = scale.axis(top, bottom)
    for i, (node, transit) in enumerate(zip(one.node, one.transit, strict=True)):
        y = top + step * i + 6
        body.append(text(LEFT - 12, y + 14, LEAK_WORDS[node.name], anchor="end", size=12.5))
        if node.value is None:
            body.append(text(LEFT + 6, y + 14, UNSAID, size=12, fill=MUTED))
            continue
        for bar, at, height, opacity, who in (
            (node, y, 14.0, 1.0, one.operator),
            (transit, y + 16, 6.0, 0.45, "its carrier"),
        ):
            if bar.value is None:
                continue
            words = f"{who}: {LEAK_WORDS[bar.name]} {figure(bar.name, bar.value)}; guessing {guessing(bar)}"
            length = max(1.5, scale.x(bar.value) - LEFT)
            body.append(
                tag("rect", tip(words), x=LEFT, y=at, width=length, height=height, rx=2, fill=hue, fill_opacity=opacity)
            )
        body += scale.floor(node, y - 3, 28)
        shown = text(
            scale.width - RIGHT + 10,
            y + 14,
            figure(node.name, node.value),
            size=13,
            font_weight=600 if node.above else 400,
        )
        body.append(shown)
    return picture(
        scale.width, bottom + 20, f"What {one.operator} could learn", "Thin bars: its carrier. Grey: guessing.", body
    )


def growth(one: NetworkPage, hue: str) -> str:
    """Growth in the books against growth as the network reckons it, a dot a product; the ten fastest growers stand out."""
    points = [(100 * p.true, 100 * p.guess, p) for p in one.points]
    if not points:
        return ""
    return _cloud(
        [(true, guess, f"{p.sku}: {true:+.1f} % a week, reckoned {guess:+.1f} %", p.top) for true, guess, p in points],
        hue,
        ("growth a week in your books, %", f"as {one.operator} reckons it, %"),
        f"Growth of products, true and as {one.operator} reckons it",
    )


def timing(one: NetworkPage, hue: str) -> str:
    """Growth in the books against the change of irregularity."""
    points = [(100 * p.true, p.timing, p) for p in one.points if p.timing is not None]
    if not points:
        return ""
    return _cloud(
        [(true, change, f"{p.sku}: {true:+.1f} % a week, gaps {change:+.2f}", p.top) for true, change, p in points],
        hue,
        ("growth a week in your books, %", "orders became more regular (+)"),
        f"Growth of products against the timing that {one.operator} sees",
        diagonal=False,
        box=SMALL,
    )


def regions(one: NetworkPage, hue: str) -> str:
    """Regions by their place in the ranking by margin, in the books and as the network reckons it; the letters are states."""
    if len(one.regions) < 2:
        return ""
    true = {r.name: i + 1 for i, r in enumerate(sorted(one.regions, key=lambda r: (-r.true, r.name)))}
    guess = {r.name: i + 1 for i, r in enumerate(sorted(one.regions, key=lambda r: (-r.guess, r.name)))}
    marks = [
        (
            -true[r.name],
            -guess[r.name],
            f"{r.name}: {r.true:.2f} an order, reckoned {r.guess:.2f} ({counted(r.orders, 'order')})",
            False,
        )
        for r in one.regions
    ]
    return _cloud(
        marks,
        hue,
        ("your ranking by margin (best at the right)", f"{one.operator}'s ranking"),
        f"Regions ranked by margin, by you and by {one.operator}",
        box=SMALL,
        labels=[r.name for r in one.regions],
        ticks=False,
    )


Mark = tuple[float, float, str, bool]


class _Box(NamedTuple):
    """Where dots may lie."""

    left: float
    top: float
    right: float
    bottom: float


LARGE, SMALL = _Box(50, 8, 500, 322), _Box(46, 8, 378, 238)


def _cloud(
    marks: Sequence[Mark],
    hue: str,
    axes: tuple[str, str],
    title: str,
    *,
    diagonal: bool = True,
    labels: Sequence[str] = (),
    box: _Box = LARGE,
    ticks: bool = True,
) -> str:
    """Dots over two axes. With `diagonal` both axes have one scale and the line of a perfect guess. `labels` stand beside the dots."""
    left, top, right, bottom = box
    across, up = _range([mark[0] for mark in marks]), _range([mark[1] for mark in marks])
    if diagonal:
        across = up = (min(across[0], up[0]), max(across[1], up[1]))
    body = _frame(box, across, up, axes, ticks=ticks)
    if diagonal:
        body.append(tag("path", d=f"M{left} {bottom}L{right} {top}", stroke=FAINT, stroke_dasharray="3 4"))
        if not labels:
            body.append(text(right - 58, top + 14, "knows it exactly", anchor="end", size=10.5, fill=MUTED))
    for i, (a, b, words, stands_out) in sorted(enumerate(marks), key=lambda pair: pair[1][3]):
        x = left + (right - left) * (a - across[0]) / (across[1] - across[0])
        y = bottom - (bottom - top) * (b - up[0]) / (up[1] - up[0])
        x, y = min(right, max(left, x)), min(bottom, max(top, y))
        if labels:
            body.append(tag("circle", tip(words), cx=x, cy=y, r=2.6, fill=hue))
            body.append(text(x + 4, y + 3.5, labels[i], size=9.5, fill=MUTED))
        elif stands_out:
            body.append(tag("circle", tip(words), cx=x, cy=y, r=4.8, fill=INK))
        else:
            body.append(tag("circle", tip(words), cx=x, cy=y, r=3.0, fill=hue, fill_opacity=0.55))
    return picture(right + 12, bottom + (38 if ticks else 22), title, "", body)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From low to high with some room; the outermost hundredth is drawn at the edge."""
    ordered = sorted(values)
    cut = len(ordered) // 100
    low, high = ordered[cut], ordered[-1 - cut]
    room = max(0.06 * (high - low), 1e-6)
    return low - room, high + room


def _frame(
    box: _Box, across: tuple[float, float], up: tuple[float, float], axes: tuple[str, str], *, ticks: bool
) -> list[str]:
    left, top, right, bottom = box
    body = [tag("rect", x=left, y=top, width=right - left, height=bottom - top, fill="none", stroke=GRID)]
    for part, words in _ticks(*across) if ticks else ():
        x = left + (right - left) * part
        body.append(text(x, bottom + 15, words, anchor="middle", size=11, fill=MUTED))
        if words == "0":
            body.append(tag("path", d=f"M{number(x)} {number(top)}V{number(bottom)}", stroke=GRID))
    for part, words in _ticks(*up) if ticks else ():
        y = bottom - (bottom - top) * part
        body.append(text(left - 7, y + 4, words, anchor="end", size=11, fill=MUTED))
        if words == "0":
            body.append(tag("path", d=f"M{number(left)} {number(y)}H{number(right)}", stroke=GRID))
    body.append(
        text((left + right) / 2, bottom + (33 if ticks else 17), axes[0], anchor="middle", size=11.5, fill=MUTED)
    )
    x, middle = (11.0 if ticks else left - 9), (top + bottom) / 2
    turned = f"rotate(-90 {number(x)} {number(middle)})"
    body.append(text(x, middle, axes[1], anchor="middle", size=11.5, fill=MUTED, transform=turned))
    return body


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round values between two, as parts of the way from low to high, with their words."""
    step = steps(high - low, 5)[1]
    first = -int(-low // step)
    found = []
    for count in range(first, int(high // step) + 1):
        words = f"{round(step * count, 10):.10g}"
        found.append(((step * count - low) / (high - low), "0" if words == "-0" else words))
    return found


def exposure(one: NetworkPage, hue: str) -> str:
    """Households by how many of their orders the network saw; the outline is how many they really placed."""
    if not sum(one.whole):
        return ""
    left, width, top, bottom = 0.0, 390.0, 18.0, 178.0
    most = max(*one.exposure, *one.whole) or 1
    step = (width - left) / COLUMNS
    body = [tag("path", d=f"M{left} {bottom}H{width}", stroke=FAINT)]
    for i, (seen, whole) in enumerate(zip(one.exposure, one.whole, strict=True)):
        x, bar = left + step * i + step * 0.12, step * 0.76
        label = f"{COLUMNS}+" if i + 1 == COLUMNS else str(i + 1)
        words = f"{label} orders: {one.operator} saw {seen:,} households with as many, your books have {whole:,}"
        high, outline = (bottom - top) * seen / most, (bottom - top) * whole / most
        if seen:
            body.append(tag("rect", tip(words), x=x, y=bottom - high, width=bar, height=max(0.6, high), fill=hue))
        body.append(
            tag(
                "rect", tip(words), x=x, y=bottom - outline, width=bar, height=outline, fill="none", stroke=INK, stroke_width=1.2,
            )
        )  # fmt: skip
        body.append(
            text(x + bar / 2, bottom - max(high, outline) - 5, f"{seen:,}", anchor="middle", size=10.5, fill=MUTED)
        )
        body.append(text(x + bar / 2, bottom + 16, label, anchor="middle", size=12))
    body.append(text(width / 2, bottom + 36, "orders of one household", anchor="middle", size=11.5, fill=MUTED))
    return picture(width, bottom + 42, f"Orders of a household that {one.operator} saw", "Outline: your books.", body)


def pairs(one: NetworkPage, hue: str) -> str:
    """All pairs of orders of one customer: those that an address joins, and the rest."""
    if not one.pairs_true:
        return ""
    width, share = 390.0, one.pairs_same / one.pairs_true
    words = f"{one.pairs_same:,} of {one.pairs_true:,} pairs are joined by an address"
    body = [
        tag("rect", x=0, y=2, width=width, height=22, rx=4, fill=GRID),
        tag("rect", tip(words), x=0, y=2, width=max(1.0, width * share), height=22, rx=4, fill=hue),
    ]
    return picture(width, 26, f"Pairs of orders of one customer that {one.operator} can join", "", body)


def excess(one: NetworkPage, hue: str) -> str:
    """Orders that the network saw by week, those beyond its leak budget at the bottom of each bar."""
    spent = one.excess
    if spent is None or not spent.orders:
        return ""
    left, width, top, bottom = 34.0, 880.0, 14.0, 150.0
    most = max(*spent.seen, *spent.weekly, 1)
    step = (width - left) / len(spent.seen)
    body = [tag("path", d=f"M{left} {bottom}H{width}", stroke=FAINT)]
    body.append(text(left - 6, top + 5, f"{most:,}", anchor="end", size=11, fill=MUTED))
    for week, (seen, beyond) in enumerate(zip(spent.seen, spent.weekly, strict=True)):
        x, bar = left + step * week + step * 0.12, step * 0.76
        words = f"week {week + 1}: saw {seen:,} orders, {beyond:,} of them beyond the budget"
        for count, color, opacity in ((seen, FLOOR, 0.28), (beyond, hue, 1.0)):
            high = (bottom - top) * count / most
            if count:
                body.append(
                    tag(
                        "rect",
                        tip(words),
                        x=x,
                        y=bottom - high,
                        width=bar,
                        height=max(0.8, high),
                        fill=color,
                        fill_opacity=opacity,
                    )
                )
    for week in range(0, len(spent.seen), max(1, len(spent.seen) // 8)):
        body.append(text(left + step * (week + 0.5), bottom + 16, str(week + 1), anchor="middle", size=11, fill=MUTED))
    body.append(text((left + width) / 2, bottom + 34, "week", anchor="middle", size=11.5, fill=MUTED))
    return picture(
        width, bottom + 40, f"Orders that {one.operator} saw by week", "Colored: beyond the leak budget.", body
    )
