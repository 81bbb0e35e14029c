"""`tranship unmask-report` on a run of the engine: remote ids, lines, aliases and names in the channel's words; counts and exit codes."""

import io
from pathlib import Path

import msgspec
import pytest

from tests.api.connected import connected
from tests.cli.test_orders import run
from tests.store import rows
from tests.store.test_vaulting import opened
from tranship.core.order import Person
from tranship.masking.tokens import new_token
from tranship.masking.vault.session import Owner
from tranship.store.port import Batch, SkuAliasRow
from tranship.store.sqlite import SqliteStore

SHIPMENTS = "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL"
HEAD = "merchant-order-id\tmerchant-order-item-id\trecipient-name\tsku\tbuyer-email\tshipment-id\n"
REMOTE, OTHERS = "ABCDEFGHJKLMNPQRSTUV", "BBCDEFGHJKLMNPQRSTUV"


@pytest.fixture(autouse=True)
def _own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRANSHIP_KEY_FILE", "TRANSHIP_MASKING_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> tuple[Path, str]:
    """A closed run with two orders at network `mcf`; the alias of the first one's recipient."""
    folder = tmp_path / "run"
    with rows.started(folder) as store:
        people, vault = opened(store)
        batch = rows.orders(1, 2, seq=1)
        person = people.vault.seal("P1", "shop", Person(ref="c-1", name="Ada Byron"))
        first, second = (order.order_id for order in batch.orders)
        session = vault.session("mcf", Owner("P1", people.vault.person_key(person)))
        alias = session.token("name", first, "Ada Byron")
        batch.people.append(person)
        batch.tokens += session.rows
        batch.dispatches += [rows.sending(REMOTE, first), rows.sending(OTHERS, second)]
        batch.sku_aliases.append(SkuAliasRow("TS-ALIAS", "mcf", "SKU1", 1, "active", 1))
        store.commit(batch)
    return folder, alias


def row(order_id: str, line: str, name: str, sku: str = "TS-ALIAS") -> str:
    """A row of the report."""
    return f"{order_id}\t{line}\t{name}\t{sku}\tada@post.example\tH7\n"


