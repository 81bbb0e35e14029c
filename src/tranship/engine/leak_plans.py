"""Leak plans: when one is due, what it is made from, and the command that brings it into force. Pure: secrets come from outside."""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import DamageError, InputError
from tranship.core.network import LeakBudget
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.leaks import Counts, LeakState, budgets_of
from tranship.engine.state import State
from tranship.routing.leak import planner
from tranship.routing.leak.forecast import ENOUGH_GIVEN, Read, growth_of, merged
from tranship.routing.leak.household import USUAL, Buying, fitted
from tranship.routing.leak.memory import BINS, memory_of
from tranship.routing.leak.model import ONE, WEEKS, LeakPlan, decode, encode, week_of, year_of
from tranship.routing.leak.policy import Settings, raised, settings_for

MOST_KNOWN = 13
"""Weeks before the first plan that a SKU's demand is taken from."""
Ints = NDArray[np.int64]
MICROS_PER_DAY = 86_400_000_000


def terms_of(budget: LeakBudget) -> str:
    """What of a budget makes its plan another one; on_conflict, value and payment are looked at by each decision.

    A forecast is not part of it: another one is for the curves of the next leak year, because curves that begin anew show a step.
    """
    least = f"/{budget.least_saving_bp}" if budget.least_saving_bp else ""
    return f"{budget.budget}/{budget.household_most}/{budget.heavy_pct:g}{least}"


def settings_of(budget: LeakBudget, networks: int) -> Settings:
    """The planner's settings: the dial's, with what the file says of households."""
    found = settings_for(budget.budget, networks)
    if budget.household_most:
        last = found.thetas[-1] if found.thetas else 0.0
        thetas = (found.thetas + (last,) * budget.household_most)[: budget.household_most]
        found = msgspec.structs.replace(found, thetas=thetas)
    if budget.heavy_pct:
        found = msgspec.structs.replace(found, heavy_share=budget.heavy_pct / 100)
    if budget.least_saving_bp:
        found = raised(found)
    return found.checked()


def due(state: State, at: int) -> list[LeakBudget]:
    """Budgets that need a plan now: none for this week, or one that was made on other terms. None where the run has no orders yet."""
    leaks = state.leaks
    if leaks is None or not leaks.lines:
        return []
    week, found = week_of(at), []
    for budget in budgets_of(state.require_network()):
        held = leaks.plans.get(budget.network)
        if budget.budget and (held is None or not _serves(held.plan, week) or held.terms != terms_of(budget)):
            found.append(budget)
    return found


def _serves(plan: LeakPlan, week: int) -> bool:
    """Whether a plan is of this week, or of the next one; one further ahead came of a clock that was wrong, and admits nothing."""
    return week <= plan.week <= week + 1


class Made(msgspec.Struct, frozen=True):
    """What one plan is made from, read from the state; making it needs the state no more."""

    previous: LeakPlan | None
    weeks: list[planner.Week]
    known: planner.Known
    network: str
    networks: tuple[str, ...]
    document: str
    settings: Settings
    week: int
    terms: str
    least_saving_bp: int | None = None


def material(state: State, budget: LeakBudget, at: int) -> Made:
    """What the plan of this week is made from: the weeks since the last one, and what is known where there is none."""
    leaks = state.leaks
    assert leaks is not None, "asked only where a budget is in force"
    names = tuple(each.network for each in budgets_of(state.require_network()))
    held, week = leaks.plans.get(budget.network), week_of(at)
    goes_on = held is not None and held.terms == terms_of(budget) and held.plan.week <= week + 1
    previous = held.plan if held is not None and goes_on else None
    weeks: list[planner.Week] = []
    if previous is not None:
        weeks = [_week(state, leaks, budget.network, each) for each in range(previous.week, week)]
    settings = settings_of(budget, len(names))
    known = _known(state, leaks, budget, at)
    return Made(
        previous, weeks, known, budget.network, names, state.network_sha, settings, week, terms_of(budget),
        budget.least_saving_bp or None,
    )  # fmt: skip


