"""Overlays: what a variation may say, and how a mistake in one is told: file, line, key, what is allowed."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from tranship.connectors.netfile import load, template
from tranship.connectors.netfile.finding import NetworkFileError
from tranship.connectors.netfile.overlay import Outage, read_overlay
from tranship.core.capability import Capability, Connection
from tranship.core.network import NetworkFile
from tranship.core.time import date_to_day


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> NetworkFile:
    """The example's network file."""
    path = tmp_path_factory.mktemp("net") / "tranship.toml"
    path.write_text(template())
    return load(path).network


def bound(folder: Path, network: NetworkFile, text: str) -> tuple[NetworkFile, tuple[Outage, ...]]:
    """The network file under an overlay of this text."""
    path = folder / "change.toml"
    path.write_text(text)
    return read_overlay(path).bind(network)


def refused(folder: Path, network: NetworkFile, text: str) -> str:
    """What is said of an overlay that cannot be used."""
    with pytest.raises(NetworkFileError) as error:
        bound(folder, network, text)
    return str(error.value)


def test_nothing_written_changes_nothing(tmp_path: Path, network: NetworkFile):
    """An empty file is a variation: the same document, under the file's name."""
    changed, outages = bound(tmp_path, network, "")
    assert (changed, outages) == (network, ())
    assert read_overlay(tmp_path / "change.toml").name == "change"


def test_each_table_changes_its_own(tmp_path: Path, network: NetworkFile):
    """Policy, cap, node, network, channel and card: what is written changes, everything else stays."""
    changed, outages = bound(tmp_path, network, """
[variation]
name = "a little of everything"
[policy]
max_parts = 3
[promise]
late_minor = 40
[[cap]]
network = "amazon"
share = 40
[[node]]
code = "EAST"
capacity_per_day = 100
[[node]]
code = "WEST"
closed_from = 2010-06-01
closed_until = "2010-07-01"
[[network]]
code = "own"
closed_from = 2010-11-01
[[channel]]
code = "web"
promise_working_days = 3
[card.eastpack]
change_pct = 10
""")  # fmt: skip
    assert changed.policy == msgspec.structs.replace(network.policy, max_parts=3)
    assert changed.promise == msgspec.structs.replace(network.promise, late_minor=40)
    assert changed.caps == (msgspec.structs.replace(network.caps[0], cap_bp=4000),)
    assert [node.capacity_units for node in changed.nodes if node.code == "EAST"] == [100]
    assert changed.channels[0].promise_working_days == 3
    assert changed.cards["eastpack"]["discount_pct"] == 12  # 20 % off, a tenth dearer: 88 % of the list
    days = [date_to_day(dt.date(2010, month, 1)) for month in (6, 7, 11)]
    assert set(outages) == {Outage("WEST", days[0], days[1]), Outage("HOME", days[2], None)}
    assert changed.skus == network.skus and changed.cards["own"] == network.cards["own"]


def test_caps_can_be_removed_and_added(tmp_path: Path, network: NetworkFile):
    """`remove` takes a cap away; a network without one gets one, with the defaults of the network file."""
    assert bound(tmp_path, network, '[[cap]]\nnetwork = "amazon"\nremove = true\n')[0].caps == ()
    both = bound(tmp_path, network, '[[cap]]\nnetwork = "eastpack"\nshare = 30\nmeasure = "units"\n')[0].caps
    assert [(cap.network, cap.cap_bp, cap.measure, cap.window) for cap in both] == [
        ("amazon", 6000, "fulfillment_orders", 1000), ("eastpack", 3000, "units", 1000),
    ]  # fmt: skip


