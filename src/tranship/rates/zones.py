"""Postal zones by distance: ZIP3 points from the `zipcodes` package, great circles, thresholds in miles.

The postal service measures between the processing plants that serve two ZIP3 areas; which plant serves which area is
not in any open package, so a ZIP3's point is the median of its ZIP codes. The thresholds are the published 50, 150,
300, 600, 1,000, 1,400 and 1,800 miles, moved by the least error on even origins of a 2019 zone chart, because plants
lie nearer to each other than areas do. The match, measured on odd origins, is in `docs/rates.md` and is held by a
test. Facts beyond distance:

* within one ZIP3 the zone is 1; to 969 (Guam and other Pacific islands) it is 9 from everywhere else;
* military ZIP3s have the zone of their gateway: 090-098 New York, 340 Miami, 962-966 San Francisco;
* a ZIP3 without any located ZIP code has zone 0: not served.
"""

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import Node

Points = NDArray[np.float64]
"""`[1000, 2]` latitude and longitude in degrees by ZIP3; NaN where no ZIP code of the prefix is located."""

EARTH_MILES = 3958.7613
"""Mean radius of the earth."""
LIMIT_MILES = (61.0, 164.0, 322.0, 627.0, 1025.0, 1435.0, 1818.0)
"""Longest distance of zones 1 to 7; above the last one is zone 8."""
PACIFIC = 969
GATEWAYS = {**dict.fromkeys(range(90, 99), 100), 340: 331, **dict.fromkeys(range(962, 967), 943)}
"""Military ZIP3 to the ZIP3 of the gateway where the postal service hands over."""


def zip3(code: str) -> int:
    """The first three digits of a US ZIP code as a number, -1 where there are none.

    >>> zip3("98109-1234"), zip3(" 00501 "), zip3("SW1A 1AA"), zip3("98")
    (981, 5, -1, -1)
    """
    head = code.strip()[:3]
    return int(head) if len(head) == 3 and head.isascii() and head.isdigit() else -1


def zones_between(points: Points, origins: Sequence[int]) -> NDArray[np.uint8]:
    """Zones `[N, 1000]` from origin ZIP3s (-1: unknown) to every ZIP3; 0 where either end is unknown.

    >>> points = np.full((1000, 2), np.nan)
    >>> points[100], points[941] = (40.7, -74.0), (37.8, -122.4)  # New York, San Francisco
    >>> zones_between(points, [100])[0][[100, 941, 90, 555]].tolist()  # 090: military, by way of New York
    [1, 8, 1, 0]
    """
    located = points.copy()
    for military, gateway in GATEWAYS.items():
        located[military] = points[gateway]
    start = np.array([located[origin] if origin >= 0 else (np.nan, np.nan) for origin in origins]).reshape(-1, 2)
    miles = _miles(start[:, None, :], located[None, :, :])
    known = ~np.isnan(miles)
    zone = np.searchsorted(np.array(LIMIT_MILES), np.where(known, miles, 0.0)) + 1
    zone[:, PACIFIC] = 9
    for position, origin in enumerate(origins):
        if origin >= 0:
            zone[position, origin] = 1
    return np.where(known, zone, 0).astype(np.uint8)


def _miles(a: Points, b: Points) -> Points:
    lat_a, lon_a, lat_b, lon_b = (np.radians(side[..., axis]) for side in (a, b) for axis in (0, 1))
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    miles: Points = 2 * EARTH_MILES * np.arcsin(np.sqrt(half))
    return miles


def zone_table(nodes: Sequence[Node]) -> NDArray[np.uint8]:
    """Zone from each node to each destination ZIP3, `[N, 1000]`; 0: unknown. A node abroad serves nobody."""
    origins = [zip3(node.zip) if node.country == "US" else -1 for node in nodes]
    return np.ascontiguousarray(zones_between(zip3_points(), origins))


@lru_cache(maxsize=1)
def zip3_points() -> Points:
    """Median point of each ZIP3; read from the cache directory, or computed and written there where possible."""
    path = cache_dir() / f"zip3-points-1-{_package_version()}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            points: Points = saved["points"]
        if points.shape == (1000, 2) and points.dtype == np.float64:
            return points
    points = compute_points()
    with contextlib.suppress(OSError):
        _write(path, points)
    return points


def cache_dir() -> Path:
    """Where derived tables are kept: `TRANSHIP_CACHE`, else `XDG_CACHE_HOME/tranship`, else `~/.cache/tranship`."""
    own = os.environ.get("TRANSHIP_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tranship"


def compute_points() -> Points:
    """Median latitude and longitude per ZIP3 from the `zipcodes` package, where latitude 0 means unknown."""
    import zipcodes  # only needed where the cache is empty; reading it takes half a second

    points = np.full((1000, 2), np.nan)
    for prefix in range(100):  # piece by piece: the whole list at once would cost 130 MB
        found: dict[int, list[tuple[float, float]]] = {}
        for entry in zipcodes.similar_to(f"{prefix:02d}"):  # type: ignore[no-untyped-call]
            latitude, longitude = float(entry["lat"] or 0), float(entry["long"] or 0)
            if latitude:
                found.setdefault(int(entry["zip_code"][:3]), []).append((latitude, longitude))
        for number, places in found.items():
            points[number] = np.median(np.array(places), axis=0)
    return points


def _package_version() -> str:
    import importlib.metadata

    return importlib.metadata.version("zipcodes")


def _write(path: Path, points: Points) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, points=points)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink()
        raise
