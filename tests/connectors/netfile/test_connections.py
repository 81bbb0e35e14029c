"""[connection.NAME], [health], [alerts] and [[contact]]: what they take, what they refuse, and that no secret is ever shown."""

from pathlib import Path

import pytest

from tests.connectors.netfile.sample import SMALL, changed, found, write
from tranship.connectors import proofs
from tranship.connectors.netfile import NetworkFileError, check, load
from tranship.connectors.netfile.connections import connection_rules, contact_rules, read_connections, without_hold
from tranship.connectors.netfile.finding import Findings, Places
from tranship.connectors.netfile.ground import Ground
from tranship.connectors.netfile.keys_live import CONNECTION
from tranship.connectors.netfile.reading import Reader
from tranship.connectors.registry import kinds
from tranship.core.alerts import Contact
from tranship.core.capability import Capability, Connection
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile, Node

USED = ('code = "OWN-1"\n', 'code = "OWN-1"\nconnection = "a"\nlocation = "L7"\n')
SECRET = "Atzr|IwEBIexample"


def told(folder: Path, more: str) -> list[str]:
    """What `check` says about the sample with more tables at its end."""
    return [f"{one.level} {one.rule} {one}" for one in check(write(folder, SMALL + more))]


def test_a_connection_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """The finding names file, line and key."""
    (line,) = [said for said in told(tmp_path, '[connection.a]\nkind = "telex"\n') if "no_kind" in said]
    assert line.startswith("error") and "connection.a.kind" in line and "telex" in line


