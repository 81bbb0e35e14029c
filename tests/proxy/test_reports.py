"""Reports through the real proxy: asked for as at Amazon, fetched by the proxy, handed out unmasked at an address of its own."""

import gzip
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.masking import canary
from tests.proxy.network import Got, Network, network, obliging, says
from tests.proxy.running import ORDERS, Answer, Proxy, hits, order, proxy
from tests.proxy.test_forgetting import rows
from tests.proxy.test_proxy import described
from tests.support import ROOT
from tranship.masking.tokens import kind_of, new_token

SHIPMENTS = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
REPORTS = "/reports/2021-06-30/reports"
DOCUMENTS = "/reports/2021-06-30/documents"
MARKET = "ATVPDKIKX0DER"
HEAD = "merchant-order-id\trecipient-name\tbuyer-email\tship-city\ttracking-number\tbill-city\tsales-channel\n"
SOUGHT: dict[str, str] = {}
"""Canaries of single tests: at the end they are in none of the proxy's files."""
SECRETS = {
    "mail": canary.email("report mail"),
    "bill": canary.letters("report bill"),
    "link": canary.word("report link"),
}


@pytest.fixture(scope="module")
def there() -> Iterator[Network]:
    """The network; its documents lie on the same machine."""
    with network() as found:
        yield found


