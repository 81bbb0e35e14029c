"""The leak report: traffic read from a run, figures per network, a page that needs nothing but itself."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.console import leak_runs
from tests.console.runs import play as play_few
from tests.console.test_report import HOSTILE, Page
from tranship.cli.leak_measuring import measure, policy_of
from tranship.console import leak_words
from tranship.console.leak import render, table
from tranship.console.leak_page import LeakPage, make_page
from tranship.console.leak_source import Traffic, plain, read_traffic
from tranship.console.page import write
from tranship.core.errors import InputError
from tranship.core.network import LeakBudget, Network
from tranship.engine.leak_status import leak_status
from tranship.engine.run import open_store
from tranship.masking.leak import Adversary
from tranship.routing.leak.policy import settings_for


def traffic_of(folder: Path, **options: object) -> Traffic:
    """What a run's networks saw, households told apart by account."""
    store = open_store(folder, read_only=True)
    try:
        return read_traffic(store, **options)  # type: ignore[arg-type]
    finally:
        store.close()


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a year of orders."""
    folder = tmp_path_factory.mktemp("leak") / "run"
    leak_runs.play(folder)
    return folder


@pytest.fixture(scope="module")
def page(year: Path) -> LeakPage:
    """Its report, without training."""
    return measure(year, quick=True)


# ---- traffic ---------------------------------------------------------------------------------------------------------


def test_traffic_is_what_the_books_say(year: Path):
    """Every order and line once; what the networks saw together is all of it, and no line twice."""
    traffic = traffic_of(year)
    store = open_store(year, read_only=True)
    orders, lines, units = store.query("SELECT COUNT(*), SUM(lines), SUM(units) FROM orders")[0]
    value = store.query("SELECT SUM(qty * unit_price_minor) FROM order_line")[0][0]
    cost = store.query("SELECT SUM(cost) FROM part WHERE status <> 'CANCELLED'")[0][0]
    store.close()
    world = traffic.world
    assert (traffic.facts.orders, traffic.facts.rows, int(world.quantity.sum())) == (orders, lines, units)
    assert world.value.sum() == pytest.approx(int(str(value)) / 100)
    assert world.margin.sum() == pytest.approx(0.45 * int(str(value)) / 100 - int(str(cost)) / 1e6)
    rows = np.concatenate([one.seen.rows for one in traffic.networks])
    assert sorted(rows.tolist()) == list(range(len(world.at)))
    assert len(world.orders.at) == traffic.facts.orders
    assert traffic.networks[0].code == "AMZ" and traffic.networks[0].capped


def test_households_are_told_apart_by_the_street(year: Path, page: LeakPage):
    """Two customers at one address written in two ways are one household; without the key file they are two."""
    by_account = traffic_of(year).facts
    assert by_account.by_address == 0 and by_account.by_account == by_account.orders
    assert page.facts.by_address == page.facts.orders
    assert by_account.households - page.facts.households == 1
    assert page.facts.customers == by_account.customers
    assert any("by the address itself" in line for line in leak_words.assumed(page))


def test_what_was_sent_is_what_was_seen(tmp_path: Path):
    """Of a connected network the dispatches count, those taken back later too; of the others what was placed there."""
    folder = tmp_path / "run"
    leak_runs.play(folder, 200)
    before = {one.code: one for one in traffic_of(folder).networks}
    orders = leak_runs.send(folder, "AMZ", 20)
    after = {one.code: one for one in traffic_of(folder).networks}
    assert not before["AMZ"].sent and after["AMZ"].sent
    assert after["AMZ"].orders == len(orders) < before["AMZ"].orders
    assert after["PL"].seen.rows.tolist() == before["PL"].seen.rows.tolist()


def test_only_the_last_weeks_are_measured(year: Path):
    """Orders before are left out and counted; times start anew."""
    whole, late = traffic_of(year), traffic_of(year, weeks=4)
    assert late.facts.weeks == 4 and whole.facts.weeks == leak_runs.WEEKS
    assert late.facts.orders + late.facts.left_out == whole.facts.orders
    assert late.world.at.min() >= 0 and late.world.at.max() < 4
    assert late.world.value.sum() == pytest.approx(whole.world.value[whole.world.at >= leak_runs.WEEKS - 4].sum())


def test_streets_are_compared_without_signs():
    """Case, spaces, dots and commas do not make another household; a number does."""
    assert plain("12 Elm St., #4") == plain(" 12 ELM  st 4")
    assert plain("12 Elm St") != plain("13 Elm St")


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_a_network_with_most_orders_is_found_to_know_most(page: LeakPage):
    """Amazon saw 60 % at random: it finds growth and customers beyond guessing, and the sentence names both figures."""
    amazon = page.networks[0]
    assert amazon.code == "AMZ" and amazon.bar("tau_growth").above and amazon.bar("vip").above
    head = leak_words.headline(page)
    assert leak_words.figure("tau_growth", amazon.bar("tau_growth").value) in head and "guessing gives" in head
    assert "Amazon" in head and "best customers" in head
    assert amazon.bar("tau_growth", Adversary.TRANSIT).value < amazon.bar("tau_growth").value
    assert amazon.pairs_same <= amazon.pairs_all and amazon.pairs_same <= amazon.pairs_true
    assert sum(amazon.exposure) == amazon.households and sum(amazon.whole) == page.facts.households


def test_the_brands_own_network_is_no_adversary(year: Path, page: LeakPage):
    """It is left out and said to be; asked for by name it is measured."""
    assert page.own == ["Brand"] and {one.code for one in page.networks} == {"AMZ", "PL"}
    alone = measure(year, only="own", quick=True)
    assert [one.code for one in alone.networks] == ["OWN"] and not alone.own
    with pytest.raises(InputError, match="AMZ"):
        measure(year, only="nobody", quick=True)


def test_figures_read_as_shares_and_taus(page: LeakPage):
    """The table of attackers has each metric's rows with its floor last, and nothing that is not a number or a word."""
    rows = table(page)
    assert [name for name, who, _ in rows if who == "guessing"] == list(leak_words.LEAK_WORDS)
    assert any(who.startswith("carrier: ") for _, who, _ in rows)
    for _, _, cells in rows:
        for words, _ in cells:
            assert re.fullmatch(r"|-|-?\d[\d.]*( %)?( ± \d\.\d+)?|too few orders to tell", words), words


