"""The map: where nodes are, where units went. A lane's width is its units, its hue its network."""

from collections.abc import Sequence
from html import escape

from tranship.console.figures import Lane, NodeFacts, ReportData
from tranship.console.findings import counted, operator
from tranship.console.svg import INK, MUTED, PAPER, hues, number, picture, short, tag, tip
from tranship.console.usmap import HEIGHT, WIDTH, Shape, outline

LANES_MOST = 160
WIDEST = 16.0
"""Width of the largest lane in map units."""
TINTS = ("#f0f2f5", "#e9edf2", "#e0e6ec", "#d5dce5", "#c9d2dd")


def flows(data: ReportData) -> str:
    """States tinted by the units they got, lanes from nodes to states, nodes by name."""
    shapes = {shape.code: shape for shape in outline().states}
    nodes = {node.code: node for node in data.nodes if node.at is not None}
    body = _states(data, list(shapes.values()))
    lanes = [lane for lane in data.lanes if lane.state in shapes and lane.node in nodes and lane.units][:LANES_MOST]
    colors = hues(data.networks)
    most = max((lane.units for lane in lanes), default=1)
    for lane in lanes:
        body.append(_lane(lane, nodes[lane.node], shapes[lane.state], colors[lane.network], most))
    for node in nodes.values():
        body.append(_node(node, list(nodes.values()), colors[node.network], operator(data, node.network)))
    drawn = sum(lane.units for lane in lanes)
    title = f"Units from {counted(len(nodes), 'node')} to states"
    return picture(WIDTH, HEIGHT, title, f"{drawn:,} of {data.units.placed:,} units are drawn.", body)


def off_map(data: ReportData) -> int:
    """Units that went to places which the map does not show, or came from there."""
    shapes = {shape.code for shape in outline().states}
    nodes = {node.code for node in data.nodes if node.at is not None}
    return sum(lane.units for lane in data.lanes if lane.state not in shapes or lane.node not in nodes)


def _states(data: ReportData, shapes: Sequence[Shape]) -> list[str]:
    units: dict[str, int] = {}
    for lane in data.lanes:
        units[lane.state] = units.get(lane.state, 0) + lane.units
    ranked = sorted(units.get(shape.code, 0) for shape in shapes)
    out = []
    for shape in shapes:
        mine = units.get(shape.code, 0)
        tint = 0 if not mine else min(len(TINTS) - 1, 1 + 4 * ranked.index(mine) // len(ranked))
        words = f"{shape.name}: {counted(mine, 'unit')}"
        out.append(tag("path", tip(words), d=shape.path, fill=TINTS[tint], stroke=PAPER, stroke_width=1.0))
    return out


def _lane(lane: Lane, node: NodeFacts, shape: Shape, color: str, most: int) -> str:
    """A bow, so that lanes of two nodes to one state lie apart."""
    assert node.at is not None
    (x0, y0), (x1, y1) = node.at, (shape.x, shape.y)
    dx, dy = x1 - x0, y1 - y0
    bend = 0.16
    cx, cy = (x0 + x1) / 2 + dy * bend, (y0 + y1) / 2 - abs(dx) * bend
    path = f"M{number(x0)} {number(y0)}Q{number(cx)} {number(cy)} {number(x1)} {number(y1)}"
    words = f"{lane.node} to {shape.name}: {counted(lane.units, 'unit')}, {counted(lane.fulfillment_orders, 'fulfillment order')}"
    width = max(0.5, WIDEST * lane.units / most)
    return tag(
        "path",
        tip(words),
        d=path,
        fill="none",
        stroke=color,
        stroke_width=width,
        stroke_opacity=0.5,
        stroke_linecap="round",
    )


def _node(node: NodeFacts, nodes: Sequence[NodeFacts], color: str, owner: str) -> str:
    assert node.at is not None
    x, y = node.at
    near = [other.at for other in nodes if other is not node and other.at and abs(other.at[0] - x) < 110]
    above = any(0 <= y - other[1] < 34 for other in near)
    low = 24.0 if above and not any(0 <= other[1] - y < 44 for other in near) else -13.0
    anchor = "start" if x < 90 else "end" if x > WIDTH - 90 else "middle"
    words = f"{node.code} ({owner}, {node.zip}): {counted(node.units, 'unit')}, {counted(node.fulfillment_orders, 'fulfillment order')}"
    halo = {"paint_order": "stroke", "stroke": PAPER, "stroke_width": 3.5, "stroke_linejoin": "round"}
    name = tag(
        "text",
        f"{escape(node.code)} {tag('tspan', escape(short(node.units)), fill=MUTED, font_weight=500)}",
        x=x, y=y + low, text_anchor=anchor, fill=INK, font_size=13.0, font_weight=700, **halo,
    )  # fmt: skip
    return tag("circle", tip(words), cx=x, cy=y, r=7.5, fill=color, stroke=PAPER, stroke_width=2.0) + name


def place_name(code: str) -> str:
    """A state's name by its code; the code where it is none."""
    return next((shape.name for shape in outline().states if shape.code == code), code)
