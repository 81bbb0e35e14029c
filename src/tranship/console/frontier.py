"""The page of `tranship try --leak`: leak against cost against volume, one budget after another. One file, no script, no request."""

from collections.abc import Callable, Sequence

import msgspec

from tranship.console.page import fill
from tranship.console.svg import FAINT, GRID, INK, MUTED, line_path, picture, steps, tag, text, tip

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
COSTS = (("dearer", INK), ("less filled, points", "#b4552d"))
"""What is drawn, each with its hue."""
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


LEFT, WIDE, TOP, HIGH, WIDTH = 48.0, 412.0, 26.0, 250.0, 480.0
"""A drawing's place for lines, and its width: what a phone still shows in letters that can be read."""


class _Field:
    """Where lines are drawn: orders that the network is shown from left to right, a value upwards."""

    def __init__(self, page: FrontierPage, ticks: Sequence[float]) -> None:
        self._page, self._ticks = page, ticks
        self._across = steps(max(p.share for p in page.points), 5)

    def at(self, point: PointPage, value: float) -> tuple[float, float]:
        """The place of a value at a budget; what is below the lowest tick is drawn there."""
        return self._x(point.share), self._y(max(value, self._ticks[0]))

    def _x(self, share: float) -> float:
        return LEFT + WIDE * share / self._across[-1]

    def _y(self, value: float) -> float:
        return TOP + HIGH - HIGH * (value - self._ticks[0]) / (self._ticks[-1] - self._ticks[0])

    def line(self, hue: str, points: Sequence[tuple[PointPage, float, str]]) -> list[str]:
        """A line through values, each with what is said of it."""
        path = [self.at(point, value) for point, value, _ in points]
        dots = zip(points, path, strict=True)
        return [
            tag("path", d=line_path(path), fill="none", stroke=hue, stroke_width=2),
            *(tag("circle", tip(said), cx=x, cy=y, r=4.0, fill=hue) for (_, _, said), (x, y) in dots),
        ]

    def picture(self, title: str, description: str, said: Callable[[float], str], body: Sequence[str]) -> str:
        """The drawing: its grid, the budgets above, the lines."""
        grid = []
        for value in self._ticks:
            y = self._y(value)
            grid.append(tag("line", x1=LEFT, x2=LEFT + WIDE, y1=y, y2=y, stroke=GRID))
            grid.append(text(LEFT - 8, y + 4, said(value), anchor="end", fill=MUTED, size=12))
        for share in self._across:
            grid.append(text(self._x(share), TOP + HIGH + 18, f"{100 * share:g} %", anchor="middle", fill=MUTED))
        grid.append(text(LEFT + WIDE, TOP + HIGH + 37, "orders it is shown", anchor="end", fill=MUTED))
        right = -99.0
        for point in sorted(self._page.points, key=lambda p: p.share):
            if self._x(point.share) > right + 22:  # those that lie together are told by pointing at them
                right = self._x(point.share)
                grid.append(text(right, TOP - 12, _tick(point), anchor="middle", fill=FAINT, size=11.5))
        return picture(WIDTH, TOP + HIGH + 44, title, description, [*grid, *body])


def leak_chart(page: FrontierPage) -> str:
    """What the network works out (0 to 1) against the orders that it is shown: a line for each of four metrics, their floors dotted."""
    ordered = sorted(page.points, key=lambda p: p.share)
    scores = {name: [(p, score) for p in ordered if (score := p.scores.get(name)) is not None] for name, _ in DRAWN}
    most = max([abs(score) for row in scores.values() for _, score in row], default=1.0)
    field, body = _Field(page, steps(min(1.0, most), 4)), []
    for name, hue in DRAWN:
        floors = [field.at(p, floor) for p, _ in scores[name] if (floor := p.floors.get(name)) is not None]
        body.append(
            tag("path", d=line_path(floors), fill="none", stroke=hue, stroke_dasharray="2 4", stroke_opacity=0.7)
        )
        row = [
            (p, score, f"{p.name}: {METRIC_WORDS[name]} {_score(score)}, {_percent(p.share)} of the orders")
            for p, score in scores[name]
        ]
        body += field.line(hue, row)
    words = "What the network works out, by how many orders it is shown"
    return field.picture("Leak against volume", words, lambda value: f"{value:g}", body)


def cost_chart(page: FrontierPage) -> str:
    """Cost a unit against no budget, and units that are not filled, by the orders that the network is shown."""
    ordered, base = sorted(page.points, key=lambda p: p.share), page.points[-1].fill
    rows = [[(p, 100 * p.dearer) for p in ordered], [(p, 100 * (base - p.fill)) for p in ordered]]
    values = [value for row in rows for _, value in row]
    low = min(0.0, *values)
    ticks = [low + step for step in steps(max(0.5, *values) - low, 4)]
    field, body = _Field(page, ticks), []
    for (name, hue), row in zip(COSTS, rows, strict=True):
        body += field.line(hue, [(p, value, f"{p.name}: {name} {value:+.2f} %") for p, value in row])
    words = "What hiding costs, by how many orders the network is shown"
    return field.picture("Cost against volume", words, lambda value: f"{value:.1f} %", body)


def _tick(point: PointPage) -> str:
    return "none" if point.budget == NO_BUDGET else str(point.budget)


def render(page: FrontierPage) -> str:
    """The page as text. The same data give the same bytes."""
    drawn = [(METRIC_WORDS[name], hue) for name, hue in DRAWN]
    facts = {
        "page": page, "headline": headline(page), "drawn": drawn, "costs": COSTS, "words": METRIC_WORDS, "share": _percent,
        "score": _score,
    }  # fmt: skip
    return fill("frontier.html", {"leak": leak_chart(page), "cost": cost_chart(page)}, facts, ("dark.css", "drill.css"))