def test_a_runs_report_speaks_the_channels_words(
    home: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Order numbers, line keys, articles and names; rows of others are left out; nothing personal comes in clear; exit code 0."""
    folder, alias = home
    path = tmp_path / "report.txt"
    path.write_text(
        HEAD + row(REMOTE, "2", alias) + row("111-2222222-3333333", "1", "X") + row(OTHERS, "1", "Bo Real", "SKU9")
    )
    code, out, err = run(capsys, "unmask-report", path, "--run", folder, "--type", SHIPMENTS)
    assert code == 0 and out == HEAD + "1\t1\tAda Byron\tSKU1\t\tH7\n2\t0\tBo Real\tSKU9\t\tH7\n"
    assert "3 rows: 2 passed, 1 of other orders left out, 0 quarantined" in err and "2 cells" in err
    code, out, err = run(
        capsys, "unmask-report", path, "--run", folder, "--type", SHIPMENTS, "--tell-personal", "--json"
    )
    assert code == 0 and out.count("ada@post.example") == 2
    assert msgspec.json.decode(err) == {
        "rows": 3, "passed": 2, "of_other_orders": 1, "quarantined": 0, "why": [], "cells_emptied": 0,
    }  # fmt: skip


def test_quarantined_rows_make_exit_code_1(home: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Another order's alias, an unknown line, a remote id and an order token that nobody gave; the good row goes on."""
    folder, alias = home
    path, out = tmp_path / "report.txt", tmp_path / "clear.txt"
    strange = [
        row(OTHERS, "1", alias),
        row(REMOTE, "9", alias),
        row("Z" * 20, "1", alias),
        row(new_token("order"), "1", alias),
    ]
    path.write_text(HEAD + "".join(strange) + row(REMOTE, "1", alias))
    code, told, err = run(capsys, "unmask-report", path, "--run", folder, "--type", SHIPMENTS, "--out", out)
    assert code == 1 and told == "" and out.read_text() == HEAD + "1\t0\tAda Byron\tSKU1\t\tH7\n"
    assert (
        "4 quarantined" in err
        and "recipient-name belongs to another order: 1" in err
        and "merchant-order-item-id" in err
    )
    assert "merchant-order-id is unknown, or another network's: 2" in err and out.stat().st_mode & 0o77 == 0


def test_a_file_that_cannot_be_read_writes_nothing(
    home: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Exit code 2, one sentence with row and column, no file, no value."""
    folder, alias = home
    path, out = tmp_path / "report.txt", tmp_path / "clear.txt"
    path.write_text(HEAD + row(REMOTE, "1", alias) + "torn off")
    code, told, err = run(capsys, "unmask-report", path, "--run", folder, "--type", SHIPMENTS, "--out", out)
    assert (
        code == 2
        and told == ""
        and not out.exists()
        and "row 2: has 1 cells" in err
        and "torn" in err
        and "off" not in err.split("torn")[0]
    )
    for arguments in (
        ("--type", "GET_OTHER"), ("--type", SHIPMENTS, "--kind", "shipbob"), ("--type", SHIPMENTS, "--kind", "none"),
    ):  # fmt: skip
        assert run(capsys, "unmask-report", path, "--run", folder, *arguments)[0] == 2
    assert run(capsys, "unmask-report", tmp_path / "none", "--run", folder, "--type", SHIPMENTS)[0] == 2
    assert run(capsys, "unmask-report", path, "--run", tmp_path / "none", "--type", SHIPMENTS)[0] == 2


def test_standard_input_and_another_network(
    home: tuple[Path, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """`-` reads what is piped in; another network's report knows none of these orders."""
    folder, alias = home
    raw = (HEAD + row(REMOTE, "1", alias)).encode()

    class Piped:
        buffer = io.BytesIO(raw)

    monkeypatch.setattr("sys.stdin", Piped)
    code, out, _ = run(capsys, "unmask-report", "-", "--run", folder, "--type", SHIPMENTS)
    assert code == 0 and out == HEAD + "1\t0\tAda Byron\tSKU1\t\tH7\n"
    Piped.buffer.seek(0)
    code, out, err = run(capsys, "unmask-report", "-", "--run", folder, "--type", SHIPMENTS, "--network", "SB")
    assert code == 1 and out == HEAD and "another network's" in err


def test_a_run_that_knows_two_networks_asks_which(
    home: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """No guess: a token of one means nothing at the other."""
    folder, _ = home
    with SqliteStore.open(folder, create=False) as store:
        session = opened(store)[1].session("SB")
        session.token("text", "", "x")
        store.commit(Batch(tokens=session.rows))
    path = tmp_path / "report.txt"
    path.write_text(HEAD)
    code, _, err = run(capsys, "unmask-report", path, "--run", folder, "--type", SHIPMENTS)
    assert code == 2 and "--network" in err and "SB, mcf" in err
    assert run(capsys, "unmask-report", path, "--run", folder, "--type", SHIPMENTS, "--network", "mcf")[0] == 0


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]):
    """A line that can be copied."""
    code, out, _ = run(capsys, "unmask-report", "--help")
    assert code == 0 and "Example: tranship unmask-report shipments.txt" in out and "read standard" not in out


def test_a_running_services_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An order that was really handed over, while the service goes on: what Amazon knows it by becomes the shop's number and names."""
    person = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}
    with connected(tmp_path, release_min=0) as there:
        assert there.service.order("A-1", customer=person).status == 201
        (sent,) = there.until(lambda: there.dispatches("?state=HELD"))
        with SqliteStore.open(tmp_path / "run", create=False, read_only=True) as store:
            ((alias,),) = store.query("SELECT token FROM token WHERE kind = 'name'")
        path = tmp_path / "report.txt"
        path.write_text(HEAD + row(sent["id"], "1", str(alias), "TEE-L"))
        code, out, err = run(capsys, "unmask-report", path, "--run", tmp_path / "run", "--type", SHIPMENTS)
        assert code == 0, err
        order_id, key, name, *_ = out.splitlines()[1].split("\t")
        assert (order_id, name) == ("A-1", "Ann Example") and key
        assert there.service.order("A-2", customer=person).status == 201