def test_a_packaged_card_can_be_changed_and_a_new_one_made(tmp_path: Path, network: NetworkFile):
    """A card of the package's name starts from it; a new one may start from any."""
    changed, _ = bound(tmp_path, network, """
[card.usps_ground_advantage]
order_fee = 1.00
[card.new]
base = "eastpack"
order_fee = 0.50
[[node]]
code = "EAST"
card = "new"
""")  # fmt: skip
    assert changed.cards["usps_ground_advantage"] == {"base": "usps_ground_advantage", "order_fee": 1.0}
    assert [node.card for node in changed.nodes if node.code == "EAST"] == ["new"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[polcy]\n", ('change.toml:1: polcy: no table is called "polcy"', 'mean "policy"')),
        ("[policy]\nmax_part = 3\n", ("change.toml:2: policy.max_part", 'mean "max_parts"')),
        ("[policy]\nmax_parts = 0\n", ("policy.max_parts", "1 to 100")),
        ("policy = 3\n", ("policy", "Write [policy]")),
        ("[[policy]]\nstarts = 3\n", ("policy", "Write [policy]")),
        ("[cap]\nnetwork = 'amazon'\n", ("Write [[cap]]",)),
        ('[[cap]]\nnetwork = "amzon"\nshare = 3\n', ('mean "amazon"',)),
        ("[[cap]]\nshare = 3\n", ("change.toml:1: cap[1]", "lacks network")),
        ('[[cap]]\nnetwork = "amazon"\nshare = 140\n', ("change.toml:3: cap[1].share", "0 to 100")),
        ('[[cap]]\nnetwork = "eastpack"\nwindow = 10\n', ("a new cap on eastpack lacks share",)),
        ('[[cap]]\nnetwork = "own"\nremove = true\n', ("own has no cap to remove",)),
        ('[[cap]]\nnetwork = "amazon"\nremove = true\nshare = 3\n', ("remove beside other changes",)),
        ('[[node]]\ncode = "WSET"\n', ("change.toml:2: node[1].code", 'mean "WEST"', "none of the run's stock")),
        ('[[node]]\ncode = "WEST"\nzip = "10001"\n', ("change.toml:3: node[1].zip", "no key")),
        ('[[node]]\ncode = "WEST"\ncard = "eastpak"\n', ('mean "eastpack"',)),
        ('[[node]]\ncode = "WEST"\nclosed_from = "summer"\n', ("is not a date", "closed_from = 2010-11-08")),
        ('[[node]]\ncode = "WEST"\nclosed_until = 2010-01-01\n', ("closed_until without closed_from",)),
        ('[[node]]\ncode = "WEST"\nclosed_from = 2010-02-01\nclosed_until = 2010-01-01\n', ("is not after",)),
        ('[[node]]\ncode = "WEST"\nclosed_from = 2010-02-01\nclosed = true\n', ("closed for a time and altogether",)),
        ("[[node]]\nclosed = true\n", ("[[node]] lacks code",)),
        ('[[node]]\ncode = "WEST"\n[[node]]\ncode = "WEST"\n', ("there twice",)),
        ('[[channel]]\ncode = "shop"\n', ("the run has no channel", "Known: web, amazon")),
        ('[[channel]]\ncode = "web"\non_platform_for = ["ebay"]\n', ('no network "ebay"',)),
        ("[card.eastpak]\norder_fee = 1\n", ('mean "eastpack"',)),
        ("[card.eastpack]\norder_fee = 1.005\n", ("change.toml:2: card.eastpack.order_fee",)),
        ("[card.eastpack]\nchange_pct = 400\n", ("would become -300 %", "-100 to 95")),
        ("[source.uci]\nformat = 'uci'\n", ("no table",)),
        ("[world]\nseed = 2\n", ("no table",)),
        ("[policy\n", ("not TOML",)),
        ("[policy]\nmust = ['only:mars']\n", ("no node or network is called",)),
    ],
)
def test_a_mistake_names_where_it_is_and_what_is_allowed(
    tmp_path: Path, network: NetworkFile, text: str, said: tuple[str, ...]
):
    """Each kind of mistake, in the words of `tranship check`."""
    told = refused(tmp_path, network, text)
    for words in said:
        assert words in told


def test_all_mistakes_come_at_once(tmp_path: Path, network: NetworkFile):
    """Not only the first."""
    told = refused(tmp_path, network, "[polcy]\n[policy]\nmax_part = 1\n[[node]]\n")
    assert all(word in told for word in ("polcy", "max_part", "lacks code"))


def test_what_leaves_no_way_is_refused(tmp_path: Path, network: NetworkFile):
    """Every node closed: the rules of the network file hold for its variations, too."""
    text = "".join(f'[[node]]\ncode = "{node.code}"\nclosed = true\n' for node in network.nodes)
    assert "every node is closed" in refused(tmp_path, network, text)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 10, b"a" * (17 * 1024 * 1024)])
def test_a_file_that_is_no_text_is_told(tmp_path: Path, content: bytes):
    """Bytes, zeros, seventeen megabytes."""
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(NetworkFileError):
        read_overlay(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    """Where to read what it would look like."""
    with pytest.raises(NetworkFileError, match="trying"):
        read_overlay(tmp_path / "none.toml")


def test_a_cap_named_twice_is_told_and_not_guessed(tmp_path: Path, network: NetworkFile):
    """Which of the two shares would hold?"""
    told = refused(
        tmp_path, network, '[[cap]]\nnetwork = "amazon"\nshare = 40\n[[cap]]\nnetwork = "amazon"\nshare = 50\n'
    )
    assert "twice" in told


WIRED = Connection("a", "x", Capability(hold_release=True, hold_days=14, proven={"hold_release": "sandbox"}))


def test_connections_and_health_change_what_is_written(tmp_path: Path, network: NetworkFile):
    """Patience of a connection, Hold off, and health: what is written changes, the account stays what it is."""
    wired = msgspec.structs.replace(network, connections=(WIRED,))
    text = "[connection.a]\nhold_release = false\nrelease_min = 60\n[health]\nprobes = 9\n"
    changed, _ = bound(tmp_path, wired, text)
    (connection,) = changed.connections
    assert (connection.release_min, connection.hold_min, connection.kind) == (60, WIRED.hold_min, "x")
    assert not connection.capability.hold_release and connection.capability.proven == {}
    assert changed.health == msgspec.structs.replace(network.health, probes=9)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("[connection.b]\npoll_s = 60\n", 'no connection "b"'),
        ('[connection.a]\nkind = "y"\n', "no key"),
        ("[connection.a]\nhold_min = 10\n", "release_min"),
        ("[health]\nprobes = 0\n", "2 to 100"),
        ('[[node]]\ncode = "EAST"\nconnection = "a"\n', "no key"),
    ],
)
def test_a_connection_is_changed_not_replaced(tmp_path: Path, network: NetworkFile, text: str, piece: str):
    """Another account, kind or range is refused with what is allowed."""
    wired = msgspec.structs.replace(network, connections=(WIRED,))
    assert piece in refused(tmp_path, wired, text)


def test_hold_cannot_be_wished_for(tmp_path: Path, network: NetworkFile):
    """Where the run's interface had no Hold, a variation has none."""
    bare = msgspec.structs.replace(network, connections=(Connection("a", "x"),))
    assert "no Hold" in refused(tmp_path, bare, "[connection.a]\nhold_release = true\n")
