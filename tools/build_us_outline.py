"""Derives src/tranship/console/data/us_outline.json from the Census boundaries that PyPI's `plotly-geo` carries. Run by hand.

Needs, in an environment of its own (none of them is a dependency of the project): `pip install plotly-geo pyshp shapely msgspec`,
then `python tools/build_us_outline.py`. The source is the Census Bureau's cartographic boundary file `cb_2016_us_state_500k`: a
work of the United States government, in the public domain, clipped to the shore. States are projected with the map's own projection
and simplified as one coverage, so that neighbors keep their common border.
"""

import json
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
TARGET = ROOT / "src" / "tranship" / "console" / "data" / "us_outline.json"
CREDIT = "U.S. Census Bureau, cartographic boundary file 2016 (simplified)"
ABROAD = {"PR", "GU", "VI", "MP", "AS"}
TOLERANCE = 1.6
"""Area tolerance of the simplification, in map units (one is about 4.8 km): what 960 pixels can show."""
SMALLEST = 2.2
"""Islands of less area (map units squared) are left out, unless a state would vanish."""


def boundaries() -> list[tuple[str, str, Any]]:
    """(code, name, geometry in degrees) of every state, by code."""
    import shapefile
    import shapely.geometry

    spec = find_spec("_plotly_geo")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("plotly-geo is not installed: pip install plotly-geo pyshp shapely msgspec")
    path = Path(spec.submodule_search_locations[0]) / "package_data" / "cb_2016_us_state_500k"
    with shapefile.Reader(str(path)) as reader:
        found = [
            (item.record["STUSPS"], item.record["NAME"], shapely.geometry.shape(item.shape.__geo_interface__))
            for item in reader.iterShapeRecords()
        ]
    return sorted((row for row in found if row[0] not in ABROAD), key=lambda row: row[0])


def projected(geometry: Any) -> Any:
    """The geometry on the map. An island of which a point lies outside is dropped."""
    import shapely

    from tranship.console.usmap import project

    polygons = []
    for polygon in shapely.get_parts(geometry):
        points = [project(latitude, longitude) for longitude, latitude in polygon.exterior.coords]
        if all(point is not None for point in points):
            polygons.append(shapely.make_valid(shapely.Polygon(points)))
    return shapely.union_all(polygons)


def path_of(geometry: Any) -> str:
    """SVG path data with one decimal, in relative moves: about half the size of absolute ones."""
    import shapely

    polygons = sorted(shapely.get_parts(geometry), key=lambda p: -p.area)
    polygons = [p for i, p in enumerate(polygons) if i == 0 or p.area >= SMALLEST]
    out = []
    for polygon in polygons:
        points = [(round(x * 10), round(y * 10)) for x, y in polygon.exterior.coords[:-1]]
        steps = [f"M{number(points[0][0])} {number(points[0][1])}l"]
        moves = []
        for (x0, y0), (x1, y1) in pairwise(points):
            if (x0, y0) != (x1, y1):
                moves.append(f"{number(x1 - x0)} {number(y1 - y0)}")
        out.append(steps[0] + " ".join(moves).replace(" -", "-") + "z")
    return "".join(out)


def number(tenths: int) -> str:
    """A tenth as the shortest text: 0.5 is .5, 12.0 is 12."""
    text = f"{tenths / 10:.1f}".removesuffix(".0")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def main() -> None:
    """Write the file and say how large it is."""
    import shapely

    rows = [(code, name, projected(geometry)) for code, name, geometry in boundaries()]
    simple = shapely.coverage_simplify([geometry for _, _, geometry in rows], TOLERANCE)
    states = []
    for (code, name, _), geometry in zip(rows, simple, strict=True):
        largest = max(shapely.get_parts(geometry), key=lambda p: p.area)
        point = largest.representative_point() if not largest.contains(largest.centroid) else largest.centroid
        states.append([code, name, path_of(geometry), round(point.x, 1), round(point.y, 1)])
    TARGET.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(state, separators=(",", ":")) for state in states)
    TARGET.write_text(f'{{"credit":{json.dumps(CREDIT)},"states":[\n{lines}\n]}}\n')
    print(f"{TARGET.relative_to(ROOT)}: {len(states)} states, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