def test_few_orders_are_said_to_be_few(tmp_path: Path):
    """Sixty orders of three SKUs: the page stands, and says that it cannot tell."""
    play_few(tmp_path / "run", 60)
    few = measure(tmp_path / "run", quick=True)
    html = render(few)
    assert "too few orders to tell" in html
    assert few.networks[0].bar("tau_growth").value is None
    assert "too few orders to tell" in leak_words.headline(few).casefold()


@pytest.mark.parametrize("orders", [0, 1])
def test_a_run_of_nothing_has_a_page_too(tmp_path: Path, orders: int):
    """No order, or one: no figure is made up."""
    play_few(tmp_path / "run", orders)
    page = measure(tmp_path / "run", quick=True)
    html = render(page)
    Page(html)
    assert page.facts.orders == orders
    assert "can rank" not in html and (orders or "No network saw an order" in html)
    msgspec.json.encode(page)


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_stands_alone(page: LeakPage, tmp_path: Path):
    """One file: no script, nothing fetched, a policy that forbids both; every drawing is there and has a title."""
    html = write(render(page), tmp_path / "x" / "leak.html", "--out").read_text()
    read = Page(html)
    assert not read.loads and "script" not in read.seen
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    assert html.count("<svg") == 2 + 6 * len(page.networks) == html.count('role="img"')
    assert all(f"<title>{words}" in html for words in ("What each network could learn", "Growth of products"))
    for one in page.networks:
        assert one.operator in html
    assert render(page) == html


def test_names_are_text(tmp_path: Path):
    """What a network file calls an operator, or an order its SKU, is written as text."""
    networks = (Network("AMZ", HOSTILE), Network("PL", "Pack"), Network("OWN", "Brand"))
    leak_runs.play(tmp_path / "run", 150, networks=networks)
    html = render(measure(tmp_path / "run", quick=True))
    Page(html)
    assert HOSTILE not in html and "<script" not in html and "&lt;script&gt;" in html


def test_nobody_is_named(page: LeakPage):
    """Neither a name, a street nor a customer's reference is in the figures or on the page."""
    text = msgspec.json.encode(page).decode() + render(page)
    for secret in ("Elm Street", "OAK", "Name 7", "Oak Ave", 'c7"'):
        assert secret not in text


def test_the_same_run_gives_the_same_page(year: Path, page: LeakPage):
    """To the byte."""
    assert render(measure(year, quick=True)) == render(page)


def test_traffic_alone_makes_a_page(year: Path):
    """Figures need no key file and no learned attackers."""
    made = make_page(traffic_of(year), "run", quick=True)
    assert made.networks[0].bar("tau_growth").value is not None and not made.networks[0].learned
    assert "(--quick)" in leak_words.lead(made)


