"""Where people live: state populations (typed in) and the standard ZIP codes of each state (PyPI `zipcodes`)."""

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tranship.sim.world.keyed import Ints

POPULATION = {
    "AL": 5_024_279, "AK": 733_391, "AZ": 7_151_502, "AR": 3_011_524, "CA": 39_538_223, "CO": 5_773_714,
    "CT": 3_605_944, "DE": 989_948, "DC": 689_545, "FL": 21_538_187, "GA": 10_711_908, "HI": 1_455_271,
    "ID": 1_839_106, "IL": 12_812_508, "IN": 6_785_528, "IA": 3_190_369, "KS": 2_937_880, "KY": 4_505_836,
    "LA": 4_657_757, "ME": 1_362_359, "MD": 6_177_224, "MA": 7_029_917, "MI": 10_077_331, "MN": 5_706_494,
    "MS": 2_961_279, "MO": 6_154_913, "MT": 1_084_225, "NE": 1_961_504, "NV": 3_104_614, "NH": 1_377_529,
    "NJ": 9_288_994, "NM": 2_117_522, "NY": 20_201_249, "NC": 10_439_388, "ND": 779_094, "OH": 11_799_448,
    "OK": 3_959_353, "OR": 4_237_256, "PA": 13_002_700, "RI": 1_097_379, "SC": 5_118_425, "SD": 886_667,
    "TN": 6_910_840, "TX": 29_145_505, "UT": 3_271_616, "VT": 643_077, "VA": 8_631_393, "WA": 7_705_281,
    "WV": 1_793_716, "WI": 5_893_718, "WY": 576_851,
}  # fmt: skip
"""Resident population on 2020-04-01 of the 50 states and the District of Columbia.

Source: U.S. Census Bureau, 2020 Census Apportionment Results, table 2 (26 April 2021). Typed in; the sum is the
published total.
"""
POPULATION_TOTAL = 331_449_281
"""Published total of the table above; a test compares."""
STATES = tuple(POPULATION)
_LAYOUT = 1  # raise when the cached arrays change their meaning


@dataclass(frozen=True)
class Places:
    """ZIP codes of the United States. `standard[start[s]:start[s + 1]]` are the standard ZIPs of `STATES[s]`."""

    zips: Ints  # [Z] every ZIP as a number, whatever its type
    state: Ints  # [Z] position in STATES; -1 where none (territories, military)
    standard: Ints  # [T] active ZIPs of type STANDARD with a place on the map, by state, then number
    start: Ints  # [states + 1]
    population: Ints  # [states] running sum of POPULATION

    def state_of(self, zip_code: str) -> str:
        """The state of a five-digit ZIP; empty where unknown."""
        if not zip_code.isdigit():
            return ""
        at = int(np.searchsorted(self.zips, int(zip_code)))
        if at == len(self.zips) or int(self.zips[at]) != int(zip_code) or int(self.state[at]) < 0:
            return ""
        return STATES[int(self.state[at])]


@lru_cache(maxsize=1)
def places() -> Places:
    """The ZIP table, from the cache directory where it was kept before (0.01 s instead of 0.7 s)."""
    kept = cache_dir() / f"world-zips-{version('zipcodes')}-{_LAYOUT}.npz"
    arrays = _read(kept)
    if arrays is None:
        arrays = _compute()
        _keep(kept, arrays)
    return Places(*arrays, population=np.cumsum(list(POPULATION.values())).astype(np.int64))


def cache_dir() -> Path:
    """TRANSHIP_CACHE, else XDG_CACHE_HOME/tranship, else ~/.cache/tranship. It may not exist, nor be writable."""
    named = os.environ.get("TRANSHIP_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "tranship"


def _compute() -> tuple[Ints, Ints, Ints, Ints]:
    import zipcodes  # 0.6 s and tens of megabytes: only where nothing is cached

    number = {state: i for i, state in enumerate(STATES)}
    found = sorted(
        (
            int(row["zip_code"]),
            number.get(row["state"], -1),
            row["zip_code_type"] == "STANDARD" and bool(row["active"]) and float(row["lat"] or 0) != 0,
        )
        for row in zipcodes.list_all()  # type: ignore[no-untyped-call]
    )
    table = np.array(found, np.int64).reshape(-1, 3)
    usable = table[(table[:, 2] == 1) & (table[:, 1] >= 0)]
    usable = usable[np.lexsort((usable[:, 0], usable[:, 1]))]
    start = np.searchsorted(usable[:, 1], np.arange(len(STATES) + 1)).astype(np.int64)
    return table[:, 0].copy(), table[:, 1].copy(), usable[:, 0].copy(), start


_NAMES = ("zips", "state", "standard", "start")


def _read(path: Path) -> tuple[Ints, Ints, Ints, Ints] | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            zips, state, standard, start = (_column(kept[name]) for name in _NAMES)
    except (OSError, ValueError, KeyError, EOFError):  # absent, half written, or of another make: compute it again
        return None
    if len(zips) != len(state) or len(start) != len(STATES) + 1 or int(start[-1]) != len(standard):
        return None
    return zips, state, standard, start


def _column(array: NDArray[np.int64]) -> Ints:
    if array.dtype != np.int64 or array.ndim != 1:
        raise ValueError("not a column of integers")
    return array


def _keep(path: Path, arrays: tuple[Ints, Ints, Ints, Ints]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as part:
            zips, state, standard, start = arrays
            np.savez(part, zips=zips, state=state, standard=standard, start=start)
        Path(part.name).replace(path)  # atomic: two processes that start together never read half a file
    except OSError:
        return  # a cache that cannot be kept is only slower
