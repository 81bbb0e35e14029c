"""report.html: one file that opens from disk, without script and without a request to anywhere."""

from tranship.console import charts_bars, charts_map, charts_time
from tranship.console.figures import ReportData
from tranship.console.findings import (
    arm_cap,
    arm_of,
    cap_said,
    operator,
)
from tranship.console.page import fill
from tranship.console.svg import hues
from tranship.console.usmap import outline
from tranship.console.words import ARM_WORDS, MEASURE_WORDS

LANES_SHOWN = 12
REASONS_SHOWN = 40


def render(data: ReportData) -> str:
    """The page as text. The same data give the same bytes."""
    facts = {
        "data": data, "hues": hues(data.networks), "currency": data.run.currency, "lanes": data.lanes[:LANES_SHOWN],
        "off_map": charts_map.off_map(data), "credit": outline().credit, "reasons_shown": REASONS_SHOWN, "operator": operator,
        "arm_of": arm_of, "arm_cap": arm_cap, "cap_said": cap_said, "place_name": charts_map.place_name,
        "arm_words": ARM_WORDS, "measure_words": MEASURE_WORDS,
    }  # fmt: skip
    return fill("report.html", _charts(data), facts)


def _charts(data: ReportData) -> dict[str, str]:
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
    return {name: body for name, body in drawn.items() if body}
