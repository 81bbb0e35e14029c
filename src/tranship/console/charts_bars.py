"""Bars: what the cap costs, who is cheaper at which size, splits, promise, days to the door."""

import math

from tranship.console.figures import ReportData, SizeClass
from tranship.console.findings import change, counted, money, part_of, per
from tranship.console.svg import FAINT, GRID, INK, MUTED, hues, number, picture, tag, text, tip
from tranship.console.words import ARM_WORDS


def costs(data: ReportData) -> str:
    """Cost an order in each arm, from zero, with the difference to this run."""
    currency = data.run.currency
    mine = per(data.cost, data.splits.orders_placed)
    rows = [("run", mine), *((arm.name, per(arm.cost, arm.orders_placed)) for arm in data.arms)]
    rows.sort(key=lambda row: ({"none": 0, "run": 1}.get(row[0], 2), row[0]))
    left, width, step = 108.0, 560.0, 46.0
    most = max(cost for _, cost in rows) or 1.0
    body = []
    for i, (name, cost) in enumerate(rows):
        y = 8 + step * i
        run = name == "run"
        length = (width - left - 172) * cost / most
        words = f"{ARM_WORDS.get(name, name)}: {money(cost, currency)} an order"
        body.append(
            text(left - 10, y + 19, ARM_WORDS.get(name, name), anchor="end", size=13, font_weight=600 if run else 400)
        )
        body.append(
            tag(
                "rect", tip(words), x=left, y=y, width=max(1.0, length), height=28, rx=3, fill=INK if run else "#c3cbd6"
            )
        )
        body.append(text(left + length + 8, y + 19, money(cost, currency), size=14, font_weight=600))
        if not run and mine:
            gap = cost - mine
            said = (
                "the same"
                if abs(gap) < 0.0005 * mine
                else f"{money(gap, currency) if gap < 0 else '+' + money(gap, currency)} ({change(gap / mine)})"
            )
            body.append(text(left + length + 76, y + 19, said, fill=MUTED, size=12))
    return picture(
        width, 8 + step * len(rows), "Cost per order placed, this run and other arms", "Bars start at zero.", body
    )


def sizes(data: ReportData) -> str:
    """For each size of fulfillment order: cost a unit on both sides, and how many each side shipped."""
    rows = data.sizes
    colors = hues(data.networks)
    amber = next((colors[one.code] for one in data.networks if one.capped), FAINT)
    cool = next((colors[one.code] for one in data.networks if not one.capped), FAINT)
    values = [per(c, u) / 1e6 for one in rows for c, u in _sides(one) if u]
    values = [value for value in values if value > 0]
    if not values:
        return ""
    low, high = math.log(min(values) * 0.8), math.log(max(values) * 1.25)
    left, right, width, step, top = 92.0, 330.0, 560.0, 42.0, 32.0

    def x(value: float) -> float:
        return left + (right - left) * (math.log(value) - low) / max(1e-9, high - low)

    bottom = top + step * len(rows)
    body = [
        text(left, 14, "cost a unit (log scale)", fill=MUTED, size=11.5),
        text(right + 34, 14, "fulfillment orders", fill=MUTED, size=11.5),
    ]
    for tick in _log_ticks(math.exp(low), math.exp(high)):
        body.append(tag("path", d=f"M{number(x(tick))} {number(top)}V{number(bottom)}", stroke=GRID))
        body.append(text(x(tick), bottom + 14, f"{tick:g}", anchor="middle", fill=MUTED, size=11))
    most = max(one.capped + one.independent for one in rows)
    for i, one in enumerate(rows):
        y = top + step * i + step / 2
        body.append(text(left - 12, y + 4, "1 unit" if one.label == "1" else one.label, anchor="end", size=12.5))
        body.extend(_dumbbell(data, one, x, y, (amber, cool)))
        at, room = right + 34, width - right - 90
        for count, hue, side in ((one.capped, amber, "capped"), (one.independent, cool, "independent")):
            length = room * count / most
            if count:
                body.append(
                    tag(
                        "rect",
                        tip(f"{one.label} units: {count:,} {side}"),
                        x=at,
                        y=y - 10,
                        width=max(0.6, length),
                        height=20,
                        fill=hue,
                    )
                )
                at += length
        body.append(text(at + 6, y + 4, part_of(one.capped, one.capped + one.independent, 0), size=12, fill=INK))
    return picture(
        width, bottom + 20, "Cost a unit by size of the fulfillment order, capped and independent side", "", body
    )


def _sides(one: SizeClass) -> tuple[tuple[int, int], tuple[int, int]]:
    return (one.capped_cost, one.capped_units), (one.independent_cost, one.independent_units)


def _dumbbell(data: ReportData, one: SizeClass, x: object, y: float, colors: tuple[str, str]) -> list[str]:
    assert callable(x)
    marks: list[str] = []
    ends = []
    for (cost, units), color, side in zip(_sides(one), colors, ("capped", "independent"), strict=True):
        value = per(cost, units) / 1e6
        if value > 0:
            words = f"{one.label} units, {side}: {money(value * 1e6, data.run.currency)} a unit"
            ends.append(x(value))
            marks.append(
                tag("circle", tip(words), cx=x(value), cy=y, r=6.0, fill=color, stroke="#fff", stroke_width=1.2)
            )
    if len(ends) == 2:
        marks.insert(
            0, tag("path", d=f"M{number(ends[0])} {number(y)}H{number(ends[1])}", stroke="#b8c0cb", stroke_width=2.5)
        )
    return marks


