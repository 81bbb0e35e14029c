"""How good a promise is that knows its own odds: real parcels, their promised and their actual days.

    python -m benchmarks.promise --json [--tune]

Orders of Olist, a Brazilian marketplace, 2017 and 2018 (../shared/data/olist_8k; license CC BY-NC-SA, so it is read there and no part of
it is kept here): when each was bought, when it arrived, what Olist promised, where seller and customer are. The odds are those of the
product, `tranship.routing.odds`: a node is a seller, a ZIP3 the first three digits of a Brazilian code, and days are working days from
the purchase on, the seller's own days included. Planned days go by distance, in seven steps that were fixed before any figure was seen.

Nothing is known before it happened: the odds of a month are learned on its first day, from what was bought before; what had not arrived
by then counts as still on the road. Settings were chosen on the months up to 2017-12 (`--tune` shows those); reported is 2018.

Promises are made in two ways. `level`: each order gets the first day that it reaches with the same probability. `worth`: the day where
one more would no longer pay, if being late is as bad as so many days more. The level, or that number, is then moved until promises are as
long as Olist's on average, and lateness is read; or until lateness is Olist's, and length is read. Length is calendar days.

The set is a sample: all 2,963 orders that never arrived are in it, and one in nineteen of those that did. Promises are judged on the
orders that arrived, as Olist's own are; of parcels that left and never came, one in nineteen is kept, as on the road for ever.
"""

import argparse
import csv
import datetime as dt
import gzip
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe
from benchmarks.split import shared
from tranship.core.time import add_working_days, date_to_day, next_working_day, working_days_between
from tranship.routing.odds import Lane, Odds, Seen, Settings

TUNED_ON = ("2017-05", "2017-06", "2017-07", "2017-08", "2017-09", "2017-10", "2017-11", "2017-12")
REPORTED_ON = ("2018-01", "2018-02", "2018-03", "2018-04", "2018-05", "2018-06", "2018-07", "2018-08")
EARLY, LATE = 20, 45
KEPT_ONE_IN = 19
"""Orders of Olist that arrived (96,478 of its published set) over those of them in the sample (5,172)."""
STEPS_KM = (50, 150, 400, 800, 1300, 2000)
"""Planned are 5 working days up to the first distance, and 2 more for each step."""
LEVELS_BP = np.unique(
    np.concatenate([np.arange(5000, 9000, 50), np.arange(9000, 9900, 10), np.arange(9900, 10_000, 2)])
)
"""Levels that promises are tried at."""
LATE_DAYS = np.unique(np.geomspace(5, 5000, 150).astype(int))
"""What being late is worth, in days, where promises weigh it."""
HORIZONS = range(2, 31)
"""Working days after the purchase for which stated and observed shares are compared."""
SAMPLES = 1000
Ints = NDArray[np.int64]
LEVELS = (("all", 10), ("planned", 50), ("states", 100), ("origin", 50), ("reach", 50), ("lane", 50))


@dataclass(frozen=True)
class Trip:
    """One order. Days are day numbers; `arrived` is 0 where it never did."""

    bought: int
    month: str
    arrived: int
    promised: int
    seller: str
    seller_state: str
    state: str
    zip3: str
    km: float

    def working_days(self, until: int) -> int:
        """From the purchase to a day, as the product counts: a weekend is part of the Monday after it."""
        return working_days_between(next_working_day(self.bought), until)

    @property
    def planned(self) -> int:
        """Working days by distance, as a carrier's table might say them; nothing here is learned."""
        return 5 + 2 * int(np.searchsorted(STEPS_KM, self.km))

    def lane(self, planned: int) -> Lane:
        """The lane as the product knows it."""
        return Lane(self.seller, self.seller_state, self.zip3, self.state, "", planned)


