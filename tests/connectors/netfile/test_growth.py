"""The growth forecast of a leak budget: what is read, what is kept in the document, what is refused and where it stands."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.netfile.sample import SMALL, write
from tranship.connectors.netfile import NetworkFileError, check, from_document, load
from tranship.connectors.netfile.growth import MOST_PCT
from tranship.core.network import LeakGrowth

LEAK = '\n[[leak]]\nnetwork = "big"\nforecast = "growth.csv"\n'


def forecast(folder: Path, text: str | bytes) -> Path:
    """The sample with a leak budget and a forecast beside it."""
    (folder / "growth.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return write(folder, SMALL + LEAK)


def rows(folder: Path, text: str | bytes) -> tuple[LeakGrowth, ...]:
    """What is kept of it."""
    return load(forecast(folder, text)).network.leaks[0].forecast


def test_growth_is_kept_as_log_growth_a_week(tmp_path: Path) -> None:
    """In percent over a year or as two years' sales, by code, with the error where it is said."""
    assert rows(tmp_path, "sku,growth_pct,error_pct\nSPOON,-50,\nMUG,30,20\n") == (
        LeakGrowth("MUG", round(1e6 * math.log(1.3) / 52), round(1e6 * math.log(1.2) / 52)),
        LeakGrowth("SPOON", round(1e6 * math.log(0.5) / 52), 0),
    )
    plain = rows(tmp_path, "sku,growth_pct\nSPOON,-50\nMUG,30\n")
    assert rows(tmp_path, "sku;this_year;next_year\r\nMUG;200;260\r\nSPOON;1000;500\r\n") == plain


def test_an_article_that_ends_has_the_least_growth_there_is(tmp_path: Path) -> None:
    """Nothing next year is -99 %: a logarithm has to have something."""
    assert rows(tmp_path, "sku,this_year,next_year\nMUG,50,0\n") == rows(tmp_path, "sku,growth_pct\nMUG,-99\n")


def test_the_document_holds_the_forecast_and_only_where_there_is_one(tmp_path: Path) -> None:
    """It reads back as it was; a file without the new keys keeps its bytes, and so its hash."""
    loaded = load(forecast(tmp_path, "sku,growth_pct\nMUG,30\nSPOON,0\n"))
    assert from_document(loaded.document) == loaded.network
    assert b'"forecast":' in loaded.document and b"least_saving_bp" not in loaded.document
    plain = load(write(tmp_path, SMALL + '\n[[leak]]\nnetwork = "big"\n'))
    assert b'"forecast":' not in plain.document and b"least_saving_bp" not in plain.document


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("sku\nMUG\n", ("growth.csv:1: growth_pct", "nothing says how articles will grow")),
        ("sku,this_year\nMUG,3\n", ("growth.csv:1: growth_pct", "this_year and next_year")),
        ("sku,growth_pct,this_year,next_year\nMUG,3,1,1\n", ("growth.csv:1: this_year", "says the same")),
        ("sku,growth_pct\nMUG,1\nMUG,2\n", ("growth.csv:3: sku", "First in line 2")),
        ("sku,growth_pct\n,1\n", ("growth.csv:2: sku", "no code")),
        ("sku,growth_pct\nMUGG,1\n", ("growth.csv:2: sku", "no article is called", "MUG")),
        ("sku,growth_pct\nSET,1\n", ("growth.csv:2: sku", "is a bundle")),
        ("sku,growth_pct\nMUG,\n", ("growth.csv:2: growth_pct", "no number")),
        ("sku,growth_pct\nMUG,30%\n", ("growth.csv:2: growth_pct", "is not a number")),
        ("sku;growth_pct\nMUG;1,5\n", ("growth.csv:2: growth_pct", "a point before decimals")),
        ("sku,growth_pct\nMUG,nan\n", ("growth.csv:2: growth_pct", "is not a number")),
        ("sku,growth_pct\nMUG,1e2\n", ("growth.csv:2: growth_pct", "is not a number")),
        ("sku,growth_pct\nMUG,-100\n", ("growth.csv:2: growth_pct", "Allowed: -99 to 9,900")),
        ("sku,growth_pct,error_pct\nMUG,1,-3\n", ("growth.csv:2: error_pct", "out of range")),
        ("sku,this_year,next_year\nMUG,0,5\n", ("growth.csv:2: this_year", "sold nothing")),
        ("sku,this_year,next_year\nMUG,1,900\n", ("growth.csv:2: next_year", "900 times this_year")),
        ("sku,growth_pct\nMUG,1,2\n", ("growth.csv:2: row", "3 cells")),
        (b"\xff\xfes\x00k\x00", ("growth.csv", "UTF-16")),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_cannot_be_used_is_named_by_line(tmp_path: Path, text: str | bytes, pieces: tuple[str, ...]) -> None:
    """File, line, column, what was found and what would do; nothing is guessed."""
    with pytest.raises(NetworkFileError) as refused:
        load(forecast(tmp_path, text))
    assert all(piece in str(refused.value) for piece in pieces), str(refused.value)


def test_a_forecast_of_few_articles_is_noted(tmp_path: Path) -> None:
    """One of three articles; and a file without a row is a warning."""
    said = [str(one) for one in check(forecast(tmp_path, "sku,growth_pct\nMUG,30\n")) if one.rule == "leak_forecast"]
    assert len(said) == 1 and "2 of 3 articles have no forecast: SPOON, GLUE" in said[0]
    assert [one.level for one in check(forecast(tmp_path, "sku,growth_pct\n")) if one.rule == "no_row"] == ["warning"]


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in a cell: a forecast within range, or an error that names the line."""
    folder = tmp_path_factory.mktemp("growth")
    try:
        found = rows(folder, f"sku,growth_pct\nMUG,{text}\n".encode("utf-8", "replace"))
    except NetworkFileError as error:
        said = str(error)
        found = ()
    else:
        said = "growth.csv"
    assert "growth.csv" in said
    assert all(abs(one.growth_ppm) <= 1e6 * math.log(1 + MOST_PCT / 100) / 52 + 1 for one in found)
