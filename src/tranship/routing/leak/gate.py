"""The gate: may this order be shown to that network? Integers in, integers out, the same answer each time it is asked.

    limit = share of the SKU x weight of the household, at most ONE      draw = HMAC(key, order, network)

An order whose draw is below its limit may go there; the router then compares costs as usual. The draw is one per order and network: of
an order with several SKUs each line has its own limit and all share the draw, so a part is admitted where the SKU that allows
least is. Asking again, for another part or after a call back, gives nothing away that the first answer did not.

Prices come in as one cut-off for all SKUs, yes or no. A weight that grows with the saving, and so a surcharge, would show itself: a
scarce SKU, whose limit is whole, would let dear orders through where another does not, and the network knows what it charged.
"""

import hmac
from collections.abc import Sequence

from tranship.routing.leak.model import ONE, STALE_WEEKS, Household, LeakTables, LeakVerdict

SPAN = 1 << 64


def admitted(
    tables: LeakTables, order_id: str, skus: Sequence[int], household: Household | None, week: int, saving_bp: int,
) -> LeakVerdict:  # fmt: skip
    """Whether lines of these SKUs (network positions, each once) may go to the plan's network together.

    Args:
        tables: the newest plan of that network, unpacked.
        order_id: the engine's id of the order, not of its part: all parts of an order share one draw.
        skus: positions in the plan's network document; bundles by the parts that ship.
        household: what is known of the address before this order; None where nothing ties the parcel to one (pickup point,
            business). An order that the network was shown already has nothing left to hide from it: do not ask again.
        week: absolute week of the decision (`week_of`).
        saving_bp: what the network saves against the cheapest other way, in basis points of that; 0 where not known.
    """
    plan = tables.plan
    draw = draw_of(plan.key, order_id, plan.network)
    weight, why = ONE, "open"
    if household is not None:
        shown = household.shown[tables.mine] if tables.mine < len(household.shown) else 0
        weight, why = weight_of(tables, household, shown), "admitted"
    if not 0 <= week - plan.week <= STALE_WEEKS and week != plan.week - 1:
        return _none(draw, "plan", len(skus))
    if tables.mates > 1 and turn(tables, order_id, household) != tables.mine:
        return _none(draw, "turn", len(skus))
    if plan.least_saving_bp is not None and saving_bp < plan.least_saving_bp:
        return _none(draw, "price", len(skus))
    shares = [tables.shares[sku] if sku < len(tables.shares) else 0 for sku in skus]
    limits = [limit_of(share, weight, plan.open_ppm) for share in shares]
    least = min(limits, default=0)
    smallest = min(shares, default=0)
    accepted = tuple(weight * smallest // share if share else 0 for share in shares)
    if draw >= least:
        why = _refused(smallest, weight, draw)
    return LeakVerdict(draw < least, least, draw, why, tuple(draw < limit for limit in limits), accepted)


def turn(tables: LeakTables, order_id: str, household: Household | None) -> int:
    """Position of the one budgeted network that this order may be shown to: the one that knows the household least; ties by keyed draw."""
    shown = () if household is None else household.shown
    counts = [shown[n] if n < len(shown) else 0 for n in range(tables.mates)]
    least = [n for n, count in enumerate(counts) if count == min(counts)]
    return least[draw_of(tables.plan.coin, order_id, "turn") * len(least) // ONE]


def weight_of(tables: LeakTables, household: Household, shown: int) -> int:
    """Weight of an order of this household, this order counted, ppm; 0 once it has been shown `cap` times."""
    if shown >= tables.cap:
        return 0
    plan = tables.plan
    last = min(household.last_year, plan.most_last) + 1
    return tables.weights[shown][max(last, 0)][min(household.seen + 1, plan.most_seen)]


def limit_of(share: int, weight: int, open_ppm: int) -> int:
    """Share of such orders that is admitted, ppm: what the budget leaves open, and share times weight of the rest; 0 stays 0.

    >>> limit_of(500_000, 400_000, 0), limit_of(3_000_000, 400_000, 0), limit_of(500_000, 0, 250_000), limit_of(0, ONE, ONE)
    (200000, 1000000, 250000, 0)
    """
    if not share:
        return 0
    return open_ppm + min(ONE, share * weight // ONE) * (ONE - open_ppm) // ONE


def _none(draw: int, why: str, count: int) -> LeakVerdict:
    return LeakVerdict(False, 0, draw, why, (False,) * count, (0,) * count)


def _refused(share: int, weight: int, draw: int) -> str:
    """The first thing that alone would have kept it off; thinning where only all of them together did."""
    if not share:
        return "never"
    if draw >= weight:
        return "household"
    return "thinned"


def draw_of(key: bytes, order_id: str, what: str) -> int:
    """Uniform below ONE, keyed, for one order and purpose: a network's code, or `turn`.

    Nobody without the key can tell which way an order goes, and asking twice gives the same.
    """
    digest = hmac.digest(key, f"{order_id}|{what}".encode(), "sha256")
    return int.from_bytes(digest[:8], "big") * ONE // SPAN