def test_a_carrier_of_others_reads_their_labels_too(tmp_path: Path):
    """Amazon carries the 3PL's parcels: with its own it joins more pairs, and the verdict says so."""
    networks = (Network("AMZ", "Amazon"), Network("PL", "Pack", carrier="AMZ"), Network("OWN", "Brand"))
    leak_runs.play(tmp_path / "run", 500, networks=networks)
    amazon, pack = measure(tmp_path / "run", quick=True).networks
    assert amazon.carries == ["Pack"] and not pack.carries
    both = {bar.name: bar.value for bar in amazon.with_carried}
    assert both["pairs"] > amazon.bar("pairs").value + 0.1
    assert "It also carries the parcels of Pack" in " ".join(leak_words.verdict(amazon))
    assert "also carries" not in " ".join(leak_words.verdict(pack))


def test_attackers_are_trained_under_the_budget_of_the_network_file(year: Path):
    """A network with a leak budget: trained under its settings. Without one, or at the dial's end: as observed."""
    traffic = traffic_of(year)
    amazon = traffic.networks[0]
    assert traffic.document is not None
    observed = policy_of(traffic, amazon)
    assert observed.settings is None and 0.3 < observed.line_shares.mean() < 0.9
    for budget, under in ((40, True), (100, False)):
        leaks = (LeakBudget("AMZ", budget),)
        changed = traffic._replace(document=msgspec.structs.replace(traffic.document, leaks=leaks))
        assert (policy_of(changed, amazon).settings is not None) is under


def test_a_budget_of_100_takes_no_turns_in_training(year: Path):
    """The settings and turns that attackers are trained under are the engine's: it counts the budgets that limit something."""
    traffic = traffic_of(year)
    assert traffic.document is not None
    told = {}
    for other in (40, 100):
        leaks = (LeakBudget("AMZ", 40), LeakBudget("PL", other))
        changed = traffic._replace(document=msgspec.structs.replace(traffic.document, leaks=leaks))
        told[other] = policy_of(changed, traffic.networks[0])
    assert (told[40].networks, told[40].settings) == (2, settings_for(40, 2))
    assert (told[100].networks, told[100].settings) == (1, settings_for(40, 1))


def test_finding_the_fastest_is_said_where_ranking_fails(page: LeakPage):
    """A tau at the floor is no all-clear while the ten fastest are found."""
    amazon = page.networks[0]
    tau, ten = amazon.bar("tau_growth"), amazon.bar("top10")
    rest = [bar for bar in amazon.node if bar.name not in {"tau_growth", "top10"}]

    def said(above: bool) -> str:
        bars = [msgspec.structs.replace(tau, above=False), msgspec.structs.replace(ten, value=0.7, above=above), *rest]
        return leak_words.growth(msgspec.structs.replace(amazon, node=bars))

    assert "but it finds 70 % of your ten fastest" in said(True)
    assert "cannot tell which of your products grow" in said(False)


# ---- beyond the budget -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a year under a budget that yields: the shelves elsewhere run empty."""
    folder = tmp_path_factory.mktemp("spent") / "run"
    leak_runs.play(folder, 700, elsewhere=12, leaks=(LeakBudget("AMZ", 40, "spend"),))
    return folder


def test_excess_is_what_the_ledger_booked(spent: Path):
    """Orders and households beyond the budget, by week, as `leak status` counts them; a network without a budget has none."""
    page = measure(spent, quick=True)
    amazon = next(one for one in page.networks if one.code == "AMZ")
    store = open_store(spent, read_only=True)
    (now,) = leak_status(store).budgets
    store.close()
    excess = amazon.excess
    assert excess is not None and excess.orders == now.excess_orders > 50
    assert (excess.failure, excess.budget, excess.on_conflict) == (0, 40, "spend")
    assert sum(excess.weekly) == excess.orders and len(excess.weekly) == len(excess.seen) == page.facts.weeks
    assert all(beyond <= seen for beyond, seen in zip(excess.weekly, excess.seen, strict=True))
    assert sum(excess.seen) == amazon.orders and 0 < excess.households <= now.excess_households
    assert all(one.excess is None for one in page.networks if one.code != "AMZ")


def test_the_page_shows_what_a_budget_gave_up(spent: Path, page: LeakPage):
    """A drawing and a sentence; where the budget was kept a sentence; without a budget neither."""
    made = measure(spent, quick=True)
    html = render(made)
    assert "Beyond the budget" in html and "that nobody else could take (on_conflict = spend)" in html
    assert "of them beyond the budget" in html  # each week of the drawing says its numbers
    amazon = next(one for one in made.networks if one.code == "AMZ")
    amazon.excess = msgspec.structs.replace(amazon.excess, conflict=0)
    kept = render(made)
    assert "was kept: nothing went there beyond it" in kept and "of them beyond the budget" not in kept
    assert "Beyond the budget" not in render(page)
