"""The page of `tranship try --leak`: leak against cost against volume, one budget after another. One file, no script, no request."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tranship.console.findings import counted, money
from tranship.console.svg import FAINT, GRID, INK, MUTED, line_path, picture, steps, tag, text, tip
from tranship.core.time import day_to_date

Scale = Callable[[float], float]
MICROS_PER_DAY = 86_400_000_000
METRIC_WORDS = {
    "tau_growth": "which articles grow",
    "top10": "the ten that grow most",
    "timing": "growth from gaps",
    "vip": "who the best customers are",
    "pairs": "parcels of one customer linked",
    "freq20": "how often customers buy",
    "aov20": "what customers spend",
    "tau_margin": "where the margin is",
}
"""What a metric says, in words."""
DRAWN = (("tau_growth", "#2f6fdb"), ("vip", "#a8497f"), ("pairs", "#e08600"), ("top10", "#0f8f83"))
NO_BUDGET = 100


class PointPage(msgspec.Struct):
    """One budget; shares and scores are fractions of one, money is micros."""

    budget: int
    orders: int
    orders_shown: int
    lines: int
    lines_shown: int
    excess_orders: int
    units_placed: int
    units_parked: int
    units_wanted: int
    units_late: int
    fulfillment_orders: int
    cost: int
    dearer: float
    compared: int
    scores: dict[str, float | None]
    by: dict[str, str]
    floors: dict[str, float | None]

    @property
    def share(self) -> float:
        """Orders of which the network was shown something."""
        return self.orders_shown / max(1, self.orders)

    @property
    def fill(self) -> float:
        """Units placed of those wanted."""
        return self.units_placed / max(1, self.units_wanted)

    @property
    def name(self) -> str:
        """What people call it."""
        return "no budget" if self.budget == NO_BUDGET else f"budget {self.budget}"


class FrontierPage(msgspec.Struct):
    """All of it."""

    run: str
    currency: str
    network: str
    on_conflict: str
    first_at: int
    last_at: int
    points: list[PointPage]
    notes: list[str]


def headline(page: FrontierPage) -> str:
    """What matters first: the tightest budget beside none."""
    open_, tight = page.points[-1], page.points[0]
    words = f"{page.network} is shown {_percent(open_.share)} of the orders without a budget"
    if tight is open_:
        return f"{words}."
    gap = f"{100 * abs(tight.dearer):.1f} % {'more' if tight.dearer > 0 else 'less'}"
    cost = "at the same cost" if abs(tight.dearer) < 0.0005 else f"for {gap}"
    return f"{words}, and {_percent(tight.share)} with a budget of {tight.budget} {cost}."


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def leak_chart(page: FrontierPage) -> str:
    """What the network works out (0 to 1) against the orders that it is shown: a line for each of four metrics, their floors dotted."""
    lines = [(name, hue, [p for p in page.points if p.scores.get(name) is not None]) for name, hue in DRAWN]
    wide, high, left, top = 470.0, 250.0, 44.0, 18.0
    most = max([abs(p.scores[name] or 0.0) for name, _, points in lines for p in points], default=1.0)
    ticks = steps(min(1.0, most), 4)
    across = steps(max(p.share for p in page.points), 5)

    def x(share: float) -> float:
        return left + wide * share / across[-1]

    def y(value: float) -> float:
        return top + high - high * max(0.0, value) / ticks[-1]

    body = _axes(ticks, across, x, y, wide, left, "orders it is shown", lambda v: f"{v:g}")
    ends: list[tuple[float, str, str]] = []
    for name, hue, points in lines:
        if not points:
            continue
        ordered = sorted(points, key=lambda p: p.share)
        floors = [p.floors.get(name) for p in ordered]
        known = [(x(p.share), y(f)) for p, f in zip(ordered, floors, strict=True) if f is not None]
        body.append(
            tag("path", d=line_path(known), fill="none", stroke=hue, stroke_dasharray="2 4", stroke_opacity=0.7)
        )
        path = [(x(p.share), y(p.scores[name] or 0.0)) for p in ordered]
        body.append(tag("path", d=line_path(path), fill="none", stroke=hue, stroke_width=2))
        for p, (px, py) in zip(ordered, path, strict=True):
            said = f"{p.name}: {METRIC_WORDS[name]} {_score(p.scores[name])}, {_percent(p.share)} of the orders"
            body.append(tag("circle", tip(said), cx=px, cy=py, r=4.0, fill=hue))
        ends.append((path[-1][1], METRIC_WORDS[name], hue))
    last = -99.0
    for at, words, hue in sorted(ends):
        last = max(at, last + 15)
        body.append(text(left + wide + 12, last + 4, words, fill=hue, size=12.5, font_weight=600))
    return picture(
        720, top + high + 44, "Leak against volume", "What the network works out, by how many orders it is shown", body
    )


def cost_chart(page: FrontierPage) -> str:
    """Cost a unit against no budget, and units that are not filled, by the orders that the network is shown."""
    wide, high, left, top = 470.0, 250.0, 54.0, 18.0
    points = sorted(page.points, key=lambda p: p.share)
    base = page.points[-1].fill
    rows = [
        ("dearer", INK, [(p, 100 * p.dearer) for p in points]),
        ("less filled, points", "#b4552d", [(p, 100 * (base - p.fill)) for p in points]),
    ]
    low = min([0.0, *(value for _, _, row in rows for _, value in row)])
    span = max([0.5, *(value for _, _, row in rows for _, value in row)]) - low
    ticks = [low + step for step in steps(span, 4)] if low < 0 else steps(span, 4)
    across = steps(max(p.share for p in points), 5)

    def x(share: float) -> float:
        return left + wide * share / across[-1]

    def y(value: float) -> float:
        return top + high - high * (value - ticks[0]) / (ticks[-1] - ticks[0])

    body = _axes(ticks, across, x, y, wide, left, "orders it is shown", lambda v: f"{v:.1f} %")
    for name, hue, row in rows:
        path = [(x(p.share), y(value)) for p, value in row]
        body.append(tag("path", d=line_path(path), fill="none", stroke=hue, stroke_width=2))
        for (p, value), (px, py) in zip(row, path, strict=True):
            body.append(tag("circle", tip(f"{p.name}: {name} {value:+.2f} %"), cx=px, cy=py, r=4.0, fill=hue))
    for i, (name, hue, _) in enumerate(rows):
        body.append(tag("circle", cx=left + wide + 18, cy=top + 8 + 20 * i, r=4.0, fill=hue))
        body.append(text(left + wide + 28, top + 12 + 20 * i, name, fill=hue, size=12.5, font_weight=600))
    right = -99.0
    for p in points:
        if x(p.share) > right + 20:  # those that lie together are told by pointing at them
            right = x(p.share)
            body.append(text(right, top + high - 6, _tick(p), anchor="middle", fill=FAINT, size=11))
    return picture(
        720, top + high + 44, "Cost against volume", "What hiding costs, by how many orders the network is shown", body
    )


def _tick(point: PointPage) -> str:
    return "none" if point.budget == NO_BUDGET else str(point.budget)


def _axes(
    ticks: Sequence[float], across: Sequence[float], x: Scale, y: Scale, wide: float, left: float, words: str,
    said: Callable[[float], str],
) -> list[str]:  # fmt: skip
    body = []
    for value in ticks:
        body.append(tag("line", x1=left, x2=left + wide, y1=y(value), y2=y(value), stroke=GRID))
        body.append(text(left - 8, y(value) + 4, said(value), anchor="end", fill=MUTED, size=11.5))
    for share in across:
        body.append(text(x(share), y(ticks[0]) + 18, f"{100 * share:g} %", anchor="middle", fill=MUTED, size=11.5))
    body.append(text(left + wide, y(ticks[0]) + 36, words, anchor="end", fill=MUTED, size=12))
    return body


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("tranship.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(
        counted=counted, money=money, percent=_percent, score=_score, words=METRIC_WORDS,
        date=lambda at: day_to_date(at // MICROS_PER_DAY).isoformat(),
    )  # fmt: skip
    return found


def render(page: FrontierPage) -> str:
    """The page as text. The same data give the same bytes."""
    css = files("tranship.console").joinpath("templates", "report.css").read_text(encoding="utf-8")
    html = (
        _environment()
        .get_template("frontier.html")
        .render(
            page=page,
            css=Markup(css),  # noqa: S704 - our own file
            leak=Markup(leak_chart(page)),  # noqa: S704 - drawn by us, texts escaped
            cost=Markup(cost_chart(page)),  # noqa: S704 - the same
            headline=headline(page),
        )
    )
    return html.replace(" %", "\u00a0%")  # a number and its sign stay on one line


def write(page: FrontierPage, path: Path) -> Path:
    """Write the page; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(render(page), encoding="utf-8")
    part.replace(path)
    return path
