"""SKU aliases: their steps, what is written and what is understood, and what happens to orders that have none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.connected import HOLDS, PLAIN, Handed, connected
from tests.engine.masked import connector, masker_of
from tests.engine.worlds import AMZ, MONDAY, OWN, PL, order, placing, sqlite
from tranship.connectors.port import Count
from tranship.core.errors import InputError
from tranship.core.order import Person
from tranship.engine import aliasing
from tranship.engine import commands as cmd
from tranship.engine.aliases import STEPS, Aliases, AliasState
from tranship.engine.inbox import counting
from tranship.engine.preparing import wanted
from tranship.engine.verify import verify
from tranship.masking.tokens import kind_of

ANN = Person("c1", "Ann Example", "1 Example Road", "Chicago")


@pytest.fixture
def run() -> Handed:
    """The first network wants aliases."""
    return Handed(connected(HOLDS, second=PLAIN, sku_aliases="required"))


def put(run: Handed, *rows: tuple[str, str, int, str], network: str = "AMZ") -> None:
    """Aliases come into a state."""
    run.do(cmd.SetAliases(network, tuple(cmd.AliasStep(*row) for row in rows), run.later()))


def codes(run: Handed) -> list[str]:
    """Codes under which the lines of what is due would be told to their networks, in order."""
    return [code for each in wanted(run.state, run.at, 100) for _, code, _ in each.lines]


def test_the_active_alias_of_the_newest_epoch_is_written_and_older_ones_are_understood(run: Handed):
    """New, registered, active; then a second epoch; then the first is retired and means nothing any more."""
    run.place(1, ("MUG", 1))
    put(run, ("A-MUG-1", "MUG", 1, "new"))
    assert codes(run) == [""]
    put(run, ("A-MUG-1", "MUG", 1, "registered"))
    assert codes(run) == [""]
    put(run, ("A-MUG-1", "MUG", 1, "active"))
    assert codes(run) == ["A-MUG-1"]
    put(run, ("B-MUG-2", "MUG", 2, "active"))
    assert codes(run) == ["B-MUG-2"]
    mug = run.state.skus["MUG"]
    assert run.state.aliases.understood("AMZ") == {"A-MUG-1": mug, "B-MUG-2": mug}
    put(run, ("A-MUG-1", "MUG", 1, "retired"))
    assert run.state.aliases.understood("AMZ") == {"B-MUG-2": mug} and codes(run) == ["B-MUG-2"]
    run.sound()


def test_counts_under_any_alias_are_counts_of_the_article(run: Handed):
    """Units listed under an old alias, a new one and the code of before are one shelf; a retired one is foreign."""
    put(run, ("A-MUG-1", "MUG", 1, "active"), ("B-MUG-2", "MUG", 2, "active"))
    counts = [Count("A-MUG-1", "", 5), Count("B-MUG-2", "", 3), Count("MUG", "", 2)]
    made, odd = counting(run.state, run.state.connected[AMZ], counts, run.at, whole=False, ref="1")
    assert odd == [] and [(c.command.skus, c.command.counted) for c in made] == [((run.state.skus["MUG"],), (10,))]
    put(run, ("A-MUG-1", "MUG", 1, "retired"))
    _, odd = counting(run.state, run.state.connected[AMZ], counts, run.at, whole=False, ref="2")
    assert [each.kind for each in odd] == ["foreign_id"]


@pytest.mark.parametrize(
    ("rows", "network", "why"),
    [
        ([("a-mug", "MUG", 1, "new")], "AMZ", "is not 4 to 40"),
        ([("A MUG", "MUG", 1, "new")], "AMZ", "is not 4 to 40"),
        ([("A-MUG-9", "NONE", 1, "new")], "AMZ", "unknown SKU"),
        ([("A-MUG-9", "MUG", 1, "live")], "AMZ", "state"),
        ([("A-MUG-9", "MUG", 0, "new")], "AMZ", "epoch"),
        ([("A-MUG-9", "MUG", 1, "new")], "MARS", "unknown network"),
        ([("PLAN", "MUG", 1, "new")], "AMZ", "code of an article"),
        ([("A-MUG-1", "TEE", 1, "active")], "AMZ", "another article"),
        ([("A-MUG-1", "MUG", 2, "active")], "AMZ", "another article or epoch"),
        ([("A-MUG-1", "MUG", 1, "active")], "PL", "at AMZ"),
        ([("A-MUG-1", "MUG", 1, "new")], "AMZ", "does not become new again"),
        ([("A-MUG-9", "MUG", 1, "new"), ("A-MUG-9", "TEE", 1, "new")], "AMZ", "named twice"),
        ([], "AMZ", "found 0"),
    ],
)
def test_what_an_alias_may_not_be_is_refused_before_anything_changes(run: Handed, rows, network, why):
    """Shape, article, epoch, step; never for two articles, never at two networks, never a code of ours."""
    put(run, ("A-MUG-1", "MUG", 1, "registered"))
    before = run.shard.hash()
    with pytest.raises(InputError, match=why):
        put(run, *rows, network=network)
    assert run.shard.hash() == before


def test_a_retired_alias_never_comes_back(run: Handed):
    """Not even for the same article: somebody there still knows what it was."""
    put(run, ("A-MUG-1", "MUG", 1, "retired"))
    for state in STEPS[:-1]:
        with pytest.raises(InputError, match="does not become"):
            put(run, ("A-MUG-1", "MUG", 1, state))


def test_without_an_alias_it_goes_elsewhere_and_with_one_it_may_come_back(run: Handed):
    """Not sendable there, with the line named; an alias that becomes active lifts that, and what waits is decided again."""
    from tranship.engine.preparing import prepare, sending_back

    run.submit(placing(order(1, ("MUG", 1)), ANN))
    (each,) = wanted(run.state, run.at, 9)
    made = prepare(each, connector("amazon_mcf"), run.shard.people, ANN, masker_of(run.shard), run.at)
    assert made.intent is None and made.unsendable is not None
    assert (made.unsendable.cause, made.unsendable.leaf) == ("sku", "the article of line 1")
    back = sending_back([made], run.later())
    assert back is not None
    run.submit(back)
    assert [part.node for part in run.held(1).parts.values() if part.status == "PROCESSING"] == [PL]
    for node in ("PL-1", "OWN-1"):
        run.do(cmd.SwitchNode(node, True, "closed", run.later()))
    run.place(2, ("CAP", 1))
    run.stock(AMZ, CAP=1)
    number = next(n for n, part in run.held(2).parts.items() if part.node == AMZ)
    what = cmd.Unsendable(
        "test:2", number, "AMZ-1", "sku", "the article of line 1", "has no active alias at its network"
    )
    run.do(cmd.NotSendable((what,), run.later()))
    assert run.held(2).rests and run.held(2).refused == (AMZ,)
    put(run, ("A-CAP-1", "CAP", 1, "active"))
    assert not run.held(2).rests and run.held(2).refused == ()
    run.sound()


def test_a_bundle_without_an_alias_goes_as_its_parts(run: Handed):
    """Each under its own; where the bundle has one, as itself."""
    run.place(1, ("SET", 1))
    put(run, ("A-MUG-1", "MUG", 1, "active"), ("A-TEE-1", "TEE", 1, "active"))
    assert codes(run) == ["A-MUG-1", "A-TEE-1"]
    put(run, ("A-SET-1", "SET", 1, "active"))
    assert codes(run) == ["A-SET-1"]


def test_a_pool_is_random_complete_and_checked(run: Handed):
    """One each for every article that has none in the epoch, with a check sign, in the state in which it is asked for."""
    put(run, ("A-MUG-1", "MUG", 1, "active"))
    made = aliasing.pool(run.state, "AMZ", (), 0, run.later())
    assert {row.sku for row in made.rows} == set(run.state.skus) - {"MUG"}
    assert {row.state for row in made.rows} == {"requested"} and {row.epoch for row in made.rows} == {1}
    assert all(kind_of(row.alias) == "sku" for row in made.rows)
    run.do(made)
    with pytest.raises(InputError, match="every article has an alias"):
        aliasing.pool(run.state, "AMZ", (), 0, run.later())
    again = aliasing.pool(run.state, "AMZ", ("MUG",), 2, run.later())
    assert [(row.sku, row.epoch) for row in again.rows] == [("MUG", 2)]
    step = aliasing.stepping(run.state, "AMZ", [row.alias for row in made.rows], "registered", run.later())
    run.do(step)
    with pytest.raises(InputError, match="has no alias"):
        aliasing.stepping(run.state, "PL", [made.rows[0].alias], "active", run.later())
    run.sound()


def test_the_table_is_the_journal(tmp_path):
    """Rows are what the events say, `verify` holds them against it, and the list reads them."""
    run = Handed(connected(HOLDS, sku_aliases="required"), shard=sqlite(tmp_path))
    put(run, ("A-MUG-1", "MUG", 1, "new"), ("A-TEE-1", "TEE", 1, "new"))
    put(run, ("A-MUG-1", "MUG", 1, "active"))
    store = run.shard.store
    assert [(each.alias, each.state) for each in aliasing.listed(store).aliases] == [
        ("A-MUG-1", "active"),
        ("A-TEE-1", "new"),
    ]
    assert [each.sku for each in aliasing.listed(store, state="new").aliases] == ["TEE"]
    page = aliasing.listed(store, limit=1)
    assert page.more and aliasing.listed(store, after=page.aliases[-1].alias).aliases[0].alias == "A-TEE-1"
    verdict = verify(store, decide=True)  # type: ignore[arg-type]
    assert verdict.sound and any(check.startswith("alias table: 2 rows") for check in verdict.checks)
    store._db.execute("UPDATE sku_alias SET state = 'retired'")  # type: ignore[attr-defined]
    assert not verify(store).sound  # type: ignore[arg-type]
    store.close()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["AMZ", "PL"]),
            st.integers(0, 1),
            st.integers(1, 3),
            st.sampled_from(STEPS),
        ),
        max_size=30,
    )
)
def test_what_is_written_is_always_active_and_understood(story):
    """Whatever steps come in whatever order: the written alias is an active one of that article there, of the newest epoch."""
    held = Aliases()
    for at, (name, network, sku, epoch, state) in enumerate(story):
        known = held.held.get(f"A-{name}")
        if known is not None and (known.network, known.sku, known.epoch) != (network, sku, epoch):
            continue
        held.put(f"A-{name}", AliasState(network, sku, epoch, state, at))
    for network in ("AMZ", "PL"):
        for sku in (0, 1):
            written = held.written(network, sku)
            active = [
                each for each in held.held.values() if (each.network, each.sku, each.state) == (network, sku, "active")
            ]
            assert bool(written) == bool(active)
            if written:
                assert held.held[written].epoch == max(each.epoch for each in active)
                assert held.understood(network)[written] == sku


def test_a_document_that_no_longer_wants_aliases_lifts_what_stood_for_want_of_one():
    """`off` again: the order may go there under the code of before."""
    run = Handed(connected(HOLDS, sku_aliases="required"))
    run.place(1, ("MUG", 1))
    what = cmd.Unsendable("test:1", 1, "AMZ-1", "sku", "the article of line 1", "has no active alias at its network")
    run.do(cmd.NotSendable((what,), run.later()))
    assert run.held(1).refused == (AMZ,) and run.at > MONDAY
    run.load(connected(HOLDS))
    assert run.held(1).refused == () and OWN not in [part.node for part in run.held(1).parts.values() if part.units()]
    run.sound()
