"""The frontier of `benchmarks.leak` as a drawing: growth and best customers given away, against volume and cost."""

from collections.abc import Callable, Sequence

from tranship.console.svg import GRID, INK, MUTED, line_path, picture, steps, tag, text, tip
from tranship.routing.leak.policy import BALANCED, PRIVATE, VOLUME

Row = dict[str, object]
HUES = {"one": "#e08600", "two": "#2f6fdb"}
WORDS = {"one": "one network", "two": "two networks, 25 % pickup"}
LABELED = (10, PRIVATE, BALANCED, VOLUME)
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 380.0, 300.0, 52.0, 40.0, 16.0, 46.0


def _value(row: Row, name: str) -> float:
    return float(str(row[name]))


def drawn(rows: Sequence[Row]) -> str:
    """Two panels side by side: Kendall tau of growth against volume, best customers found against extra cost.

    Positions above `VOLUME`, where a growing share passes unasked, are left out: they would hide the rest.
    """
    rows = [row for row in rows if _value(row, "dial") <= VOLUME]
    panels = (
        (
            "growth ranking given away",
            "share of orders on the budgeted networks",
            "volume_share",
            "tau_growth",
            100.0,
            0.15,
        ),
        ("best customers found", "extra cost against a leak-blind 60/40 router, %", "extra_cost", "vip", 1.0, 0.10),
    )
    body = []
    for number, (title, below, across, up, scale, goal) in enumerate(panels):
        body.append(
            tag("g", _panel(rows, title, below, (across, up), scale, goal), transform=f"translate({number * WIDTH} 0)")
        )
    for number, setting in enumerate(WORDS):
        x = LEFT + number * 150.0
        body.append(tag("rect", x=x, y=HEIGHT + 6, width=12.0, height=12.0, rx=2, fill=HUES[setting]))
        body.append(text(x + 18, HEIGHT + 16, WORDS[setting], fill=MUTED))
    said = "; ".join(
        f"{row['setting']} dial {row['dial']}: volume {row['volume_share']}, tau {row['tau_growth']}, best customers {row['vip']}, "
        f"cost {row['extra_cost']} %"
        for row in rows
    )
    return (
        picture(2 * WIDTH, HEIGHT + 28, "Leak against volume and cost", said, body).replace(
            "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1
        )
        + "\n"
    )


def _panel(rows: Sequence[Row], title: str, below: str, names: tuple[str, str], scale: float, goal: float) -> str:
    across, up = names
    xs, ys = steps(max(_value(row, across) * scale for row in rows)), steps(max(_value(row, up) for row in rows))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x_of(value: float) -> float:
        return LEFT + width * value * scale / xs[-1]

    def y_of(value: float) -> float:
        return TOP + height * (1 - value / ys[-1])

    body = [
        text(LEFT, 20, title, size=13, font_weight=600),
        text(LEFT + width / 2, HEIGHT - 6, below, anchor="middle", fill=MUTED, size=11),
    ]
    for y in ys:
        body.append(tag("line", x1=LEFT, x2=LEFT + width, y1=y_of(y), y2=y_of(y), stroke=GRID))
        body.append(text(LEFT - 6, y_of(y) + 4, f"{y:g}", anchor="end", fill=MUTED, size=11))
    for x in xs:
        body.append(text(x_of(x / scale), TOP + height + 16, f"{x:g}", anchor="middle", fill=MUTED, size=11))
    body.append(tag("line", x1=LEFT, x2=LEFT + width, y1=y_of(goal), y2=y_of(goal), stroke=INK, stroke_dasharray="4 4"))
    body.append(text(LEFT + 4, y_of(goal) - 4, "goal", fill=INK, size=10))
    for setting in WORDS:
        mine = sorted((row for row in rows if row["setting"] == setting), key=lambda row: _value(row, "dial"))
        body.append(_curve(mine, setting, lambda row: (x_of(_value(row, across)), y_of(_value(row, up)))))
    return "".join(body)


def _curve(rows: Sequence[Row], setting: str, at: Callable[[Row], tuple[float, float]]) -> str:
    hue = HUES[setting]
    parts = [tag("path", d=line_path([at(row) for row in rows]), fill="none", stroke=hue, stroke_width=2.0)]
    for row in rows:
        x, y = at(row)
        said = f"{WORDS[setting]}, dial {row['dial']}: volume {row['volume_share']}, tau {row['tau_growth']}, best customers {row['vip']}"
        parts.append(tag("circle", tip(said), cx=x, cy=y, r=3.5, fill=hue))
        if row["dial"] in LABELED:
            below = setting == "two"
            parts.append(text(x, y + (16 if below else -8), str(row["dial"]), anchor="middle", fill=MUTED, size=10))
    return "".join(parts)
