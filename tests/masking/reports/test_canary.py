"""A canary in every column and header of every report: none comes out of a column that hides it, none is told in any error."""

import random
from pathlib import Path

import pytest

from tests.masking import canary
from tests.masking.reports.files import MCF, RETURNS, TYPES, cells, sent, table
from tranship.masking.policy import Policy, ReportError, load
from tranship.masking.reports import Reader, TokenBook

SORTS = {"word": canary.word, "name": canary.letters, "number": canary.digits, "mail": canary.email}
HIDING = frozenset({"token_in", "drop"})
SEED = 20261122


def said(raw: bytes, report_type: str, tokens: object, policy: Policy = MCF) -> tuple[bytes, str]:
    """What comes out, and what is said beside: reprs, counts, the error and all that hangs on it."""
    reader = Reader(policy, report_type, TokenBook(policy, tokens))  # type: ignore[arg-type]
    try:
        out = b"".join([*reader.feed(raw), *reader.close()])
    except ReportError as error:
        return b"", canary.told_by(error) + repr(reader) + repr(reader.counts)
    return out, repr(reader) + repr(reader.counts)


@pytest.mark.parametrize("report_type", TYPES)
@pytest.mark.parametrize("sort", SORTS)
def test_no_column_that_hides_lets_a_canary_out(report_type: str, sort: str):
    """Personal and dropped columns, all at once: tokens and empty cells come out in their places, the row itself does."""
    ours = sent()
    found = {column: SORTS[sort](f"{report_type} {column}") for column, rule in MCF.report(report_type).columns.items()
             if rule.action in HIDING and rule.kind != "shipment"}  # fmt: skip
    out, told = said(table([{**cells(report_type, ours), **found}]), report_type, ours.tokens)
    assert b"SHOP-1" in out and canary.Search(found).in_all([out, told]) == []


@pytest.mark.parametrize("report_type", TYPES)
def test_what_is_refused_is_not_told(report_type: str):
    """Canaries alone and behind good values, in cells, headers and between rows: no error, repr or count holds one."""
    ours, draw = sent(), random.Random(SEED)
    for column in MCF.report(report_type).columns:
        for sort, make in SORTS.items():
            secret = make(f"{report_type} {column} {sort}")
            plain, search = cells(report_type, ours), canary.Search({"one": secret})
            bad = draw.choice(
                [secret, f"{plain[column]}{secret}", f"{plain[column]} {secret}", f"{secret},{secret}", f'"{secret}']
            )
            raws = [
                table([{**plain, column: bad}]),
                table([plain]).replace(column.encode(), secret.encode(), 1),
                table([plain]) + secret.encode(),
                secret.encode() + b"\t" + table([plain]),
            ]
            for raw in raws:
                assert search.hits(said(raw, report_type, ours.tokens)[1]) == [], (column, sort)


def test_the_search_finds_a_column_that_passes():
    """A title may hold what it likes: there the same canary is found, so the search above is one."""
    ours, secret = sent(), canary.word("title")
    out, _ = said(table([{**cells(TYPES[0], ours), "product-name": secret}]), TYPES[0], ours.tokens)
    assert canary.Search({"one": secret}).hits(out)


@pytest.mark.parametrize("rule", ["pass(title)", "pass(label)"])
def test_a_planted_hole_is_found(tmp_path: Path, rule: str):
    """Comments of customers that pass as a title: the canary of just that column comes out, and the search says so."""
    path = tmp_path / "holed.toml"
    path.write_text(f'kind = "amazon_mcf_2020"\n[reports.{RETURNS}]\ncustomer-comments = "{rule}"\n')
    ours, found = sent(), {"comments": canary.word("hole"), "other": canary.word("no hole")}
    raw = table([{**cells(RETURNS, ours), "customer-comments": found["comments"]}])
    out, _ = said(raw, RETURNS, ours.tokens, load("amazon_mcf_2020", path))
    assert {name for name, _ in canary.Search(found).hits(out)} == {"comments"}
    assert not canary.Search(found).hits(said(raw, RETURNS, ours.tokens)[0])
