"""Rules about leak budgets: what no key alone can break."""

from collections.abc import Mapping

from tranship.connectors.netfile.finding import listed
from tranship.connectors.netfile.ground import Ground, percent
from tranship.connectors.netfile.independence import able_of
from tranship.core.network import FULL_BP, LeakBudget

ENOUGH_GIVEN = 0.9
"""Part of the articles that a forecast names at least where it is meant for all (`routing.leak.forecast`, which counts order lines)."""
LEAST_HEAVY_PCT = 0.1
"""Fewer households than this part are too few to be hidden as a group: no plan can be made for them."""

PASSES_FROM = 60
"""The dial above which a part of the orders passes whatever it shows, those of households that were shown enough too."""


def leak_rules(ground: Ground) -> None:
    """Budgets that nothing can keep, that contradict a cap, or that hide nothing."""
    budgets = [(i, budget) for i, budget in enumerate(ground.file.leaks, 1) if budget.budget < 100]
    if not budgets:
        return
    names = {budget.network for _, budget in budgets}
    if not any(ground.node(n).network not in names for n in ground.open):
        soft = all(budget.on_conflict == "spend" for _, budget in budgets)
        what = "every open node belongs to a network with a leak budget"
        hint = (
            "add or open a node elsewhere"
            if not soft
            else "orders kept off would go there all the same: nothing is hidden"
        )
        (ground.warn if soft else ground.error)("leak_no_other", f"leak[{budgets[0][0]}].budget", what, hint)
    _alone(ground, dict(budgets))
    for i, budget in budgets:
        _one(ground, i, budget)
        _forecast(ground, i, budget)
    if ground.file.policy.prices == "on":
        what = "prices are made as if every network could take every order, and a leak budget keeps some off"
        hint = 'stock elsewhere is valued too low (docs/leak-routing.md); prices = "off" leaves them out'
        ground.note("leak_prices", "policy.prices", what, hint)


def _one(ground: Ground, i: int, budget: LeakBudget) -> None:
    _, network = ground.network(budget.network)
    if 0 < budget.heavy_pct < LEAST_HEAVY_PCT:
        what = f"{budget.heavy_pct:g} is out of range"
        ground.error("bad_value", f"leak[{i}].heavy_pct", what, f"allowed: 0, or {LEAST_HEAVY_PCT:g} to 50")
    if budget.household_most and budget.budget > PASSES_FROM:
        what = f"household_most = {budget.household_most} and a budget of {budget.budget}, of which a part passes whatever it shows"
        ground.warn(
            "leak_contradicts", f"leak[{i}].household_most", what, f"a budget of {PASSES_FROM} or less keeps it"
        )
    if not network.competitor:
        what = f"{budget.network} has a leak budget and is no competitor"
        ground.note(
            "leak_contradicts",
            f"leak[{i}].network",
            what,
            "with competitor = true sensitive articles never go there either",
        )
    for word in ground.file.policy.must:
        verb, _, rest = word.partition(":")
        if verb == "only" and rest.partition("@")[0] == budget.network:
            what = f"the must-rule {word} sends orders to {budget.network}, which is not to see them all"
            ground.error(
                "leak_contradicts", f"leak[{i}].network", what, "a channel that must go there cannot have a budget"
            )
    for other in ground.file.caps:
        if other.network == budget.network:
            continue
        if (
            other.cap_bp < FULL_BP
            and other.on_conflict == "park"
            and not _third(ground, {budget.network, other.network})
        ):
            what = f"what the budget keeps off {budget.network} may only go to {other.network}, capped at {percent(other.cap_bp)}"
            ground.warn(
                "leak_contradicts", f"leak[{i}].budget", what, "a node that neither of them limits, or orders wait"
            )
    if network.code in ground.file.policy.prefer:
        what = f"prefer names {network.code} first and the budget keeps orders off it"
        ground.note("leak_contradicts", f"leak[{i}].network", what, "the budget goes before the preference")


def _forecast(ground: Ground, i: int, budget: LeakBudget) -> None:
    """A forecast that leaves out so many articles that it is not relied on."""
    named = {one.sku for one in budget.forecast}
    single = [sku.code for sku in ground.file.skus if not sku.parts]
    without = [code for code in single if code not in named]
    if named and len(without) > (1 - ENOUGH_GIVEN) * len(single):
        what = f"{len(without):,} of {len(single):,} articles have no forecast: {listed(without)}"
        hint = "where those are more than a tenth of the order lines, curves are kept lower, as without a forecast"
        ground.note("leak_forecast", f"leak[{i}].forecast", what, hint)


def _third(ground: Ground, names: set[str]) -> bool:
    return any(ground.node(n).network not in names for n in ground.open)


def _alone(ground: Ground, budgets: Mapping[int, LeakBudget]) -> None:
    """Articles that lie only where a budget keeps most orders off."""
    index = ground.file.node_index()
    able, stocked = able_of(ground)
    for i, budget in budgets.items():
        mine = {n for n in index.values() if ground.node(n).network == budget.network}
        only = [code for code, nodes in able.items() if nodes and nodes <= mine]
        if only:
            who = f"only {budget.network}, with a leak budget of {budget.budget},"
            what = f"{who} stocks or may ship {len(only):,} articles: {listed(only)}"
            hint = (
                "stock them elsewhere too, or they wait"
                if budget.on_conflict == "park"
                else "each of their orders is shown all the same"
            )
            ground.warn("leak_only", f"leak[{i}].budget" if not stocked else "party.stock_file", what, hint)
