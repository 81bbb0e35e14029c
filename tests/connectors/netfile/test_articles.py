"""The SKU file and the stock file as spreadsheets write them: units, encodings, separators, bundles."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.netfile.sample import SKUS, SMALL, changed, write
from tranship.connectors.netfile import check, load
from tranship.core.network import Sku
from tranship.rates.measures import edge_g, edge_mm

HEADER = SKUS.partition("\n")[0]
NO_STOCK = changed(SMALL, ('stock_file = "stock.csv"\n', ""))


def skus(folder: Path, content: str | bytes) -> tuple[Sku, ...]:
    """The articles of a SKU file."""
    return load(write(folder, NO_STOCK, skus=content)).network.skus


def test_articles_come_in_grams_millimeters_and_minor_units(tmp_path: Path) -> None:
    """Pounds, inches and amounts become whole grams, millimeters and cents; a bundle weighs its parts."""
    mug, spoon, bundle, glue = load(write(tmp_path)).network.skus
    assert mug == Sku("MUG", 362, 127, 101, 101, 1450, fragile=True, codes={"big": "MUG-BIG"})
    assert spoon == Sku("SPOON", 45, value_minor=200)
    assert bundle == Sku("SET", 2 * 362 + 4 * 45, parts=(("MUG", 2), ("SPOON", 4)))
    assert glue == Sku("GLUE", 453, value_minor=1000, hazmat=True, nodes=("OWN-1",))


@pytest.mark.parametrize(
    ("column", "text", "grams"),
    [
        ("weight_g", "250", 250),
        ("weight_g", "250.9", 250),
        ("weight_kg", "1.5", 1500),
        ("weight_oz", "16", 453),
        ("weight_lb", "1", 453),
        ("weight_lb", "70", 31751),
        ("weight_g", "0.2", 1),
        ("weight_g", "0", 0),
        ("weight_g", "", 0),
    ],
)
def test_weights_are_rounded_down_to_the_edges_of_rate_tables(
    tmp_path: Path, column: str, text: str, grams: int
) -> None:
    """An article of exactly one pound is in the band up to one pound; what weighs anything weighs at least a gram."""
    assert skus(tmp_path, f"sku,{column}\nA,{text}\n")[0].weight_g == grams


@given(st.integers(1, 150), st.sampled_from(["oz", "lb"]))
def test_a_weight_on_an_edge_is_inside_the_band(
    tmp_path_factory: pytest.TempPathFactory, amount: int, unit: str
) -> None:
    """For every whole ounce and pound the article's grams are the rate tables' edge."""
    folder = tmp_path_factory.mktemp("edge")
    article = skus(folder, f"sku,weight_{unit},length_in\nA,{amount},{amount}\n")[0]
    assert (article.weight_g, article.length_mm) == (edge_g(amount, unit), edge_mm(amount))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + SKUS.encode(),
        SKUS.replace("\n", "\r\n").encode(),
        changed(SKUS, (HEADER, HEADER.upper())).encode(),
        (SKUS + "\n\n  \n,,,,,,,,,,,\n").encode(),
        SKUS.replace(",", " , ").encode(),
        SKUS.replace("MUG,0.8", '"MUG","0.8"').encode(),
    ],
    ids=["byte order mark", "CRLF", "capitals", "empty lines", "blanks", "quotes"],
)
def test_spellings_of_the_same_file_are_the_same_articles(tmp_path: Path, content: bytes) -> None:
    """Marks, line ends, capital headers, empty lines, blanks and quotes change nothing."""
    assert skus(tmp_path, content) == skus(tmp_path, SKUS)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_stand_between_columns(tmp_path: Path, delimiter: str) -> None:
    """The header tells which of the three it is."""
    content = "sku,weight_g,value\nA,5,1.5\n".replace(",", delimiter)
    assert skus(tmp_path, content) == (Sku("A", 5, value_minor=150),)


def test_latin_1_is_read_and_noted(tmp_path: Path) -> None:
    """A file that is not UTF-8 is read as latin-1, and a note says where that showed."""
    path = write(tmp_path, NO_STOCK, skus="sku,weight_g\nA,5\nCAFÉ,7\n".encode("latin-1"))
    assert load(path).network.skus[1].code == "CAFÉ"
    (note,) = check(path)
    assert (note.level, note.rule, note.where) == ("note", "encoding", "skus.csv:3")


@pytest.mark.parametrize("content", ["sku\nA\n".encode("utf-16"), b"PK\x03\x04\x00\x00"])
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """UTF-16 and spreadsheets saved as such are one clear error."""
    (finding,) = check(write(tmp_path, NO_STOCK, skus=content))
    assert (finding.level, finding.rule) == ("error", "not_csv")
    assert "UTF-8" in finding.hint


def test_an_empty_sku_file_lacks_its_header(tmp_path: Path) -> None:
    """No bytes at all is a missing column, not a crash."""
    (finding,) = check(write(tmp_path, NO_STOCK, skus=""))
    assert (finding.level, finding.rule) == ("error", "missing_column")


def test_findings_in_files_of_many_lines_name_the_line_of_the_row(tmp_path: Path) -> None:
    """A quoted cell with line ends in it moves the lines below, not their names."""
    path = write(tmp_path, NO_STOCK, skus='sku,weight_g,note\nA,5,"x\ny\nz"\nB,heavy,\n')
    (finding,) = [one for one in check(path) if one.level == "error"]
    assert finding.where == "skus.csv:5: weight_g"


@given(st.binary(max_size=300))
def test_any_bytes_are_articles_or_findings(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever a SKU or stock file holds, `check` answers with findings and never with another exception."""
    folder = tmp_path_factory.mktemp("bytes")
    check(write(folder, SMALL, skus=content))
    check(write(folder, SMALL, stock=content))
    check(write(folder, SMALL, skus=SKUS.encode() + content, stock=b"node,sku,qty\n" + content))
