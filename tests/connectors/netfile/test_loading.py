"""What a network file becomes: values in the model's units, defaults, references; the same content is the same version."""

import hashlib
from pathlib import Path

from tests.connectors.netfile.sample import SKUS, SMALL, changed, write
from tranship.connectors.netfile import Opening, from_document, load
from tranship.connectors.netfile.keys import CAP, CHANNEL, NETWORK, NODE, POLICY
from tranship.core.network import Channel, Network, Node, Policy, ShareCap, Sku


def test_values_come_in_the_models_units(tmp_path: Path) -> None:
    """Percent become basis points, clocks minutes, amounts micros, codes references; what is not written is the model's default."""
    text = changed(SMALL, ("share = 60", "share = 59.95\nprice = 1.25\nwindow = 500"))
    loaded = load(write(tmp_path, text))
    network = loaded.network
    assert (network.party, network.currency, network.peak_per_day) == ("acme", "USD", 1000)
    assert network.caps == (ShareCap("big", 5995, 500, price_micros=1_250_000),)
    assert network.networks == (Network("big", operator="Big Inc", competitor=True), Network("own"))
    assert network.nodes[1] == Node(
        "OWN-1", "own", "37066", "America/Chicago", "post", state="TN", capacity_units=400, cutoff_min=990, hazmat=True
    )
    assert network.channels == (Channel("web"), Channel("market", on_platform_for=("big",)))
    assert network.policy == Policy(prefer=("own",))
    assert network.cards == {"post": {"base": "usps_ground_advantage", "order_fee": 1.5}}
    assert network.sources == {"shop": {"format": "csv", "channel": "web"}}
    assert network.world["forecast_error"] == 0.25
    assert loaded.stock[0] == Opening("BIG-1", "MUG", 60)
    assert loaded.warnings == []


def test_basis_points_say_the_same_as_percent(tmp_path: Path) -> None:
    """`share_bp = 5995` and `share = 59.95` are one network file, byte by byte."""
    percent = load(write(tmp_path, changed(SMALL, ("share = 60", "share = 59.95"))))
    points = load(write(tmp_path, changed(SMALL, ("share = 60", "share_bp = 5995"))))
    assert percent.document == points.document


def test_dates_in_free_tables_become_text(tmp_path: Path) -> None:
    """A rate card's dates and times are ISO text in the document, so that it reads back exactly."""
    versions = "order_fee = 1.50\nversions = [{ effective = 2026-01-01, order_fee = 2 }]"
    loaded = load(write(tmp_path, changed(SMALL, ("order_fee = 1.50", versions))))
    assert loaded.network.cards["post"]["versions"] == [{"effective": "2026-01-01", "order_fee": 2}]
    assert from_document(loaded.document) == loaded.network


def test_the_version_is_the_content_not_its_spelling(tmp_path: Path) -> None:
    """Comments, blank lines, order of keys, line ends, a byte order mark, written defaults: the same bytes and hash."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load(write(tmp_path / "a"))
    text = changed(
        SMALL,
        ('zip = "08817"\nzone = "America/New_York"', '# here\n\nzone = "America/New_York"\nzip = "08817"'),
        ("share = 60", "share = 60.0\nwindow = 1_000"),
        ('cutoff = "16:30"', "cutoff = 16:30:00"),
    )
    second = load(write(tmp_path / "b", "\ufeff" + text.replace("\n", "\r\n")))
    assert first.document == second.document
    assert first.sha256 == second.sha256 == hashlib.sha256(first.document).hexdigest()
    other = load(write(tmp_path / "b", changed(SMALL, ("share = 60", "share = 61"))))
    assert other.sha256 != first.sha256


def test_the_sku_file_is_part_of_the_version_and_opening_balances_are_not(tmp_path: Path) -> None:
    """A changed weight is another version; balances are moves of the ledger and come beside the document."""
    first = load(write(tmp_path))
    heavier = load(write(tmp_path, skus=changed(SKUS, ("0.8", "0.9"))))
    fuller = load(write(tmp_path, stock="node,sku,qty\nBIG-1,MUG,61\nOWN-1,MUG,1\n"))
    assert heavier.sha256 != first.sha256 == fuller.sha256
    assert fuller.stock == (Opening("BIG-1", "MUG", 61), Opening("OWN-1", "MUG", 1))


def test_every_field_of_the_model_can_be_written(tmp_path: Path) -> None:
    """No field of a network, node, channel, cap or policy is out of the file's reach."""
    for table, model in ((NETWORK, Network), (NODE, Node), (CHANNEL, Channel), (CAP, ShareCap), (POLICY, Policy)):
        assert {key.target for key in table.keys} == set(model.__struct_fields__)
    assert set(Sku.__struct_fields__) == {
        *("code", "weight_g", "length_mm", "width_mm", "height_mm", "value_minor", "fragile", "hazmat"),
        *("sensitivity", "parts", "codes", "nodes"),
    }
