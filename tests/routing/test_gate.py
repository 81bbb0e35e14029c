"""The leak budget inside a decision: what it keeps off, what it yields to, and that the short way knows it as the long one does."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.engine.worlds import AMZ, MONDAY, NODES, OWN, PL, TODAY, cap, card, network, node, waits, where
from tests.routing.desk import Desk
from tests.routing.test_quick import CODES, ENOUGH, OPEN, asks, changes, documents, shelves, stories
from tranship.core.network import NetworkFile
from tranship.routing.decide import decide, decide_at_length
from tranship.routing.gate import Gates
from tranship.routing.model import Decision, LeakGate, Reason
from tranship.routing.quick import quick
from tranship.routing.situation import Situation

OF = {AMZ: "AMZ", PL: "PL", OWN: "OWN"}
kept_off = st.dictionaries(st.sampled_from(range(len(CODES))), st.frozensets(st.integers(0, 2), min_size=1), max_size=6)
budgets = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.frozensets(st.integers(0, 5), max_size=6) | st.just(frozenset(range(6))),
        st.sampled_from(["", "conflict", "failure", "cod"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda budget: budget[0],
)


def gates(*found: tuple[int, frozenset[int], str]) -> Gates:
    """Budgets of networks (by their node): SKUs kept off, and what opens them."""
    told = tuple(LeakGate(OF[n], 1, "thinned", 0, 1, (), tuple(sorted(kept))) for n, kept, _ in found)
    return Gates(
        told, tuple(frozenset({n}) for n, _, _ in found), tuple(kept for _, kept, _ in found), tuple(y for _, _, y in found)
    )  # fmt: skip


def seen(desk: Desk, *found: tuple[int, frozenset[int], str]) -> Situation:
    """What a decision of this desk sees, under budgets."""
    now = Situation(desk.shelf, desk.caps, desk.used, desk.closed)
    now.gates = gates(*found) if found else None
    return now


@given(documents, shelves, stories, st.lists(st.tuples(asks, changes, kept_off), min_size=1, max_size=3), st.booleans())
@example(network(), ENOUGH, OPEN, [({"MUG": 1, "TEE": 2}, {}, {0: frozenset({AMZ}), 1: frozenset({AMZ})})], True)
def test_the_short_way_knows_the_budget_as_the_long_one_does(document, stock, story, orders, counted):
    """Whatever is kept off where: the short way gives the very decision of the long one, reasons and all, or none."""
    desk = Desk(document, stock).entered(story)
    for asked, changed, kept in orders:
        ask = desk.ask(*asked.items(), **changed)
        now = seen(desk).under(kept)
        found, long = (
            quick(ask, desk.facts, now, counted=counted),
            decide_at_length(ask, desk.facts, now, counted=counted),
        )
        assert found is None or found == long
        for part in long.parts:
            assert not any(
                part.node in kept.get(sku, ())
                for sku in map(dict(zip(ask.lines, ask.skus, strict=True)).get, part.lines)
            )


@given(documents, shelves, stories, asks, changes, budgets)
def test_nothing_goes_where_it_is_kept_off_unless_the_decision_says_so(document, stock, story, asked, changed, found):
    """What a network gets of SKUs that are kept off it, its gate tells as opened; where nothing may open it, it gets none."""
    desk = Desk(document, stock).entered(story)
    ask = desk.ask(*asked.items(), **changed)
    decision = decide(ask, desk.facts, seen(desk, *found))
    sku_of = dict(zip(ask.lines, ask.skus, strict=True))
    for gate, (n, kept, yields) in zip(decision.why.leaks, found, strict=True):
        got = any(part.node == n and sku_of[line] in kept for part in decision.parts for line in part.lines)
        assert got == bool(gate.opened)
        assert gate.opened in ("", yields)


@given(documents, shelves, stories, asks, changes, budgets)
def test_a_budget_never_ships_less_where_it_yields(document, stock, story, asked, changed, found):
    """Where every budget yields, as much of the order is placed as without any; cost alone opens none of them."""
    desk = Desk(document, stock).entered(story)
    ask = desk.ask(*asked.items(), **changed)
    plain = decide(ask, desk.facts, seen(desk))
    soft = decide(ask, desk.facts, seen(desk, *[(n, kept, "conflict") for n, kept, _ in found]))
    hard = decide(ask, desk.facts, seen(desk, *[(n, kept, "") for n, kept, _ in found]))
    assert open_units(soft) <= open_units(hard)
    if open_units(hard) == open_units(plain):
        assert not any(gate.opened for gate in soft.why.leaks)
    if not any(rest.reason == "max_parts" for rest in (*plain.rests, *hard.rests)):
        assert open_units(soft) == min(open_units(plain), open_units(hard))


def open_units(decision: Decision) -> int:
    """Units that wait."""
    return sum(units for _, units in waits(decision))


def at_desk(document: NetworkFile, *found: tuple[int, frozenset[int], str], **stock: dict[str, int]) -> Decision:
    """One mug, asked for under these budgets; `stock` by node code with _ for -."""
    index = {code.code.replace("-", "_"): n for n, code in enumerate(document.nodes)}
    desk = Desk(document, {index[code]: units for code, units in stock.items()})
    return decide(desk.ask(("MUG", 1)), desk.facts, seen(desk, *found))


MUGS = frozenset({0})
EVERYWHERE = {"AMZ_1": {"MUG": 1}, "PL_1": {"MUG": 1}}


def test_the_budget_goes_before_cost():
    """Amazon is the cheapest; kept off, the order goes to the next, and Amazon's reason is the budget."""
    decision = at_desk(network(), (AMZ, MUGS, "conflict"), **EVERYWHERE)
    assert where(decision) == [(PL, 1)]
    assert decision.why.nodes[AMZ] == Reason.LEAK


