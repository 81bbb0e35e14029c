import csv
from importlib import resources

import pytest

from tranship.rates import data

FILES = ("cards", "parcel_prices", "size_tiers", "surcharges", "transit_days", "unit_prices")


def test_the_packaged_files_are_those_that_are_checked_here():
    """A new data file joins the list above, and with it these rules."""
    folder = resources.files("tranship.rates").joinpath("data")
    assert sorted(path.name for path in folder.iterdir() if path.name.endswith(".csv")) == [f"{n}.csv" for n in FILES]


@pytest.mark.parametrize("name", FILES)
def test_every_number_says_where_it_is_from_and_how_far_to_trust_it(name: str):
    """Each row has a source and a status out of a few words, and as many cells as the header."""
    text = resources.files("tranship.rates").joinpath("data", f"{name}.csv").read_text()
    header, *rows = csv.reader(text.splitlines())
    assert header[-2:] == ["source", "status"]
    assert rows
    for row in rows:
        assert len(row) == len(header)
        assert row[-2]
        assert any(word in row[-1] for word in ("seen", "assumption", "unverified")), row


def test_a_source_of_none_is_never_called_seen():
    """What nobody said is an assumption or unverified."""
    for name in FILES:
        for row in data.rows(name):
            assert row["source"] != "none" or row["status"] in {"assumption", "unverified"}, row


def test_the_assumptions_are_marked():
    """Warehouse fees, transit days and the date of the old MCF table are assumptions and say so."""
    fees = [row for row in data.rows("cards") if row["key"] in {"order_fee", "unit_fee", "carton_fee"}]
    assert fees and all(row["status"] == "assumption" for row in fees)
    assert all(row["status"] == "assumption" for row in data.rows("transit_days"))
    old = [row for row in data.rows("unit_prices") if row["table"].startswith("mcf_us")]
    assert old and all("date is an assumption" in row["status"] for row in old)
