"""Small help for drawing: escaped tags, scales, ticks, hues. A chart here is a string of SVG that needs nothing else to be seen."""

import datetime as dt
from collections.abc import Iterable, Sequence
from html import escape

from tranship.console.figures import NetworkFacts

INK, MUTED, FAINT, GRID, PAPER = "#1c2430", "#5b6675", "#98a2b0", "#e4e8ee", "#ffffff"
CAPPED_HUES = ("#e08600", "#b4552d", "#c9a100")
FREE_HUES = ("#0f8f83", "#2f6fdb", "#7a4fd0", "#5f7385", "#a8497f", "#5f8f1f", "#1f8fb8")
"""One hue per network: ambers for those under a cap, cool ones for the rest. Red is kept for what needs somebody now."""


def hues_of(networks: Iterable[tuple[str, bool]]) -> dict[str, str]:
    """The hue of each network, by its place in the list of codes and whether each is under a cap. A code may come again."""
    out: dict[str, str] = {}
    for code, capped in networks:
        if code not in out:
            pool = CAPPED_HUES if capped else FREE_HUES
            out[code] = pool[sum(hue in pool for hue in out.values()) % len(pool)]
    return out


def hues(networks: Iterable[NetworkFacts]) -> dict[str, str]:
    """The same for the networks of a report."""
    return hues_of((one.code, one.capped) for one in networks)


def number(value: float) -> str:
    """A coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, body: str = "", /, **attributes: object) -> str:
    """One element; `body` is markup. Attributes are escaped; `stroke_width` becomes stroke-width, `class_` class."""
    texts = []
    for key, value in attributes.items():
        if value is None:
            continue
        shown = number(value) if isinstance(value, float) else str(value)
        texts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    return f"<{name}{''.join(texts)}>{body}</{name}>" if body else f"<{name}{''.join(texts)}/>"


def text(
    x: float, y: float, words: str, *, anchor: str = "start", fill: str = INK, size: float = 12, **more: object
) -> str:
    """A line of text; `words` are plain text."""
    return tag(
        "text", escape(words), x=float(x), y=float(y), text_anchor=anchor, fill=fill, font_size=float(size), **more
    )


def tip(words: str) -> str:
    """What is shown when somebody points at a mark, and what a screen reader says of it."""
    return f"<title>{escape(words)}</title>"


def picture(width: float, height: float, title: str, description: str, body: Iterable[str]) -> str:
    """The whole drawing, scaled to the room it gets."""
    inner = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(body)}"
    return tag("svg", inner, viewBox=f"0 0 {number(width)} {number(height)}", role="img", class_="chart")


def line_path(points: Sequence[tuple[float, float]]) -> str:
    """Path data of a line through points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) if points else ""


def steps(most: float, about: int = 4) -> list[float]:
    """Round tick values from 0 to at or above `most`.

    >>> steps(83), steps(0.7), steps(0)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [0.0, 0.2, 0.4, 0.6, 0.8], [0.0, 1.0])
    """
    if most <= 1e-9:  # nothing that an axis could show
        return [0.0, 1.0]
    raw = most / about
    power = 10.0 ** _floor_log10(raw)
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    count = int(most / step + 0.999)
    return [round(step * i, 10) for i in range(count + 1)]


def _floor_log10(value: float) -> int:
    power = 0
    while value >= 10:
        value, power = value / 10, power + 1
    while value < 1:
        value, power = value * 10, power - 1
    return power


def short(value: float) -> str:
    """A large number for an axis: 1.2M, 350k, 12."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}".removesuffix(".0") + letter
    return f"{value:g}"


def date_ticks(first: dt.date, last: dt.date, about: int = 9) -> list[tuple[dt.date, str]]:
    """Dates to mark on an axis, with their words: days, months or years, whichever gives about so many."""
    days = (last - first).days
    if days <= 2 * about:
        return _day_ticks(first, days, 1 if days <= about else 2)
    if days <= 10 * about:
        return _day_ticks(first, days, 7)
    months = days / 30.4
    step = next((n for n in (1, 2, 3, 6, 12, 24, 60) if months / n <= about), 120)
    out = []
    year, month = first.year, first.month
    while dt.date(year, month, 1) <= last:
        day = dt.date(year, month, 1)
        if day >= first and (month - 1) % min(step, 12) == 0 and (step <= 12 or year % (step // 12) == 0):
            out.append((day, f"{year}" if month == 1 or step >= 12 else day.strftime("%b")))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out or _day_ticks(first, days, max(1, days // about))


def _day_ticks(first: dt.date, days: int, step: int) -> list[tuple[dt.date, str]]:
    dates = [first + dt.timedelta(days=n) for n in range(0, days + 1, step)]
    return [(day, f"{day.day} {day.strftime('%b')}") for day in dates]