@pytest.fixture(scope="module")
def here(there: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy in front of it."""
    folder = tmp_path_factory.mktemp("reports") / "store"
    with proxy(folder, there.url, "--document-host", there.url, "--limit", "document_bytes_max=200000") as found:
        yield found
    assert hits({**SECRETS, **SOUGHT}, found.kept()) == []


@pytest.fixture(autouse=True)
def _anew(there: Network) -> None:
    there.clear()


def raw(body: bytes, kind: str = "text/plain; charset=Cp1252", status: int = 200, length: int | None = None) -> bytes:
    """An answer that is no JSON."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + body


class Reports:
    """The network's side: one report, its document at an address with a signature in it."""

    def __init__(self, there: Network, document: bytes = b"", report_type: str = SHIPMENTS) -> None:
        self.document, self.report_type = document, report_type
        self.url = f"{there.url}/bucket/%2Fdoc?X-Amz-Signature={SECRETS['link']}"
        self.serve: Callable[[], bytes] = lambda: raw(self.document)
        there.answer = self.answer

    def answer(self, got: Got) -> bytes:
        """By path."""
        path = got.target.partition("?")[0]
        one = {
            "reportId": "R-77", "reportType": self.report_type, "processingStatus": "DONE", "reportDocumentId": "amzn1.spdoc.1",
            "createdTime": "2026-11-22T10:00:00Z", "marketplaceIds": [MARKET],
        }  # fmt: skip
        body: Any = {
            REPORTS: {"reports": [one]} if got.method == "GET" else {"reportId": "R-77"},
            f"{REPORTS}/R-77": one,
            f"{DOCUMENTS}/amzn1.spdoc.1": {
                "reportDocumentId": "amzn1.spdoc.1",
                "url": self.url,
                "compressionAlgorithm": "GZIP",
            },
        }.get(path)
        if path.startswith("/bucket/"):
            return self.serve()
        if body is None:
            return obliging(got)
        told = json.dumps(body).encode()
        return raw(told, "application/json", 202 if got.method == "POST" else 200)


def tokens_of(here: Proxy, there: Network, order_id: str) -> tuple[str, str]:
    """What the network knows of an order that goes there now: its token, and the alias of its recipient."""
    there.clear()
    assert here.create(order(order_id, sellerFulfillmentOrderId=order_id).body).status == 200
    left = there.got[-1].json()
    there.clear()
    return left["sellerFulfillmentOrderId"], left["destinationAddress"]["name"]


def asked_for(here: Proxy) -> Answer:
    """The whole way of a client, to the document's address."""
    made = here.ask(
        "POST", REPORTS, {"reportType": SHIPMENTS, "marketplaceIds": [MARKET], "dataStartTime": "2026-11-01T00:00:00Z"}
    )
    assert made.status == 202, made.body
    report = here.ask("GET", f"{REPORTS}/{made.json()['reportId']}")
    assert report.status == 200, report.body
    return here.ask("GET", f"{DOCUMENTS}/{report.json()['reportDocumentId']}")


def fetched(url: str) -> Answer:
    """As clients fetch a document: without any header of theirs."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        line.request("GET", parts.path)
        answer = line.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        line.close()


def row(order_id: str, name: str, city: str = "Seattle") -> str:
    """A row with personal data that nobody wants in clear."""
    return f"{order_id}\t{name}\t{SECRETS['mail']}\t{city}\tTBA123\t{SECRETS['bill']}\tNon-Amazon\n"


def test_the_whole_way_of_a_report(here: Proxy, there: Network):
    """createReport, getReport, getReportDocument, the document: ids are tokens, the address is the proxy's, the rows are the shop's."""
    token, alias = tokens_of(here, there, "SHOP-R1")
    text = (
        HEAD + row(token, alias, "Orléans") + row("111-2222222-3333333", "Somebody Else") + row(new_token("order"), "x")
    )
    answers = Reports(there, gzip.compress(text.encode("cp1252")))
    told = asked_for(here)
    assert told.status == 200 and set(told.json()) == {"reportDocumentId", "url"}
    assert (
        told.json()["url"].startswith(f"{here.url}/_proxy/documents/")
        and kind_of(told.json()["reportDocumentId"]) == "text"
    )
    assert hits(SECRETS, told.body) == []
    before = len(there.got)
    got = fetched(told.json()["url"])
    assert got.status == 200 and got.headers["content-type"] == "text/plain; charset=UTF-8"
    head, *lines = got.body.decode().splitlines()
    assert head + "\n" == HEAD and len(lines) == 1
    cells = lines[0].split("\t")
    assert cells[:2] == ["SHOP-R1", order("SHOP-R1").body["destinationAddress"]["name"]] and cells[3:5] == [
        "Orléans",
        "TBA123",
    ]
    assert kind_of(cells[2]) == "person_in" and cells[5] == "" and hits(SECRETS, got.body) == []
    (request,) = there.got[before:]
    assert request.target == urlsplit(answers.url).path + "?" + urlsplit(answers.url).query
    assert "x-amz-access-token" not in request.headers and request.headers["user-agent"] == "tranship"
    assert fetched(told.json()["url"]).body == got.body  # a client that tries again
    events = here.counts()["events"]
    assert events["report_rows_quarantined"] == 2 and events["report_rows_of_other_orders"] == 2


def test_a_list_of_reports_says_what_documents_are_as_well(here: Proxy, there: Network):
    """Software that only lists, and takes the ids from there."""
    token, alias = tokens_of(here, there, "SHOP-R2")
    Reports(there, (HEAD + row(token, alias)).encode())
    listed = here.ask("GET", f"{REPORTS}?reportTypes={SHIPMENTS}&processingStatuses=DONE&pageSize=10")
    assert listed.status == 200, listed.body
    document = listed.json()["reports"][0]["reportDocumentId"]
    assert fetched(here.ask("GET", f"{DOCUMENTS}/{document}").json()["url"]).body.startswith(
        HEAD.encode() + b"SHOP-R2\t"
    )


@pytest.mark.parametrize("name", ["column", "row", "binary", "large", "bomb", "torn", "gone", "redirect"])
def test_a_document_that_cannot_be_read_is_not_passed_on(here: Proxy, there: Network, name: str):
    """Unknown columns, torn rows, other files, too much, an error page, a redirect: nothing of it reaches the client, audit or log."""
    token, alias = tokens_of(here, there, f"SHOP-BAD-{name}")
    secret = SOUGHT[name] = canary.letters(f"bad {name}")
    good = (HEAD + row(token, alias)).encode()
    answers = Reports(there, {
        "column": HEAD.replace("sales-channel", secret).encode() + good,
        "row": good + f"{token}\t{secret}\n".encode(),
        "binary": b"%PDF-1.7 \x00\xff" + secret.encode(),
        "large": good + good * 3_000,
        "bomb": gzip.compress(HEAD.encode() + b"x" * 50_000_000),
        "torn": gzip.compress(good)[:-4],
    }.get(name, good))  # fmt: skip
    if name == "gone":
        answers.serve = lambda: raw(secret.encode(), status=403)
    if name == "redirect":
        answers.serve = lambda: raw(b"", f"text/plain\r\nLocation: {there.url}/elsewhere", status=302)
    got = fetched(asked_for(here).json()["url"])
    assert got.status == 502 and hits({**SECRETS, name: secret}, got.body) == [], got.body
    assert not any(one.target == "/elsewhere" for one in there.got)


def test_only_hosts_on_the_list_are_fetched_from(here: Proxy, there: Network):
    """An address that the network gives out and nobody allowed: refused, not fetched, not told."""
    token, alias = tokens_of(here, there, "SHOP-HOST")
    for url in (
        "https://elsewhere.example/doc",
        f"{there.url}@elsewhere.example/",
        "file:///doc",
        "http://127.0.0.1:1/doc",
        7,
        None,
    ):
        answers = Reports(there, (HEAD + row(token, alias)).encode())
        answers.url = url  # type: ignore[assignment]
        told = asked_for(here)
        assert told.status == 502 or "url" not in told.json()
        assert b"elsewhere" not in told.body


def test_what_the_policy_cannot_read_is_not_asked_for(here: Proxy, there: Network):
    """Other types, options of a report, ids that no answer told: refused here, and the network hears nothing."""
    for body in (
        {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [MARKET]},
        {"reportType": SHIPMENTS, "marketplaceIds": [MARKET], "reportOptions": {"ShowSalesChannel": "true"}},
        {"reportType": SHIPMENTS, "marketplaceIds": [MARKET], "note": "x"},
    ):
        assert here.ask("POST", REPORTS, body).status == 422
    assert here.ask("GET", f"{REPORTS}/R-77").status == 422
    assert here.ask("GET", f"{DOCUMENTS}/amzn1.spdoc.1").status == 409
    assert here.ask("GET", "/reports/2021-06-30/schedules").status == 404
    assert there.got == []
    Reports(there, report_type="GET_XML_BROWSE_TREE_DATA")
    listed = here.ask("GET", f"{REPORTS}?reportTypes={SHIPMENTS}").json()["reports"][0]
    assert here.ask("GET", f"{DOCUMENTS}/{listed['reportDocumentId']}").status == 422


def test_an_address_of_ours_is_random_and_ends(here: Proxy, there: Network):
    """Others lead nowhere, and say so alike."""
    for path in ("/_proxy/documents/x", "/_proxy/documents/" + "A" * 32, "/_proxy/documents", "/_proxy/documents/a/b"):
        assert here.ask("GET", path).status == 404
    assert here.ask("DELETE", "/_proxy/documents/x").status == 405


def test_a_cut_at_every_byte_changes_nothing(here: Proxy, there: Network):
    """The network's bytes come one by one."""
    token, alias = tokens_of(here, there, "SHOP-SPLIT")
    Reports(there, gzip.compress((HEAD + row(token, alias) * 5).encode()))
    url = asked_for(here).json()["url"]
    whole = fetched(url).body
    there.fault = "split"
    assert fetched(url).body == whole and whole.count(b"SHOP-SPLIT") == 5


def test_an_erased_orders_rows_are_left_out(here: Proxy, there: Network):
    """Its tokens mean nothing any more."""
    token, alias = tokens_of(here, there, "SHOP-GONE")
    Reports(there, (HEAD + row(token, alias)).encode())
    url = asked_for(here).json()["url"]
    assert b"SHOP-GONE" in fetched(url).body
    assert here.ask("DELETE", "/_proxy/orders/SHOP-GONE").json() == {"erased": True}
    assert fetched(url).body.decode() == HEAD


def test_a_shipments_token_is_that_of_the_orders_answer(here: Proxy, there: Network):
    """What a client learned from the order it finds again in the report."""
    token, _ = tokens_of(here, there, "SHOP-SHIP")
    answer = {
        "payload": {
            "fulfillmentOrder": {"sellerFulfillmentOrderId": token},
            "fulfillmentShipments": [{"amazonShipmentId": "H9"}],
        }
    }
    there.answer = lambda got: raw(json.dumps(answer).encode(), "application/json")
    told = here.ask("GET", f"{ORDERS}/SHOP-SHIP").json()["payload"]["fulfillmentShipments"][0]["amazonShipmentId"]
    Reports(there, f"merchant-order-id\tshipment-id\n{token}\tH9\n".encode())
    assert fetched(asked_for(here).json()["url"]).body.decode().splitlines()[1] == f"SHOP-SHIP\t{told}"


def test_the_audit_names_columns_and_not_words(here: Proxy, there: Network):
    """One row for each document: what was unmasked, what was quarantined and why; it still verifies."""
    from tranship.masking.audit import check, unpacked
    from tranship.store.sqlite import SqliteStore

    token, alias = tokens_of(here, there, "SHOP-AUDIT")
    Reports(there, (HEAD + row(token, alias) + row(token, new_token("name"))).encode())
    fetched(asked_for(here).json()["url"])
    with SqliteStore.open(here.folder, create=False, read_only=True) as store:
        found = [one for one in store.audit() if one.op == SHIPMENTS]
        assert check(store.audit(), store.last_audit(), []).good
    fields = unpacked(found[-1])
    assert found[-1].verdict == "quarantined" and ("merchant-order-id", "unmask", b"") in fields
    assert any(
        re.fullmatch(r"recipient-name, 1 rows: .*", leaf) and action == "quarantined" for leaf, action, _ in fields
    )


def test_a_file_at_hand_is_read_beside_the_running_proxy(here: Proxy, there: Network, tmp_path: Path):
    """`tranship unmask-report` opens the same vault read-only: tokens of this proxy count, another proxy's do not."""
    token, alias = tokens_of(here, there, "SHOP-CLI")
    with proxy(tmp_path / "other", there.url) as other:
        foreign, _ = tokens_of(other, there, "SHOP-CLI-2")
    path, out = tmp_path / "report.txt.gz", tmp_path / "clear.txt"
    path.write_bytes(gzip.compress((HEAD + row(token, alias) + row(foreign, "")).encode()))
    command = [
        sys.executable,
        "-m",
        "tranship.cli",
        "unmask-report",
        path,
        "--run",
        here.folder,
        "--type",
        SHIPMENTS,
        "--out",
        out,
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert done.returncode == 1 and "1 passed" in done.stderr and "1 quarantined" in done.stderr, done.stderr
    head, line = out.read_text().splitlines()
    assert head + "\n" == HEAD and line.startswith("SHOP-CLI\t") and hits(SECRETS, out.read_bytes()) == []
    assert here.get("SHOP-CLI").status == 200  # the proxy goes on


def test_a_proxy_that_a_service_masks_for_reads_no_documents(there: Network, tmp_path: Path):
    """It says so, before anybody is asked."""
    with proxy(tmp_path / "none", there.url, "--engine", "http://127.0.0.1:9", "--network", "AMZ") as found:
        for path in (f"{DOCUMENTS}/TX", "/_proxy/documents/x"):
            answer = found.ask("GET", path)
            assert answer.status == 501 and "tranship unmask-report" in answer.json()["detail"]
    assert there.got == []


def test_what_comes_late_about_an_order_that_is_over_ends_with_it(there: Network, tmp_path: Path):
    """A report's new tokens get the end that the order's others have. For a document clients need no token of ours, only its name."""
    shown, folder = {"x_tranship_token": "a-token-of-clients"}, tmp_path / "store"
    with proxy(
        folder, there.url, "--document-host", there.url, env={"TRANSHIP_PROXY_TOKEN": "a-token-of-clients"}
    ) as here:
        told = order("over")
        assert here.create(told.body, **shown).status == 200
        text = json.loads(described(there, told))
        there.answer = says(200, text)
        assert here.ask("GET", f"{ORDERS}/{told.order_id}", **shown).status == 200
        Reports(there, (HEAD + row(text["payload"]["fulfillmentOrder"]["sellerFulfillmentOrderId"], "")).encode())
        report = here.ask("GET", f"{REPORTS}?reportTypes={SHIPMENTS}", **shown).json()["reports"][0]
        assert here.ask("GET", f"{DOCUMENTS}/{report['reportDocumentId']}").status == 401
        url = here.ask("GET", f"{DOCUMENTS}/{report['reportDocumentId']}", **shown).json()["url"]
        assert kind_of(fetched(url).body.decode().split("\t")[8]) == "person_in"
    ends = rows(folder, "SELECT kind, expires_at FROM token WHERE kind IN ('order', 'person_in', 'name')")
    assert (
        {kind for kind, _ in ends} == {"order", "person_in", "name"}
        and len({at for _, at in ends}) == 1
        and ends[0][1] < 1 << 62
    )
