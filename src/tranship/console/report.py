"""report.html: one file that opens from disk, without script and without a request to anywhere."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tranship.console import charts_bars, charts_map, charts_time
from tranship.console.figures import ReportData
from tranship.console.findings import (
    arm_cap,
    arm_of,
    cap_said,
    counted,
    money,
    operator,
    part_of,
    per,
    percent,
    rounded,
)
from tranship.console.svg import hues
from tranship.console.usmap import outline
from tranship.console.words import ARM_WORDS, MEASURE_WORDS

LANES_SHOWN = 12
REASONS_SHOWN = 40


@lru_cache(maxsize=1)
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("tranship.console"),
        autoescape=True,  # everything that comes from a file of orders is text, whatever it looks like
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(percent=percent, thousands=lambda value: f"{value:,}")
    found.globals.update(
        counted=counted, money=money, rounded=rounded, part_of=part_of, per=per, operator=operator, arm_of=arm_of, arm_cap=arm_cap,
        cap_said=cap_said,
        place_name=charts_map.place_name, arm_words=ARM_WORDS, measure_words=MEASURE_WORDS,
    )  # fmt: skip
    return found


def render(data: ReportData) -> str:
    """The page as text. The same data give the same bytes."""
    css = files("tranship.console").joinpath("templates", "report.css").read_text(encoding="utf-8")
    page = _environment().get_template("report.html")
    html = page.render(
        data=data,
        css=Markup(css),  # noqa: S704 - our own file
        charts=_charts(data),
        hues=hues(data.networks),
        currency=data.run.currency,
        lanes=data.lanes[:LANES_SHOWN],
        off_map=charts_map.off_map(data),
        credit=outline().credit,
        reasons_shown=REASONS_SHOWN,
    )
    return html.replace(" %", "\u00a0%")  # a number and its sign stay on one line


def _charts(data: ReportData) -> dict[str, Markup]:
    """Every drawing that the data can fill. Their texts are escaped where they are drawn."""
    if not data.run.orders:
        return {}
    drawn = {"fill": charts_time.fill(data), "splits": charts_bars.splits(data)}
    for i, cap in enumerate(data.caps):
        drawn[f"share{i}"] = charts_time.share(data, cap)
    if data.splits.fulfillment_orders:
        drawn["shippers"] = charts_time.shippers(data)
        drawn["map"] = charts_map.flows(data)
        drawn["promise"] = charts_bars.promise(data)
        drawn["days"] = charts_bars.days(data)
    if data.arms:
        drawn["costs"] = charts_bars.costs(data)
    if data.caps and data.sizes:
        drawn["sizes"] = charts_bars.sizes(data)
    return {name: Markup(body) for name, body in drawn.items() if body}  # noqa: S704 - drawn by us, texts escaped


def write(data: ReportData, path: Path) -> Path:
    """Write the page; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(render(data), encoding="utf-8")
    part.replace(path)
    return path