def _rows(data: Path, name: str) -> Iterable[dict[str, str]]:
    with gzip.open(data / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _day(text: str) -> int:
    return date_to_day(dt.date.fromisoformat(text[:10])) if text else 0


def _points(data: Path) -> dict[str, tuple[float, float]]:
    """Median point of each five-digit code and of its first three digits."""
    places: dict[str, list[tuple[float, float]]] = {}
    for row in _rows(data, "olist_geolocation_dataset"):
        at = float(row["geolocation_lat"]), float(row["geolocation_lng"])
        if -35 < at[0] < 6 and -75 < at[1] < -30:  # some points lie at sea or in other countries
            code = row["geolocation_zip_code_prefix"]
            places.setdefault(code, []).append(at)
            places.setdefault(code[:3], []).append(at)
    medians = {code: np.median(np.array(found), axis=0) for code, found in places.items()}
    return {code: (float(point[0]), float(point[1])) for code, point in medians.items()}


def _km(one: tuple[float, float] | None, other: tuple[float, float] | None) -> float:
    """Great circle; 600 where an end is not known, the middle of the country's distances."""
    if one is None or other is None:
        return 600.0
    a, b, c, d = (radians(x) for x in (*one, *other))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * 6371 * asin(sqrt(half))


def read_trips(data: Path) -> list[Trip]:
    """Orders that arrived, and one in nineteen of those that left and never did, by day of purchase."""
    points = _points(data)
    sellers = {row["seller_id"]: row for row in _rows(data, "olist_sellers_dataset")}
    customers = {row["customer_id"]: row for row in _rows(data, "olist_customers_dataset")}
    first: dict[str, str] = {}
    for row in _rows(data, "olist_order_items_dataset"):
        first.setdefault(row["order_id"], row["seller_id"])
    trips, lost = [], 0
    for row in sorted(_rows(data, "olist_orders_dataset"), key=lambda row: row["order_id"]):
        arrived = _day(row["order_delivered_customer_date"])
        never = row["order_status"] == "shipped" and not arrived
        lost += never
        if not (arrived and row["order_status"] == "delivered") and not (never and lost % KEPT_ONE_IN == 0):
            continue
        seller, customer = sellers[first[row["order_id"]]], customers[row["customer_id"]]
        ends = seller["seller_zip_code_prefix"], customer["customer_zip_code_prefix"]
        km = _km(*(points.get(code) or points.get(code[:3]) for code in ends))
        bought, promised = row["order_purchase_timestamp"], _day(row["order_estimated_delivery_date"])
        states = seller["seller_state"], customer["customer_state"]
        trips.append(Trip(_day(bought), bought[:7], arrived, promised, seller["seller_id"], *states, ends[1][:3], km))
    return sorted(trips, key=lambda trip: trip.bought)


@dataclass(frozen=True)
class Model:
    """A way to know odds: the groups they are learned from, and what counts as planned."""

    levels: tuple[tuple[str, int], ...] = LEVELS
    planned: str = "distance"  # distance | none | olist

    def plan(self, trip: Trip) -> int:
        """Planned days of an order."""
        if self.planned == "olist":
            return trip.working_days(trip.promised)
        return trip.planned if self.planned == "distance" else STEPS_KM.index(400) * 2 + 5


MODELS = {
    "lanes": Model(),
    "planned_days_only": Model(LEVELS[:2]),
    "lane_blind": Model(LEVELS[:1], "none"),
    "lanes_on_olists_estimate": Model((LEVELS[0], *LEVELS[2:]), "olist"),
}
"""Ours; two baselines that know less; and ours with Olist's own promise as the planned day."""


def learned(trips: Sequence[Trip], month: str, model: Model) -> Odds:
    """Odds as they could be known on the first day of a month."""
    today = date_to_day(dt.date.fromisoformat(f"{month}-01"))
    seen = []
    for trip in trips:
        if trip.bought >= today:
            break
        on_the_road = not 0 < trip.arrived < today
        days = trip.working_days(today if on_the_road else next_working_day(trip.arrived))
        year, number = map(int, trip.month.split("-"))
        seen.append(Seen(trip.lane(model.plan(trip)), max(0, days), 12 * year + number, 1, on_the_road))
    return Odds(seen, Settings(model.levels, EARLY, LATE))


def _falling(
    better: NDArray[np.float64], length: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two points between which lateness falls to the one compared with: the shortest promises that reach it, not the longest."""
    first = int(np.argmax(better >= 0)) if better.max() >= 0 else len(better) - 1
    return better[max(first - 1, 0) : first + 1], length[max(first - 1, 0) : first + 1]


class Judged:
    """What a model states and promises for the orders of some months, and what became of them."""

    def __init__(self, trips: Sequence[Trip], months: Sequence[str], model: Model) -> None:
        self.trips = [trip for trip in trips if trip.month in months and trip.arrived]
        odds = {month: learned(trips, month, model) for month in months}
        self.plans = np.array([model.plan(trip) for trip in self.trips], np.int64)
        lanes = [trip.lane(int(plan)) for trip, plan in zip(self.trips, self.plans, strict=True)]
        pairs = list(zip(self.trips, lanes, strict=True))
        self.rows = np.array([odds[trip.month].row(lane) for trip, lane in pairs], np.int64)
        self.took = np.array([trip.arrived - trip.bought for trip in self.trips], np.int64)
        self.worked = np.array([trip.working_days(next_working_day(trip.arrived)) for trip in self.trips], np.int64)
        self.olist = np.array([trip.promised - trip.bought for trip in self.trips], np.int64)
        self.weeks, self.week = np.unique([trip.bought // 7 for trip in self.trips], return_inverse=True)
        by_level = [[int(np.searchsorted(row, level)) for level in LEVELS_BP] for row in self.rows]
        self.level = self._calendar(np.array(by_level) - EARLY + self.plans[:, None])
        by_worth = [[odds[trip.month].worth_days(lane, int(days)) for days in LATE_DAYS] for trip, lane in pairs]
        self.worth = self._calendar(np.array(by_worth))

    def _calendar(self, days: Ints) -> Ints:
        """Calendar days of promises of so many working days."""
        rows = zip(self.trips, days.tolist(), strict=True)
        return np.array([[add_working_days(t.bought, max(0, n)) - t.bought for n in row] for t, row in rows], np.int64)

    def _by_week(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sums of the orders of each week `[weeks, ...]`."""
        out = np.zeros((len(self.weeks), *values.shape[1:]))
        np.add.at(out, self.week, values)
        return out

    def figures(self, way: str) -> tuple[dict[str, float], dict[str, list[float]]]:
        """Lateness at Olist's promise length and length at Olist's lateness; and 95 % intervals, weeks drawn with replacement."""
        promised = self.level if way == "level" else self.worth
        orders = self._by_week(np.ones(len(self.took)))
        sums = [self._by_week(x) for x in (promised, self.took[:, None] > promised, self.olist, self.took > self.olist)]

        def of(weeks: NDArray[np.float64]) -> dict[str, float]:
            length, late, theirs, their_late = (weeks @ one / (weeks @ orders) for one in sums)
            ours_late = np.interp(theirs, length, late)
            ours_long = np.interp(0, *_falling(their_late - late, length))
            return {
                "late_pct": 100 * float(ours_late),
                "olist_late_pct": 100 * float(their_late),
                "less_late_points": 100 * float(their_late - ours_late),
                "length_days": float(ours_long),
                "olist_length_days": float(theirs),
                "shorter_days": float(theirs - ours_long),
            }

        rng, count = np.random.default_rng(1), len(self.weeks)
        drawn = [of(np.bincount(rng.integers(0, count, count), minlength=count).astype(float)) for _ in range(SAMPLES)]
        spread = {
            name: [round(float(np.quantile([one[name] for one in drawn], q)), 2) for q in (0.025, 0.975)]
            for name in ("late_pct", "olist_late_pct", "less_late_points", "shorter_days")
        }
        return {name: round(value, 2) for name, value in of(np.ones(count)).items()}, spread

    def stated(self) -> NDArray[np.float64]:
        """Share with which each order was to arrive within each horizon."""
        place = np.array(HORIZONS)[None, :] - self.plans[:, None] + EARLY
        found = np.take_along_axis(self.rows, np.clip(place, 0, self.rows.shape[1] - 1), axis=1)
        return np.where(place < 0, 0, found) / 10_000

    def calibration(self) -> tuple[list[dict[str, float]], float]:
        """By decile of the stated probability: stated and observed share with a bootstrap over weeks; and their mean distance, points."""
        stated, came = self.stated(), self.worked[:, None] <= np.array(HORIZONS)[None, :]
        decile = np.minimum((stated * 10).astype(int), 9)
        rng = np.random.default_rng(1)
        out, off = [], 0.0
        for d in range(10):
            inside = decile == d
            weeks = np.stack([np.bincount(self.week, (inside * x).sum(axis=1)) for x in (1, stated, came)])
            count, said, seen = weeks.sum(axis=1)
            drawn = [weeks[:, rng.integers(0, weeks.shape[1], weeks.shape[1])].sum(axis=1) for _ in range(SAMPLES)]
            low, high = np.quantile([100 * one[2] / max(one[0], 1) for one in drawn], (0.025, 0.975))
            row = {"stated_pct": 100 * said / count, "observed_pct": 100 * seen / count, "low": low, "high": high}
            out.append({**{name: round(float(value), 1) for name, value in row.items()}, "pairs": int(count)})
            off += float(abs(said - seen)) / stated.size
        return out, round(100 * off, 2)

    def squared_error(self) -> float:
        """Mean squared distance of what was stated from what came, over all horizons, x 10,000 (lower is better)."""
        came = self.worked[:, None] <= np.array(HORIZONS)[None, :]
        return round(10_000 * float(((self.stated() - came) ** 2).mean()), 1)


def report(trips: Sequence[Trip], months: Sequence[str]) -> dict[str, Any]:
    """Everything that is told about some months."""
    out: dict[str, Any] = {"months": [months[0], months[-1]]}
    for name, model in MODELS.items():
        judged = Judged(trips, months, model)
        table, off = judged.calibration()
        out["orders"], out["weeks"] = len(judged.trips), len(judged.weeks)
        ways: dict[str, Any] = {}
        for way in ("level", "worth"):
            found, spread = judged.figures(way)
            ways[way] = {**found, "interval_95": spread}
        out[name] = {**ways, "squared_error": judged.squared_error(), "calibration_off_points": off}
        if name == "lanes":
            out[name]["calibration"] = table
    return out


def main() -> int:
    """Run, print one line of JSON, or the same laid out."""
    parser = argparse.ArgumentParser(description="promises with odds against the promises of a real marketplace")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--tune", action="store_true", help="the months that settings were chosen on instead")
    options = parser.parse_args()
    data = shared() / "data" / "olist_8k"
    if not data.is_dir():
        reason = "../shared/data/olist_8k is absent: the orders of this benchmark are read from it"
        print(json.dumps({"skipped": reason}) if options.json else f"skipped: {reason}")
        return 0
    figures = report(read_trips(data), TUNED_ON if options.tune else REPORTED_ON)
    figures["machine"] = describe()
    print(json.dumps(figures) if options.json else json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