def _log_ticks(low: float, high: float) -> list[float]:
    wanted = [base * 10.0**power for power in range(-4, 7) for base in (1, 2, 5)]
    inside = [round(tick, 6) for tick in wanted if low <= tick <= high]
    return inside if len(inside) <= 6 else [tick for tick in inside if f"{tick:e}"[0] == "1"]


def splits(data: ReportData) -> str:
    """How many fulfillment orders an order became."""
    most_shown = 12
    histogram = {n: count for n, count in data.splits.histogram.items() if n < most_shown}
    beyond = sum(count for n, count in data.splits.histogram.items() if n >= most_shown)
    rows = [(str(n), histogram.get(n, 0)) for n in range(1, max(4, max(histogram, default=1)) + 1)]
    if beyond:
        rows.append((f"{most_shown}+", beyond))
    return _columns(
        [
            (label, [(count, INK if label == "1" else "#8a97a8", f"{counted(count, 'order')} in {label}")])
            for label, count in rows
        ],
        "fulfillment orders an order became",
        "Orders by the number of fulfillment orders they became",
    )


def days(data: ReportData) -> str:
    """Calendar days from the order to the door, projected, by network."""
    most_shown = 12
    colors = hues(data.networks)
    last = max((day for one in data.networks for day in one.days), default=0)
    labels = [str(day) for day in range(min(last, most_shown - 1) + 1)] + (
        [f"{most_shown}+"] if last >= most_shown else []
    )
    rows = []
    for i, label in enumerate(labels):
        parts = []
        for one in data.networks:
            count = one.days.get(i, 0) if i < most_shown else sum(c for day, c in one.days.items() if day >= most_shown)
            parts.append(
                (count, colors[one.code], f"{one.operator}: {counted(count, 'fulfillment order')} after {label} days")
            )
        rows.append((label, parts))
    return _columns(rows, "calendar days from order to door", "Projected days to the door, by network")


def _columns(rows: list[tuple[str, list[tuple[int, str, str]]]], axis: str, title: str) -> str:
    left, width, top, bottom = 10.0, 560.0, 22.0, 168.0
    total = sum(count for _, parts in rows for count, _, _ in parts) or 1
    most = max((sum(count for count, _, _ in parts) for _, parts in rows), default=1) or 1
    step = (width - left) / max(1, len(rows))
    body = [tag("path", d=f"M{left} {bottom}H{width}", stroke="#c3cbd6")]
    for i, (label, parts) in enumerate(rows):
        x, bar = left + step * i + step * 0.12, step * 0.76
        y = bottom
        for count, color, words in parts:
            part = (bottom - top) * count / most
            if count:
                y -= part
                body.append(tag("rect", tip(words), x=x, y=y, width=bar, height=max(0.5, part), fill=color))
        whole = sum(count for count, _, _ in parts)
        if whole / total >= 0.0005:
            share = f"{whole / total:.0%}" if whole / total >= 0.01 else f"{whole / total:.1%}"
            body.append(text(x + bar / 2, y - 5, share, anchor="middle", fill=MUTED, size=11))
        body.append(text(x + bar / 2, bottom + 16, label, anchor="middle", size=12))
    body.append(text(width / 2, bottom + 36, axis, anchor="middle", fill=MUTED, size=11.5))
    return picture(width, bottom + 42, title, "", body)


def promise(data: ReportData) -> str:
    """On time and late by network: late at once, and late because the units had waited for stock or room."""
    colors = hues(data.networks)
    rows = [one for one in data.networks if one.fulfillment_orders]
    left, width, step = 150.0, 560.0, 34.0
    room = width - left - 62
    body = []
    for i, one in enumerate(rows):
        y = 6 + step * i
        on_time = one.fulfillment_orders - one.late
        parts = (
            (on_time, colors[one.code], 1.0, "on time"),
            (one.late_waited, colors[one.code], 0.38, "late, after its units had waited"),
            (one.late - one.late_waited, INK, 1.0, "late"),
        )
        x = left
        body.append(
            text(
                left - 10,
                y + 15,
                one.operator if len(one.operator) < 22 else one.operator[:21] + "\u2026",
                anchor="end",
                size=12.5,
            )
        )
        for count, color, opacity, words in parts:
            length = room * count / one.fulfillment_orders
            if count:
                said = f"{one.operator}: {counted(count, 'fulfillment order')} {words} ({count / one.fulfillment_orders:.1%})"
                body.append(
                    tag(
                        "rect", tip(said), x=x, y=y, width=max(0.6, length), height=20, fill=color, fill_opacity=opacity
                    )
                )
                x += length
        body.append(text(width - 54, y + 15, part_of(on_time, one.fulfillment_orders), size=12.5, font_weight=600))
    return picture(width, 6 + step * max(1, len(rows)), "Fulfillment orders on time and late, by network", "", body)
