"""Reports in a policy file: what makes no sense does not load, what a user may say of a column does."""

from pathlib import Path

import pytest

from tests.masking.reports.files import RETURNS, TYPES, cells, read, sent, table
from tranship.core.errors import InputError
from tranship.masking.message import mask
from tranship.masking.policy import MaskingError, kinds, load
from tranship.masking.policy.reports import REPORT_TYPES, read_reports
from tranship.masking.tokens_memory import MemoryTokens
from tranship.masking.unmask import unmask

KIND = "amazon_mcf_2020"


def mine(tmp_path: Path, text: str) -> Path:
    """A user's file that changes something of ours."""
    path = tmp_path / "mine.toml"
    path.write_text(f'kind = "{KIND}"\n{text}')
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'[reports.{RETURNS}]\nreason = "pass"', "pass without a type"),
        (f'[reports.{RETURNS}]\nreason = "token(text)"', "no action for what comes in"),
        (f'[reports.{RETURNS}]\nreason = "link"', "no column may have"),
        (f'[reports.{RETURNS}]\nquantity = "pass(int:1..9)"', "a type of JSON"),
        (f'[reports.{RETURNS}]\nquantity = "pass(number)"', "a type of JSON"),
        (f"[reports.{RETURNS}]\nquantity = 5", "not text"),
        (f'[reports.{RETURNS}]\n"Return Date" = "drop"', "no name of a column"),
        (f'[reports.{RETURNS}]\norder-id = "drop"', "names no column that holds the order"),
        (f'[reports.{RETURNS}]\nreason = "unmask(person)"', "unmask wants one of"),
        ('[reports.GET_OTHER_DATA]\nreason = "drop"', "no report of this policy"),
        ("reports = 5", "no table of reports"),
        (f"[reports]\n{RETURNS} = 5", "has no columns"),
    ],
)  # fmt: skip
def test_a_column_that_makes_no_sense_does_not_load(tmp_path: Path, text: str, said: str):
    """The error names the file, and the report and column where it is one's."""
    with pytest.raises(InputError, match=said) as caught:
        load(KIND, mine(tmp_path, text))
    assert str(caught.value).startswith("mine.toml")


@pytest.mark.parametrize(
    "told",
    [{"R": {}}, {"GET_A": {"key": "a", "columns": {}}}, {"GET_A": {"columns": {"a": "unmask(order)"}}},
     {"GET_A": {"key": "a", "columns": {"a": "unmask(name)"}}}, {"GET_A": {"key": "a", "columns": {"a": "unmask(order)"}, "x": 1}},
     {"GET_A": {"key": "a", "columns": "@nowhere"}}, {"GET_A": 7}, 7],
    ids=range(8),
)  # fmt: skip
def test_a_report_without_an_order_is_none(told: object):
    """Names, keys and columns are all there, or nothing is read."""
    with pytest.raises(InputError, match="file: reports"):
        read_reports(told, {}, {}, {}, "file")


def test_a_user_may_say_what_a_new_column_is(tmp_path: Path):
    """And what another is; the policy is another one then, and is told apart in the audit."""
    text = f'[reports.{RETURNS}]\nreturn-carrier = "pass(word)"\nreason = "drop"\n'
    policy, ours = load(KIND, mine(tmp_path, text)), sent("SHOP-1")
    assert policy.hash != load(KIND).hash
    row = {**cells(RETURNS, ours), "return-carrier": "UPS"}
    (back,) = read(table([row]), RETURNS, ours.tokens, policy=policy).rows()
    assert back["return-carrier"] == "UPS" and back["reason"] == "" and back["order-id"] == "SHOP-1"


@pytest.mark.parametrize("kind", ["amazon_mcf", KIND])
def test_what_can_be_read_is_what_may_be_asked_for(kind: str):
    """`reportType` leaves where the policy has a report of that type, and not otherwise."""
    policy = load(kind)
    assert set(policy.enums[REPORT_TYPES]) == set(policy.reports) == set(TYPES)
    for name in (*TYPES, "GET_MERCHANT_LISTINGS_ALL_DATA"):
        body = f'{{"reportType": "{name}", "marketplaceIds": ["ATVPDKIKX0DER"]}}'.encode()
        if name in TYPES:
            assert name.encode() in mask(body, "createReport", policy, MemoryTokens(), now_day=20_000).body
        else:
            with pytest.raises(MaskingError):
                mask(body, "createReport", policy, MemoryTokens(), now_day=20_000)


def test_every_report_says_where_its_columns_were_read():
    """Each has sources, a key and only rules of what comes in; kinds without reports have none."""
    for kind in kinds():
        for report in load(kind).reports.values():
            assert report.sources and all(report.sources) and report.key in report.columns
            assert {rule.action for rule in report.columns.values()} <= {"pass", "unmask", "token_in", "drop"}
    assert not load("shipbob").reports


def test_an_address_elsewhere_is_the_fetchers_or_nobodys():
    """Where nobody fetches, the address of a document is left out; where somebody does, the client gets theirs and not the network's."""
    body = b'{"reportDocumentId": "D1", "url": "https://bucket.example/d?sig=1", "compressionAlgorithm": "GZIP"}'
    policy = load(KIND)
    alone = unmask(body, "getReportDocument", policy, MemoryTokens())
    assert b"bucket" not in alone.body and "answer url" in alone.dropped
    seen: list[str] = []

    def link(url: str) -> str:
        seen.append(url)
        return "http://127.0.0.1/ours"

    made = unmask(body, "getReportDocument", policy, MemoryTokens(), link=link)
    assert (
        seen == ["https://bucket.example/d?sig=1"]
        and b"http://127.0.0.1/ours" in made.body
        and b"bucket" not in made.body
    )
    assert b"GZIP" not in made.body and ("answer url", "link", "") in made.fields
    for strange in (b"7", b'["https://bucket.example"]', b"null"):
        left = unmask(
            b'{"reportDocumentId": "D1", "url": ' + strange + b"}",
            "getReportDocument",
            policy,
            MemoryTokens(),
            link=link,
        )
        assert b"url" not in left.body
