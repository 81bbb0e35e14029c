"""`tranship leak report`: the wiring. The run gives the traffic, sim brands to train on, masking attackers, the console the page."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from tranship.cli.output import hint
from tranship.console.leak_page import LEAST_ROWS, LeakPage, Trained, make_page, shown
from tranship.console.leak_source import MOST_WEEKS, NetworkTraffic, Street, Traffic, read_traffic
from tranship.core.errors import InputError, UnavailableError
from tranship.engine.leak_plans import settings_of
from tranship.engine.run import open_store
from tranship.masking.leak.learned import Learned, dump, load, train
from tranship.masking.leak.model import Adversary, Floats
from tranship.routing.leak.forecast import ENOUGH_GIVEN
from tranship.sim.leak.likeness import (
    HOUSEHOLD_BRANDS,
    Likeness,
    Policy,
    brands_for,
    likeness_of,
    lines_pairs,
    orders_pairs,
)
from tranship.store.location import files_of
from tranship.store.people import People
from tranship.store.port import Moment, TableStore

Progress = Callable[[str, float, float], None]
NO_BUDGET = 100
"""The dial's end: a network like any other."""
CACHE_VERSION = 2
"""Raised when training changes, so that attackers kept from before are trained again."""


def measure(
    run: Path, *, only: str = "", quick: bool = False, weeks: int = MOST_WEEKS, progress: Progress | None = None
) -> LeakPage:
    """The figures of a run. Raises InputError where there is no run or no such network, UnavailableError without LightGBM (not `quick`)."""
    store = open_store(run, read_only=True)
    try:
        last = store.last_seq()[0]
        tell = (lambda seq: progress("reading the journal", seq, last)) if progress else None
        with store.snapshot() as moment:  # a service may be writing: all figures are of one moment
            traffic = read_traffic(_Moment(moment, store), weeks=weeks, street=_streets(store, run), tell=tell)
    finally:
        store.close()
    networks, _ = shown(traffic, only)
    if only and not networks:
        codes = ", ".join(one.code for one in traffic.networks) or "none"
        raise InputError(f"no network {only!r} in this run", where="--network", hint=f"There are: {codes}.")
    trained = {} if quick else attackers(traffic, networks, files_of(run), progress)
    return make_page(traffic, files_of(run).name, only=only, trained=trained, quick=quick)


class _Moment:
    """A snapshot of the books, with the documents that they name (those never change)."""

    def __init__(self, snapshot: Moment, store: TableStore) -> None:
        self.journal, self.query, self.document = snapshot.journal, snapshot.query, store.document


def _streets(store: TableStore, run: Path) -> Street | None:
    """Opens the street of an order, to tell households apart; None (said) where the key file is not there."""
    try:
        people = People.open(store, run, create=False)
    except UnavailableError:
        hint("the key file is not there: households are told apart by customer account, not by address")
        return None

    def street(order_id: str, person_id: str) -> str:
        person = people.address(order_id, person_id)
        return person.street if person is not None else ""

    return street


def attackers(
    traffic: Traffic, networks: list[NetworkTraffic], folder: Path, progress: Progress | None = None
) -> Trained:
    """Learned attackers for each network that saw something, from the run's folder where they were trained before."""
    likeness = likeness_of(traffic.world, LEAST_ROWS, traffic.facts.guests)
    seeing = [one for one in networks if len(one.seen.rows)]
    found: dict[tuple[str, Adversary], tuple[Learned, str]] = {}
    if likeness is None:
        return found

    for i, one in enumerate(seeing):
        for j, adversary in enumerate(Adversary):
            if progress:
                progress("training attackers", 2 * i + j, 2 * len(seeing))
            policy = policy_of(traffic, one)
            found[one.code, adversary] = _trained(likeness, policy, adversary, folder), _words(likeness, policy)
    return found


def _trained(likeness: Likeness, policy: Policy, adversary: Adversary, folder: Path) -> Learned:
    """From the folder where the same ones were kept, else trained now and kept."""
    said = msgspec.json.encode(
        [CACHE_VERSION, adversary.value, likeness, policy.settings, policy.networks, policy.given]
    )
    said += policy.line_shares.round(3).tobytes() + f"{policy.order_share:.3f}".encode()
    path = folder / f"leak-attackers-{hashlib.sha256(said).hexdigest()[:16]}.bin"
    try:
        return load(path.read_bytes())
    except (OSError, ValueError):
        pass  # not there yet, or not readable: trained again
    lines = lines_pairs(likeness, policy) if adversary is Adversary.NODE else ()
    learned = train(lines, adversary, households=orders_pairs(likeness, policy))
    _keep(path, dump(learned))
    return learned


def _keep(path: Path, body: bytes) -> None:
    """Keep attackers for the next report; a folder that cannot be written to costs time, nothing else."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(body)
        part.replace(path)
    except OSError:
        pass


def policy_of(traffic: Traffic, one: NetworkTraffic) -> Policy:
    """How orders got to a network: under its leak budget where the network file has one, else by the shares that were observed."""
    lines = np.bincount(traffic.world.sku, minlength=traffic.world.skus)
    mine = np.bincount(one.world.sku[one.seen.rows], minlength=traffic.world.skus)
    judged = np.flatnonzero(lines >= LEAST_ROWS)
    order = judged[np.argsort(-lines[judged], kind="stable")]
    shares: Floats = mine[order] / np.maximum(lines[order], 1)
    leaks = traffic.document.leaks if traffic.document else ()
    budget = next((leak for leak in leaks if leak.network == one.code and leak.budget < NO_BUDGET), None)
    networks = sum(leak.budget < NO_BUDGET for leak in leaks)
    settings = settings_of(budget, networks) if budget else None
    named = {row.sku for row in budget.forecast} if budget else set()
    given = bool(named) and lines[[sku in named for sku in traffic.skus]].sum() >= ENOUGH_GIVEN * lines.sum()
    return Policy(settings, max(1, networks), shares, one.orders / max(1, traffic.facts.orders), bool(given))


def _words(likeness: Likeness, policy: Policy) -> str:
    lines, orders = likeness
    how = (
        "under the leak budget that the network file gives it"
        if policy.settings is not None
        else "reaching it by chance, each product with the share that was observed"
    )
    return (
        f"trained on {brands_for(lines)} simulated brands of {lines.skus:,} products (Zipf {lines.zipf:g}, growth spread"
        f" {100 * lines.growth_sd:.2f} % a week) and {HOUSEHOLD_BRANDS} of {orders.customers:,} customers (gamma {orders.rate_shape:g}),"
        f" fitted to yours, their orders {how}. Your orders differ from simulated ones (new and seasonal products, larger orders), so a"
        " network that has other brands like you to learn from may do better."
    )
