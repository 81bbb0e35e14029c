"""The map of the United States: one equal-area projection for outlines, nodes and places, with Alaska and Hawaii as insets.

The outline is derived from a cartographic boundary file of the Census Bureau (public domain) by `tools/build_us_outline.py`.
"""

import math
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

WIDTH, HEIGHT = 960, 600
"""Size of the map's coordinate system."""


class Albers(NamedTuple):
    """An equal-area conic projection with two standard parallels (degrees), its origin, and where that lands on the map."""

    south: float
    north: float
    latitude: float
    longitude: float
    scale: float
    x: float
    y: float

    def at(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Map coordinates of a point."""
        south, north = math.radians(self.south), math.radians(self.north)
        n = (math.sin(south) + math.sin(north)) / 2
        c = math.cos(south) ** 2 + 2 * n * math.sin(south)
        theta = n * math.radians((longitude - self.longitude + 180) % 360 - 180)
        rho = math.sqrt(max(0.0, c - 2 * n * math.sin(math.radians(latitude)))) / n
        origin = math.sqrt(c - 2 * n * math.sin(math.radians(self.latitude))) / n
        return self.x + self.scale * rho * math.sin(theta), self.y - self.scale * (origin - rho * math.cos(theta))


# Standard parallels: Snyder, "Map Projections - A Working Manual" (USGS 1395, 1987), for the contiguous states, Alaska and Hawaii.
MAINLAND = Albers(29.5, 45.5, 37.5, -96.0, 1270.0, 487.0, 312.0)
ALASKA = Albers(55.0, 65.0, 50.0, -154.0, 440.0, 130.0, 606.0)
HAWAII = Albers(8.0, 18.0, 20.5, -157.4, 1270.0, 292.0, 562.0)


def project(latitude: float, longitude: float) -> tuple[float, float] | None:
    """Where a place lies on the map; None for places that it does not show (territories, abroad).

    >>> [round(v) for v in project(39.8, -98.6) or ()]  # the middle of the contiguous states
    [443, 260]
    >>> project(18.4, -66.1) is None  # Puerto Rico
    True
    """
    if 50.5 <= latitude <= 72 and (longitude <= -129 or longitude >= 172):
        return ALASKA.at(latitude, longitude)
    if 18.5 <= latitude <= 23 and -161 <= longitude <= -154:
        return HAWAII.at(latitude, longitude)
    if 24 <= latitude <= 50 and -126 <= longitude <= -66:
        return MAINLAND.at(latitude, longitude)
    return None


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """One state: its code and name, its outline as SVG path data, and the point that stands for it."""

    code: str
    name: str
    path: str
    x: float
    y: float


class Outline(msgspec.Struct, frozen=True):
    """All states, with the credit that their source asks for."""

    credit: str
    states: tuple[Shape, ...]


@lru_cache(maxsize=1)
def outline() -> Outline:
    """The packaged outline of the 50 states and the District of Columbia."""
    body = files("tranship.console").joinpath("data", "us_outline.json").read_bytes()
    return msgspec.json.decode(body, type=Outline)