def made(material: Made, secret: bytes, reason: str, at: int) -> cmd.SetLeakPlan:
    """Make the plan: the same material and secret give the same command."""
    place = planner.Place(material.network, material.networks, material.document, secret)
    previous = material.previous
    if previous is not None and len(previous.shares) // 4 < len(material.known.lines):
        previous = _wider(previous, material, place)
    plan = planner.plan(previous, material.weeks, material.known, place, material.settings, material.week)
    document = encode(msgspec.structs.replace(plan, least_saving_bp=material.least_saving_bp))
    return cmd.SetLeakPlan(document, hashlib.sha256(document).hexdigest(), material.terms, reason, at)


def _wider(previous: LeakPlan, material: Made, place: planner.Place) -> LeakPlan:
    """The plan with room for articles that were added since: they are followed from now on, and get a curve when they are known."""
    memory = memory_of(previous)
    settings, never = material.settings, material.known.never
    size, more = len(previous.shares) // 4, len(material.known.lines) - len(previous.shares) // 4
    slopes = planner.normal(place.key(f"slopes|{place.network}", year_of(memory.week)), size + more)
    fill = {
        "log": np.full(more, np.log(0.3)),
        "var": np.full(more, 1.0),
        "growth_var": np.full(more, settings.growth_sd**2),
    }
    fill["decoy"] = slopes[size:] * settings.decoy_sd
    fill["never"] = np.zeros(more) if never is None else never[size:].astype(float)
    memory.arrays = {
        name: held + fill.get(name, np.zeros(more)).astype("<f8").tobytes() for name, held in memory.arrays.items()
    }
    shares = previous.shares + bytes(4 * more)  # not shown yet
    return msgspec.structs.replace(previous, shares=shares, memory=msgspec.msgpack.encode(memory))


def set_leak_plan(state: State, command: cmd.SetLeakPlan) -> list[ev.Event]:
    """Refuse a plan that is damaged, or that belongs to other budgets or articles than those in force."""
    if hashlib.sha256(command.document).hexdigest() != command.sha256:
        raise InputError("the document is not the one that its hash names", where="leak")
    plan = decode(command.document)
    names = tuple(budget.network for budget in budgets_of(state.require_network()))
    if state.leaks is None or plan.network not in names or plan.networks != names:
        hint = "The network file changed while it was made; the next one will fit."
        raise InputError(f"a leak plan for {plan.network}, which has no such budget", where="leak", hint=hint)
    if len(plan.shares) // 4 > len(state.skus):
        raise InputError("a leak plan of other SKUs than the network's", where="leak")
    if plan.memory:
        try:
            memory_of(plan)
        except DamageError as error:
            raise InputError(str(error), where="leak") from error
    version = state.leaks.versions.get(plan.network, 0) + 1
    return [ev.LeakPlanSet(version, command.sha256, plan.network, plan.week, command.terms, command.reason, command.at)]


# -- what is known ----------------------------------------------------------------------------------------------------


def _row(state: State, counts: Counts, week: int) -> Ints:
    row = np.zeros(len(state.skus), np.int64)
    for sku, count in counts.get(week, {}).items():
        row[sku] = count
    return row


def _week(state: State, leaks: LeakState, network: str, week: int) -> planner.Week:
    lines = _row(state, leaks.lines, week)
    spread = np.zeros(BINS, np.int64)
    for place, count in leaks.spread.get(network, {}).get(week, {}).items():
        spread[place] = count
    spread[-1] += max(0, int(lines.sum() - spread.sum()))  # what had no weight
    accepted, exposed = leaks.accepted.get(network, {}), leaks.exposed.get(network, {})
    return planner.Week(week, lines, _row(state, accepted, week), _row(state, exposed, week), spread)


