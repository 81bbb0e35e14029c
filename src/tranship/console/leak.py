"""The page of `tranship leak report`: what each network could work out. One file, no script, no request to anywhere; light and dark."""

from tranship.console import charts_leak, leak_words
from tranship.console.leak_page import BarPage, LeakPage
from tranship.console.page import fill
from tranship.masking.leak.model import Adversary

STYLES = ("dark.css", "drill.css", "leak.css")


def table(page: LeakPage) -> list[tuple[str, str, list[tuple[str, bool]]]]:
    """Rows of the table of attackers: metric, attacker, and for each network what it reached, whether beyond guessing ("": none).

    The operator's attackers first, then the carrier's, whose name says so; after each metric's rows one with the floor ("guessing").
    """
    seeing = [one for one in page.networks if one.orders]
    rows: list[tuple[str, str, list[tuple[str, bool]]]] = []
    for name in leak_words.LEAK_WORDS:
        for adversary in Adversary:
            bars = [one.bar(name, adversary) for one in seeing]
            for who in dict.fromkeys(key for bar in bars for key in bar.each):
                prefix = "carrier: " if adversary is Adversary.TRANSIT else ""
                cells = [(figure_of(bar.each.get(who), name), _beyond(bar, who)) for bar in bars]
                rows.append((name, prefix + leak_words.ATTACKERS.get(who, who), cells))
        bars = [one.bar(name) for one in seeing]
        rows.append((name, "guessing", [(guessing_of(bar), False) for bar in bars]))
    return rows


def figure_of(value: float | None, name: str) -> str:
    """A cell."""
    return "" if value is None else leak_words.figure(name, value)


def guessing_of(bar: BarPage) -> str:
    """A cell of the floor's row."""
    return leak_words.UNSAID if bar.value is None else leak_words.guessing(bar)


def _beyond(bar: BarPage, who: str) -> bool:
    """Is an attacker beyond guessing; who is behind the value of a reading may have turned the ranking round."""
    value = bar.value if who == bar.by else bar.each.get(who)
    return value is not None and bar.high is not None and value > bar.high


def render(page: LeakPage) -> str:
    """The page as text. The same data give the same bytes."""
    colors = charts_leak.hues(page)
    charts = {"overview": charts_leak.overview(page), "narrow": charts_leak.overview(page, 460.0)}
    for i, one in enumerate(page.networks):
        if one.orders:
            hue = colors[one.code]
            for name in ("leaks", "growth", "exposure", "pairs", "regions", "timing", "excess"):
                charts[f"{name}{i}"] = getattr(charts_leak, name)(one, hue)
    facts = {
        "page": page, "facts": page.facts, "headline": leak_words.headline(page), "lead": leak_words.lead(page),
        "assumed": leak_words.assumed(page), "rows": table(page), "hues": colors, "figure": leak_words.figure,
        "guessing": leak_words.guessing, "verdict": leak_words.verdict, "saw": leak_words.saw, "unsaid": leak_words.UNSAID,
        "leak_words": leak_words.LEAK_WORDS, "meaning": leak_words.MEANING, "beyond": leak_words.beyond, "attackers": leak_words.ATTACKERS,
    }  # fmt: skip
    return fill("leak.html", charts, facts, STYLES)
