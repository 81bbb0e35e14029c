"""Drawings of `tranship try`: figures of all arms beside each other, who ships, how sure a difference is, who moved."""

from collections.abc import Callable

from tranship.console.findings import change, money, part_of, per, percent
from tranship.console.svg import FAINT, GRID, INK, MUTED, number, picture, steps, tag, text, tip
from tranship.console.trial import ArmPage, TrialPage, TriedPage, network_hues, wanted

ARM_HUES = ("#2f6fdb", "#0f8f83", "#7a4fd0", "#a8497f", "#5f8f1f", "#1f8fb8", "#5f7385")
"""Hues of variations; the baseline is ink."""
NAME_MOST = 26


def arm_hue(i: int) -> str:
    """The hue of the arm at this place; the baseline is the first."""
    return INK if i == 0 else ARM_HUES[(i - 1) % len(ARM_HUES)]


def clipped(name: str, most: int = NAME_MOST) -> str:
    """A name short enough to stand beside a bar."""
    return name if len(name) <= most else name[: most - 1] + "…"


def figures(page: TrialPage) -> str:
    """Six figures, each with one bar for each arm, from zero."""
    currency = page.currency
    rows: list[tuple[str, Callable[[ArmPage], float], Callable[[float], str]]] = [
        ("cost an order", lambda arm: per(arm.cost, arm.orders_placed), lambda value: money(value, currency)),
        ("cost a unit", lambda arm: per(arm.cost, arm.units_placed), lambda value: money(value, currency)),
        ("units placed, of those wanted", lambda arm: arm.units_placed / max(1, wanted(arm)), _share),
        ("fulfillment orders an order", lambda arm: per(arm.fulfillment_orders, arm.orders_placed), lambda value: f"{value:.2f}"),
        ("units late, of those placed", lambda arm: arm.units_late / max(1, arm.units_placed), _share),
        ("days to the door", lambda arm: arm.days, lambda value: f"{value:.2f}"),
    ]  # fmt: skip
    column, step, top = 300.0, 24.0, 26.0
    height = top + step * len(page.arms) + 26
    body = []
    for k, (title, value_of, words) in enumerate(rows):
        x0, y0 = (k % 3) * (column + 90), (k // 3) * height
        body.append(text(x0, y0 + 14, title, size=12.5, font_weight=600))
        values = [value_of(arm) for arm in page.arms]
        most = max(values) or 1.0
        for i, (arm, value) in enumerate(zip(page.arms, values, strict=True)):
            y = y0 + top + step * i
            length = max(1.0, 170 * value / most)
            gap = value - values[0]
            said = words(value) + (f"  {_gap(gap, values[0], points=words is _share)}" if i and values[0] else "")
            body.append(
                tag(
                    "rect",
                    tip(f"{arm.name}: {title} {words(value)}"),
                    x=x0,
                    y=y,
                    width=length,
                    height=16.0,
                    rx=2,
                    fill=arm_hue(i),
                )
            )
            body.append(text(x0 + length + 8, y + 12.5, said, size=12, font_weight=600 if i == 0 else 400))
    for i, arm in enumerate(page.arms):
        x0 = (i % 4) * 290.0
        y = 2 * height + 8 + 20 * (i // 4)
        body.append(tag("rect", x=x0, y=y, width=11, height=11, rx=2, fill=arm_hue(i)))
        body.append(text(x0 + 17, y + 10, clipped(arm.name, 40), size=12.5))
    return picture(
        3 * column + 180,
        2 * height + 12 + 20 * -(-len(page.arms) // 4),
        "Figures of each arm",
        "Bars start at zero.",
        body,
    )


def _share(value: float) -> str:
    return part_of(value, 1.0)


def _gap(gap: float, base: float, *, points: bool) -> str:
    if points:
        return "same" if abs(gap) < 0.0005 else f"{100 * gap:+.1f} points"
    return "same" if abs(gap) < 0.0005 * abs(base) else change(gap / base)


def shares(page: TrialPage) -> str:
    """Who ships: fulfillment orders by network in each arm, with each cap's limit and its highest share."""
    hues = network_hues(page)
    left, wide, step = 170.0, 420.0, 56.0
    body = []
    for i, arm in enumerate(page.arms):
        y, x = 6 + step * i, left
        body.append(
            text(left - 12, y + 19, clipped(arm.name), anchor="end", size=12.5, font_weight=600 if i == 0 else 400)
        )
        for one in arm.networks:
            length = wide * one.fulfillment_orders / max(1, arm.fulfillment_orders)
            if length <= 0:
                continue
            words = f"{arm.name}, {one.network}: {one.fulfillment_orders:,} fulfillment orders, {percent(one.share_bp)}"
            body.append(
                tag(
                    "rect", tip(words), x=x, y=y, width=max(0.6, length), height=28.0, fill=hues.get(one.network, FAINT)
                )
            )
            if length > 44:
                body.append(text(x + 7, y + 19, percent(one.share_bp, 0), size=12, fill="#fff", font_weight=600))
            x += length
        x = left
        for one in arm.networks:
            for cap in arm.caps:
                if cap.network == one.network and cap.measure == "fulfillment_orders" and x == left:
                    at = left + wide * cap.cap_bp / 10_000
                    words = f"cap {percent(cap.cap_bp, 0)}, window at most {percent(cap.high_bp)}"
                    body.append(_limit(at, y))
                    body.append(
                        text(
                            at,
                            y + 44,
                            words,
                            size=11,
                            fill=MUTED,
                            anchor="middle",
                        )
                    )
            x += wide * one.fulfillment_orders / max(1, arm.fulfillment_orders)
    return picture(left + wide + 20, 10 + step * len(page.arms), "Fulfillment orders by network in each arm", "", body)


def intervals(page: TrialPage) -> str:
    """The mean difference of an order of the same units, with its 95 % interval, one row for each variation."""
    chosen = [(i, one) for i, one in enumerate(page.variations, 1) if one.paired.orders and one.paired.block]
    if not chosen:
        return ""
    low = min(0.0, *(one.paired.low for _, one in chosen))
    high = max(0.0, *(one.paired.high for _, one in chosen))
    most = max(-low, high) or 1.0
    left, wide, step, top = 170.0, 390.0, 34.0, 24.0
    middle = left + wide / 2

    def x(value: float) -> float:
        return middle + value / (ticks[-1] * 1e6) * wide / 2

    ticks = steps(most / 1e6, 3)
    bottom = top + step * len(chosen)
    body = []
    for tick in sorted({sign * value for value in ticks for sign in (-1, 1)}):
        at = x(tick * 1e6)
        body.append(
            tag("path", d=f"M{number(at)} {number(top - 6)}V{number(bottom)}", stroke=INK if tick == 0 else GRID)
        )
        body.append(text(at, top - 11, f"{tick:+g}" if tick else "0", anchor="middle", size=11, fill=MUTED))
    for row, (i, one) in enumerate(chosen):
        y = top + step * row + 15
        paired = one.paired
        mean, least, greatest = (money(value, page.currency) for value in (paired.mean, paired.low, paired.high))
        words = f"{one.arm.name}: {mean}, {least} to {greatest}"
        hue = arm_hue(i) if not paired.low <= 0 <= paired.high else FAINT
        body.append(text(left - 12, y + 4, clipped(one.arm.name), anchor="end", size=12.5))
        line = f"M{number(x(paired.low))} {number(y)}H{number(x(paired.high))}"
        body.append(tag("path", d=line, stroke=hue, stroke_width=4, stroke_linecap="round"))
        body.append(
            tag("circle", tip(words), cx=x(paired.mean), cy=y, r=6.0, fill=hue, stroke="#fff", stroke_width=1.4)
        )
    return picture(left + wide + 30, bottom + 6, "Difference of an order's cost, with its interval", "", body)


def flows(page: TrialPage, one: TriedPage) -> str:
    """Units that left one place and came to another: bands between two columns, by network."""
    sums: dict[tuple[str, str], int] = {}
    for flow in one.network_flows:
        if flow.source != flow.target:
            sums[flow.source, flow.target] = sums.get((flow.source, flow.target), 0) + flow.units
    if not sums:
        return ""
    hues = network_hues(page)
    gap, tall, wide, left = 10.0, 230.0, 420.0, 120.0
    total = sum(sums.values())
    tops, heights = zip(*(_column(sums, side, tall, gap) for side in (0, 1)), strict=True)
    body, used = [], [dict.fromkeys(tops[0], 0.0), dict.fromkeys(tops[1], 0.0)]
    for (source, target), units in sorted(sums.items(), key=lambda item: -item[1]):
        size = tall * units / total
        y1, y2 = tops[0][source] + used[0][source], tops[1][target] + used[1][target]
        used[0][source] += size
        used[1][target] += size
        x1, x2, bend = left + 12, left + wide - 12, left + wide / 2
        path = (
            f"M{number(x1)} {number(y1)}C{number(bend)} {number(y1)} {number(bend)} {number(y2)} {number(x2)} {number(y2)}"
            f"V{number(y2 + size)}C{number(bend)} {number(y2 + size)} {number(bend)} {number(y1 + size)} {number(x1)} {number(y1 + size)}Z"
        )
        body.append(
            tag(
                "path",
                tip(f"{source} to {target}: {units:,} units"),
                d=path,
                fill=hues.get(target, FAINT),
                fill_opacity=0.45,
            )
        )
    bottom = 0.0
    for side, x in ((0, left), (1, left + wide - 12)):
        for name, y in tops[side].items():
            size = heights[side][name]
            units = sum(n for key, n in sums.items() if key[side] == name)
            body.append(
                tag(
                    "rect",
                    tip(f"{name}: {units:,} units"),
                    x=x,
                    y=y,
                    width=12.0,
                    height=size,
                    rx=2,
                    fill=hues.get(name, FAINT),
                )
            )
            at, anchor = (left - 8, "end") if side == 0 else (left + wide + 8, "start")
            body.append(text(at, y + size / 2 + 4, f"{name} {units:,}", anchor=anchor, size=12))
            bottom = max(bottom, y + size)
    return picture(2 * left + wide + 20, bottom + 8, "Units that moved, from the left to the right", "", body)


def _column(
    sums: dict[tuple[str, str], int], side: int, tall: float, gap: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Tops and heights of one side's names, the largest first."""
    units: dict[str, int] = {}
    for key, count in sums.items():
        units[key[side]] = units.get(key[side], 0) + count
    total, y = sum(units.values()), 4.0
    tops, heights = dict[str, float](), dict[str, float]()
    for name in sorted(units, key=lambda name: -units[name]):
        tops[name], heights[name] = y, max(3.0, tall * units[name] / total)
        y += heights[name] + gap
    return tops, heights


def _limit(x: float, y: float) -> str:
    return tag("path", d=f"M{number(x)} {number(y - 4)}V{number(y + 34)}", stroke=INK, stroke_width=1.6)