def _known(state: State, leaks: LeakState, budget: LeakBudget, at: int) -> planner.Known:
    week = week_of(at)
    lines, weeks = np.zeros(len(state.skus), np.int64), np.zeros(len(state.skus), np.int64)
    for each in range(week - MOST_KNOWN, week):
        lines += _row(state, leaks.lines, each)
    for sku, first in leaks.first.items():
        weeks[sku] = min(MOST_KNOWN, max(0, week - first))
    never, buying = _never(state, budget.network, at), buying_of(leaks, week)
    read, given = (
        _growth(state, leaks, week),
        given_growth(budget, [sku.code for sku in state.require_network().skus], lines),
    )
    if given is None:
        growth, error = read if read is not None else (None, 0.0)
        return planner.Known(lines, weeks, growth, error, never, buying, unsure=True, read=len(lines) if read else 0)
    growth, error, said = merged(given, read)
    # Where nothing was sold yet articles count alike: a forecast of one in a thousand says nothing of the others.
    weight = lines if lines[~never].any() else np.ones_like(lines)
    unsure = bool(weight[said & ~never].sum() < ENOUGH_GIVEN * weight[~never].sum())
    return planner.Known(
        lines, weeks, growth, error, never, buying, unsure, int(said.sum()), int((~said).sum()) if read else 0,
        source_of(budget),
    )  # fmt: skip


def source_of(budget: LeakBudget) -> str:
    """A digest of a budget's forecast, by which people tell one from another; empty without one."""
    return hashlib.sha256(msgspec.json.encode(budget.forecast)).hexdigest()[:12] if budget.forecast else ""


def given_growth(budget: LeakBudget, codes: Sequence[str], lines: Ints) -> Read | None:
    """The network file's forecast by position, NaN where it names no such article; None where it names none at all.

    What is common to all is taken off, weighed by their lines: it is the season's, and no article's own.
    """
    held = {one.sku: one for one in budget.forecast}
    found = [held.get(code) for code in codes]
    growth = np.array([np.nan if one is None else one.growth_ppm / ONE for one in found])
    error = np.array([0.0 if one is None else one.error_ppm / ONE for one in found])
    said = ~np.isnan(growth)
    if not said.any():
        return None
    weight = lines[said] + 0.3
    return growth - float((growth[said] * weight).sum() / weight.sum()), error


def _growth(state: State, leaks: LeakState, week: int) -> Read | None:
    """Growth as the last year's own orders tell it; None where there are too few weeks."""
    first = min(leaks.first.values(), default=week)
    start = max(first, week - WEEKS)
    if start >= week:
        return None
    lines = np.stack([_row(state, leaks.lines, each) for each in range(start, week)])
    known = np.zeros(len(state.skus), np.int64)
    for sku, since in leaks.first.items():
        known[sku] = week - max(since, start)
    return growth_of(lines, known)


def _never(state: State, network: str, at: int) -> NDArray[np.bool_]:
    """SKUs that no node of the network may ship: sensitive ones, those it cannot handle, and bundles, which ship as their parts."""
    nodes = sorted(state.leak_nodes.get(network, ()))
    items = state.facts(at // MICROS_PER_DAY).items
    never = np.array(~items[:, nodes].any(axis=1), np.bool_)  # all of them where it has no node
    never[list(state.bundles)] = True
    return never


def buying_of(leaks: LeakState, week: int) -> Buying:
    """How often households buy, fitted to the last leak year; usual values where there is no whole one."""
    year = year_of(week)
    if not leaks.first or min(leaks.first.values()) > (year - 1) * WEEKS + 1:
        return USUAL
    counts: dict[int, int] = {}
    for held in leaks.households.values():
        orders = held.last if held.year == year else held.seen if held.year == year - 1 else 0
        if orders > 0:
            counts[orders] = counts.get(orders, 0) + 1
    return fitted(np.array([counts.get(n, 0) for n in range(max(counts, default=0) + 1)], np.int64))


def plans_now(state: State, secret: bytes, at: int, reason: str = "schedule") -> Sequence[cmd.SetLeakPlan]:
    """The commands of all plans that are due, for runs on a virtual clock."""
    return [made(material(state, budget, at), secret, reason, at) for budget in due(state, at)]