def test_the_budget_goes_before_the_promise():
    """Only Amazon would be in time: the order is late and stays hidden, unless another network has failed."""
    slow = network(cards={"amz": card(4, 2), "pl": card(5, 9), "own": card(7, 9)})
    assert where(at_desk(slow, (AMZ, MUGS, "conflict"), **EVERYWHERE)) == [(PL, 1)]
    opened = at_desk(slow, (AMZ, MUGS, "failure"), **EVERYWHERE)
    assert where(opened) == [(AMZ, 1)]
    assert [gate.opened for gate in opened.why.leaks] == ["failure"]


def test_the_share_cap_goes_before_the_budget():
    """The budget yields, the cap does not: what neither lets through waits for room under the cap."""
    full = network(caps=cap(cap_bp=0))
    decision = at_desk(full, (AMZ, MUGS, "conflict"), AMZ_1={"MUG": 1})
    assert (where(decision), waits(decision)) == ([], [("larger_than_window", 1)])
    assert not decision.why.leaks[0].opened


def test_a_line_that_may_be_seen_can_go_without_the_others():
    """Of two articles one is kept off: the order is split where that is the only way, and the network sees one of them."""
    desk = Desk(network(), {AMZ: {"MUG": 1, "TEE": 1}, PL: {"MUG": 1}})
    decision = decide(desk.ask(("MUG", 1), ("TEE", 1)), desk.facts, seen(desk, (AMZ, MUGS, "")))
    assert sorted((part.node, part.lines) for part in decision.parts) == [(AMZ, (1,)), (PL, (0,))]


def test_what_is_kept_off_and_lies_nowhere_else_waits_for_the_budget():
    """The reason is the budget, not missing stock; an article that is nowhere waits for stock."""
    decision = at_desk(network(), (AMZ, MUGS, ""), AMZ_1={"MUG": 1})
    assert waits(decision) == [("leak", 1)]
    assert waits(at_desk(network(), (AMZ, MUGS, ""))) == [("no_stock", 1)]


def test_a_sensitive_article_never_goes_to_a_competitor_in_a_bundle_either():
    """A bundle ships as its parts: one of them sensitive, and no competitor may ship the set."""
    skus = tuple(
        type(sku)(sku.code, sku.weight_g, sensitivity="sensitive" if sku.code == "TEE" else "normal", parts=sku.parts)
        for sku in network().skus
    )
    desk = Desk(network(skus=skus), PLENTIFUL)
    decision = decide(desk.ask(("SET", 1)), desk.facts, seen(desk, (AMZ, frozenset(), "conflict")))
    assert where(decision) == [(PL, 1)]
    assert decision.why.nodes[AMZ] == Reason.ITEM
    alone = Desk(network(skus=skus, nodes=node(PL, closed=True)), {AMZ: PLENTIFUL[AMZ]})
    assert where(decide(alone.ask(("SET", 1)), alone.facts, seen(alone, (AMZ, frozenset(), "failure")))) == []


PLENTIFUL = {AMZ: {"MUG": 9, "TEE": 9}, PL: {"MUG": 9, "TEE": 9}}
assert (len(NODES), MONDAY // 86_400_000_000) == (3, TODAY)