@pytest.mark.parametrize(
    "more",
    [
        f'[connection.a]\nkind = "x"\n[connection.a.secrets]\nrefresh_token = "{SECRET}"\n',
        f'[connection.a]\nkind = "x"\n[connection.a.settings]\nclient_secret = "{SECRET}"\n',
        f'[[contact]]\ncode = "me"\nwebhook = "https://hooks.example/{SECRET}"\n',
        f'[alerts]\nsmtp_password = "{SECRET}"\n',
    ],
    ids=["secrets", "settings", "contact", "alerts"],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(tmp_path: Path, more: str) -> None:
    """Where a secret stands itself, the finding says what to write instead and repeats nothing of it."""
    lines = told(tmp_path, more)
    assert any("env:NAME" in line and line.startswith("error") for line in lines)
    assert SECRET not in "\n".join(lines)


@pytest.mark.parametrize(
    ("line", "piece"),
    [
        ("hold_min = 10", "at least release_min"),
        ("poll_s = 1", "5 to 86,400"),
        ("pilot_bp = 10_001", "0 to 10,000"),
        ("in_flight = 0", "1 to 256"),
        ('hold_release = "no"', "true, false"),
        ("hold = 3", "no key"),
        ('outages = ["soon"]', "not a span of time"),
        ('outages = ["2026-11-27T02:00:00/2026-11-27T04:00:00"]', "with its zone"),
        ('outages = ["2026-11-27T04:00:00Z/2026-11-27T02:00:00Z"]', "not a span of time"),
        ('outages = ["2026-11-27T02:00:00Z/2027-11-27T02:00:00Z"]', "at most 31 days"),
    ],
)
def test_settings_have_ranges(tmp_path: Path, line: str, piece: str) -> None:
    """A value out of range, of another type or under another name is an error that says what is allowed."""
    said = "\n".join(told(tmp_path, f'[connection.a]\nkind = "x"\n{line}\n')).casefold()
    assert piece in said


AMAZON = """
[connection.a]
kind = "amazon_mcf"
pilot_bp = 500
HOLD
[connection.a.settings]
marketplace = "ATVPDKIKX0DER"
endpoint = "http://127.0.0.1:9"
auth_endpoint = "http://127.0.0.1:9/auth"
[connection.a.secrets]
client_id = "env:A"
client_secret = "env:B"
refresh_token = "file:c"
"""


@pytest.mark.parametrize(("hold", "holds"), [("", True), ("hold_release = false", False)])
def test_a_connection_brings_what_its_kind_can_do(tmp_path: Path, hold: str, holds: bool) -> None:
    """The capability goes into the document with its proofs; without Hold, if the file says so; unproven claims are warned of."""
    loaded = load(write(tmp_path, changed(SMALL, USED) + AMAZON.replace("HOLD", hold)))
    (connection,) = loaded.network.connections
    assert (connection.code, connection.kind, connection.pilot_bp) == ("a", "amazon_mcf", 500)
    assert connection.capability.hold_release is holds and connection.capability.rates
    assert connection.secrets["client_secret"] == "env:B"
    assert loaded.network.nodes[1].connection == "a" and loaded.network.nodes[1].location == "L7"
    (unproven,) = [finding for finding in loaded.warnings if finding.rule == "unproven"]
    assert ("hold_release" in unproven.what) is holds and "only our own sandbox showed it" in unproven.what


def test_announced_outages_are_kept_in_utc_and_change_no_other_document(tmp_path: Path) -> None:
    """Any zone is taken; where none are announced, the document is what it was before there were such."""
    span = 'outages = ["2026-11-28T01:00:00Z/2026-11-28T02:00:00Z", "2026-11-26T21:00:00-05:00/2026-11-27T04:00:00Z"]'
    loaded = load(write(tmp_path, changed(SMALL, USED) + AMAZON.replace("HOLD", span)))
    (connection,) = loaded.network.connections
    assert connection.outages[0] == "2026-11-27T02:00:00Z/2026-11-27T04:00:00Z"
    assert [until - first for first, until in connection.planned()] == [7_200_000_000, 3_600_000_000]
    plain = load(write(tmp_path, changed(SMALL, USED) + AMAZON.replace("HOLD", "")))
    assert b"outages" in loaded.document and b"outages" not in plain.document


def test_what_a_kind_cannot_use_is_an_error_at_its_key(tmp_path: Path) -> None:
    """The kind's own reader refuses; the finding stands at the file's line."""
    path = write(tmp_path, SMALL + AMAZON.replace("HOLD", "").replace("auth_endpoint", "auth_endpiont"))
    (finding,) = found(path, "no_kind")
    assert finding.where.startswith("tranship.toml:") and "connection.a.settings" in finding.where
    assert "auth_endpiont" in finding.what and "auth_endpoint" in finding.hint


def test_a_node_names_a_connection_that_is_there(tmp_path: Path) -> None:
    """A misspelled connection is an error, never a node that silently has none."""
    path = write(tmp_path, changed(SMALL, USED))
    (finding,) = found(path, "no_such")
    assert "node[2].connection" in finding.where
    with pytest.raises(NetworkFileError):
        load(path)


def test_health_and_alerts_are_read(tmp_path: Path) -> None:
    """What is written arrives in the network file, in its own units; contacts keep their order."""
    more = """
[health]
probes = 7
[alerts]
quiet_from = "22:30"
quiet_until = "7:00"
zone = "America/Chicago"
smtp_host = "mail.example.com"
smtp_sender = "env:ALERTS_FROM"
[[contact]]
code = "night"
webhook = "env:HOOK"
secret = "file:hook.key"
[[contact]]
code = "boss"
email = "env:BOSS"
"""
    network = load(write(tmp_path, SMALL + more)).network
    assert network.health.probes == 7
    assert (network.alerts.quiet_from_min, network.alerts.quiet_until_min) == (22 * 60 + 30, 7 * 60)
    assert network.alerts.contacts == (
        Contact("night", "env:HOOK", "file:hook.key"),
        Contact("boss", email="env:BOSS"),
    )


@pytest.mark.parametrize(
    ("contact", "piece"),
    [
        ("", "cannot be reached"),
        ('webhook = "env:H"', "no key to be signed with"),
        ('email = "env:E"', "there is no server"),
    ],
)
def test_a_contact_that_cannot_be_told_is_an_error(tmp_path: Path, contact: str, piece: str) -> None:
    """Alerts to nobody are found before they are needed."""
    lines = told(tmp_path, f'[[contact]]\ncode = "me"\n{contact}\n')
    assert any(piece in line and line.startswith("error") for line in lines), lines


def ground(tmp_path: Path, capability: Capability) -> Ground:
    """The sample with a connection of this capability, which nobody uses."""
    network = load(write(tmp_path)).network
    changed_network = type(network)(**{**_fields(network), "connections": (Connection("a", "x", capability),)})
    return Ground(changed_network, (), Places("tranship.toml", ""), Findings())


def _fields(network: object) -> dict[str, object]:
    return {name: getattr(network, name) for name in network.__struct_fields__}  # type: ignore[attr-defined]


def test_what_only_the_sandbox_showed_is_unproven(tmp_path: Path) -> None:
    """A fence that our own sandbox showed is warned of; one that the vendor's showed is not."""
    proven = {"hold_release": "sandbox", "client_id_unique": "production"}
    there = ground(tmp_path, Capability(hold_release=True, client_id_unique=True, proven=proven))
    connection_rules(there)
    said = {finding.rule: str(finding) for finding in there.findings.listed()}
    assert "hold_release of x unproven: only our own sandbox showed it" in said["unproven"]
    assert "client_id_unique" not in said["unproven"]
    assert "no_connection" in said


def test_a_used_connection_without_a_contact_is_noted(tmp_path: Path) -> None:
    """A connection that fails at night should wake somebody."""
    network = load(write(tmp_path)).network
    nodes = tuple(type(node)(**{**_fields(node), "connection": "a"}) for node in network.nodes)
    assert _rules(network, nodes) == ["no_location", "untold"]


def test_nodes_that_share_a_connection_need_the_networks_own_ids(tmp_path: Path) -> None:
    """Else a count of stock cannot be told apart: warned of, until each has its location."""
    network = load(write(tmp_path)).network
    placed = tuple(
        type(node)(**{**_fields(node), "connection": "a", "location": f"L{i}"}) for i, node in enumerate(network.nodes)
    )
    assert "no_location" not in _rules(network, placed)
    first = (type(placed[0])(**{**_fields(placed[0]), "location": ""}), *placed[1:])
    assert "no_location" in _rules(network, first)


def _rules(network: NetworkFile, nodes: tuple[Node, ...]) -> list[str]:
    fields = {**_fields(network), "connections": (Connection("a", "x"),), "nodes": nodes}
    there = Ground(type(network)(**fields), (), Places("tranship.toml", ""), Findings())
    connection_rules(there)
    contact_rules(there)
    return [finding.rule for finding in there.findings.listed()]


def test_without_hold_nothing_of_hold_is_left() -> None:
    """hold_release = false takes the claim, its days and its proof; other claims stay."""
    proven = {"hold_release": "sandbox", "client_id_unique": "sandbox"}
    plain = without_hold(Capability(hold_release=True, client_id_unique=True, hold_days=14, proven=proven))
    assert (plain.hold_release, plain.hold_days) == (False, 0)
    assert plain.client_id_unique and plain.proven == {"client_id_unique": "sandbox"}


def test_a_claim_without_proof_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that claims a fence, with no proof beside it, is refused at load under the connection's name."""
    for kind in kinds():

        def bare(of: str) -> Capability:
            record = b'source = "a test"\nhold_release = true\n'
            return proofs.with_proof(of, record, b"", where=f"connectors/{of}")

        monkeypatch.setattr("tranship.connectors.registry.capability_of", bare)
        findings = Findings()
        reader = Reader({"connection": {"a": {"kind": kind}}}, Places("t.toml", ""), findings)
        assert read_connections(reader.named(CONNECTION), reader.places, findings) == ()
        (finding,) = findings.listed()
        assert finding.rule == "no_proof" and "claims hold_release without a proof" in finding.what
    with pytest.raises(InputError):
        proofs.with_proof("x", b'source = "a test"\nclient_id_unique = true\n', b"", where="connectors/x")
