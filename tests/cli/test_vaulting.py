"""`tranship vault` and `tranship audit` through `main`, on a run with tokens and audit rows: exit codes, JSON, what the text mentions."""

import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from tests.cli.test_orders import line, run
from tests.store import rows
from tests.store.test_vaulting import filled, opened
from tests.support import ROOT
from tranship.masking.audit import AuditDraft, Chain
from tranship.masking.tokens import Found
from tranship.store.port import Batch, PayloadRow
from tranship.store.sqlite import SqliteStore
from tranship.store.unaudited import unaudited

POLICY = "a1" * 32


@pytest.fixture(autouse=True)
def _own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRANSHIP_KEY_FILE", "TRANSHIP_MASKING_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A closed run: six persons with four tokens each, six audit rows of one network and two of another."""
    folder = tmp_path / "run"
    with rows.started(folder) as store:
        filled(store, 6)
        chain = Chain(store.last_audit())
        fields = [("to.name", "token(name)", b""), ("to.line1", "pass(line)", b"x" * 16), ("gift", "drop", b"")]
        goods = [("items[].sellerSku", "token(sku)", b""), ("items[].quantity", "pass(int:1..9)", b"")]
        told = [
            AuditDraft(
                10**15 + k, "engine", "create", "SB", "create", POLICY, f"TR-{k}", f"P{k}", [*fields, *goods], "sent"
            )
            for k in (1, 2)
        ]
        told.append(AuditDraft(10**15 + 9, "engine", "create", "SB", "create", POLICY, "TR-9", "P3", fields, "refused"))
        store.commit(Batch(audits=chain.rows(told), dispatches=[rows.sending("TR-1", "00000001ABCDEFGH")]))
    return folder


def test_the_status_tells_keys_and_tokens(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Per network and kind; who wraps the keys, and whether it opens them."""
    code, out, _ = run(capsys, "vault", "status", home, "--json")
    found = line(out)
    assert code == 0 and found["trouble"] == "" and "key file" in found["wrapped_by"] and found["audit_rows"] == 9
    live = {one["kind"]: one["live"] for one in found["kinds"] if one["live"]}
    assert live == {"name": 6, "order": 6, "line": 6, "phone": 6} and {one["network"] for one in found["kinds"]} == {
        "AMZ"
    }
    assert "AMZ" in run(capsys, "vault", "status", home)[1]
    monkeypatch.setenv("WRONG", "cd" * 32)
    monkeypatch.setenv("TRANSHIP_MASKING_KEY", "env:WRONG")
    code, out, _ = run(capsys, "vault", "status", home, "--json")
    assert code == 1 and "bring the right one back" in line(out)["trouble"]
    code, out, _ = run(capsys, "vault", "status", home)
    assert code == 1 and "bring the right one back" in out


def test_a_rotation_keeps_every_token(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All tokens are sealed anew, the old keys are destroyed, what each stands for is the same."""
    with SqliteStore.open(home, create=False) as store:
        before = [row for _, row in store.tokens(0, 99)]
        found = {row.token: opened(store)[1].session("AMZ").found(row.token) for row in before}
    code, out, _ = run(capsys, "vault", "rotate", home, "--json")
    assert code == 0 and line(out) == {
        "kinds": 11, "went_on": False, "sealed_anew": 24, "damaged": 0, "destroyed": 11,
    }  # fmt: skip
    with SqliteStore.open(home, create=False) as store:
        session = opened(store)[1].session("AMZ")
        assert {row.token: session.found(row.token) for row in before} == found
        assert not {row.key_id for _, row in store.tokens(0, 99)} & {row.key_id for row in before}
    assert "destroyed" in run(capsys, "vault", "rotate", home)[1]


CUT_OFF = """
import sys
from pathlib import Path
from tests.store.test_vaulting import opened
from tranship.store.sqlite import SqliteStore
from tranship.store.vaulting import Upkeep
store = SqliteStore.open(Path(sys.argv[1]), create=False)
upkeep = Upkeep(store, opened(store)[1])
upkeep.rotate()
print(upkeep.reseal(0, 7).changed, flush=True)
sys.stdin.read()
"""


def cut_off(home: Path) -> None:
    """A rotation in a process that is killed between its first piece of seven tokens and the next."""
    with subprocess.Popen(
        [sys.executable, "-c", CUT_OFF, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "7\n"
        process.kill()


def sealing_keys(home: Path) -> list[tuple[object, ...]]:
    """States of the sealing keys, and how many there are in each."""
    with SqliteStore.open(home, create=False) as store:
        return store.query("SELECT state, count(*) FROM masking_key WHERE purpose = 'seal' GROUP BY 1 ORDER BY 1")


def test_a_rotation_that_was_killed_goes_on_where_it_was(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next one makes no keys: it seals what was left and destroys the old keys; the one after it makes new ones."""
    cut_off(home)
    assert sealing_keys(home) == [("read", 11), ("write", 11)]
    code, out, _ = run(capsys, "vault", "rotate", home, "--json")
    assert code == 0 and line(out) == {
        "kinds": 0, "went_on": True, "sealed_anew": 17, "damaged": 0, "destroyed": 11,
    }  # fmt: skip
    assert sealing_keys(home) == [("destroyed", 11), ("write", 11)]
    cut_off(home)
    assert "went on" in run(capsys, "vault", "rotate", home)[1]
    cut_off(home)
    code, out, _ = run(capsys, "vault", "rotate", home, "--anew", "--json")
    assert code == 0 and line(out) == {
        "kinds": 11, "went_on": False, "sealed_anew": 24, "damaged": 0, "destroyed": 22,
    }  # fmt: skip
    assert sealing_keys(home) == [("destroyed", 44), ("write", 11)]


def test_keys_move_to_another_wrapping_key(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --old-key the keys are wrapped by the key that the environment names now; the old one opens nothing afterwards."""
    monkeypatch.setenv("NEW", "ef" * 32)
    monkeypatch.setenv("TRANSHIP_MASKING_KEY", "env:NEW")
    code, out, _ = run(capsys, "vault", "rotate", home, "--old-key", "file:", "--json")
    assert code == 0 and line(out) == {"wrapped_anew": 22}
    assert line(run(capsys, "vault", "status", home, "--json")[1])["trouble"] == ""
    monkeypatch.delenv("TRANSHIP_MASKING_KEY")
    assert "bring the right one back" in line(run(capsys, "vault", "status", home, "--json")[1])["trouble"]


def test_a_sweep_forgets_expired_values(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is past its end loses its value, and is still known as ours."""
    with SqliteStore.open(home, create=False) as store:
        (token,) = [row.token for row in store.tokens_of("AMZ", "O2") if row.kind == "phone"]
        store.commit(Batch(token_expiry=[(1, "AMZ", "O2")]))
    assert line(run(capsys, "vault", "sweep", home, "--json")[1]) == {"tokens": 24, "expired": 4}
    assert "0 of 24" in run(capsys, "vault", "sweep", home)[1]
    with SqliteStore.open(home, create=False) as store:
        assert opened(store)[1].session("AMZ").found(token) == Found("phone", "O2", "", expired=True)


def test_a_sound_audit_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows and head; exit code 0."""
    code, out, _ = run(capsys, "audit", "verify", home, "--json")
    found = line(out)
    assert code == 0 and found["good"] and found["rows"] == 9 and len(found["head"]) == 64
    assert "sound" in run(capsys, "audit", "verify", home)[1]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE audit SET verdict = 'refused' WHERE seq = 4", "row 4 was changed"),
        ("UPDATE audit SET person_id = 'P9' WHERE seq = 9", "row 9 was changed"),
        ("DELETE FROM audit WHERE seq = 5", "row 5 is missing"),
        ("DELETE FROM audit WHERE seq >= 8", "left at row 9"),
        ("DELETE FROM audit", "left at row 9"),
        ("UPDATE meta SET audit_seq = 0, audit_chain = x''", "ends at row 9, it was left at row 0"),
    ],
    ids=["verdict", "person", "hole", "end", "all", "head"],
)
def test_a_changed_audit_is_told_by_its_first_bad_row(
    home: Path, capsys: pytest.CaptureFixture[str], sql: str, said: str
) -> None:
    """Exit code 1, and the row."""
    db = apsw.Connection(str(home / "tranship.db"))
    db.execute(sql)
    db.close()
    code, out, _ = run(capsys, "audit", "verify", home)
    assert code == 1 and said in out
    assert run(capsys, "audit", "anchor", home)[0] == 1


def put_back(home: Path, keep: int) -> None:
    """Cut the audit off after so many rows, and put the head back where it would be then."""
    db = apsw.Connection(str(home / "tranship.db"))
    db.execute("DELETE FROM audit WHERE seq > ?", (keep,))
    head = next(db.execute("SELECT chain FROM audit WHERE seq = ?", (keep,)), (b"",))[0]
    db.execute("UPDATE meta SET audit_seq = ?, audit_chain = ?", (keep, head))
    db.close()


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (0, "24 tokens were given"),
        (4, "tokens of person P4 were given"),
        (6, "dispatch TR-1 was handed over after the audit began"),
    ],
)
def test_what_left_speaks_against_an_audit_that_lacks_it(
    home: Path, capsys: pytest.CaptureFixture[str], keep: int, said: str
) -> None:
    """Rows gone with their head, all or some: tokens and dispatches that were committed beside them say so."""
    db = apsw.Connection(str(home / "tranship.db"))
    db.execute("UPDATE dispatch SET created_at = ?", (10**15 + 1,))
    db.close()
    assert run(capsys, "audit", "verify", home)[0] == 0
    put_back(home, keep)
    code, out, _ = run(capsys, "audit", "verify", home)
    assert code == 1 and said in out
    assert run(capsys, "audit", "anchor", home)[0] == 1
    with SqliteStore.open(home, create=False) as store, store.snapshot() as snapshot:
        assert any(said in problem for problem in unaudited(snapshot.query))


def test_what_a_proxy_kept_speaks_against_an_audit_that_lacks_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kept request has a row: fewer rows of a person than kept requests, or none at all, are told; erased people do not count."""
    with SqliteStore.open(home, create=False) as store:
        kept = [PayloadRow(f"P{k}/{k:032x}", f"P{k}", b"x" * 40) for k in range(6)]
        store.commit(Batch(payloads=[*kept, PayloadRow("P5/again", "P5", b"x" * 40)]))
        said = "2 requests of a proxy are kept as they left for person P5, and the audit says that 1 left"
        assert unaudited(store.query) == [said]
        assert store.erase("P5") and unaudited(store.query) == []
        store.erase_many([f"P{k}" for k in range(4)])
    db = apsw.Connection(str(home / "tranship.db"))
    db.execute("DELETE FROM token")
    db.close()
    put_back(home, 0)
    code, out, _ = run(capsys, "audit", "verify", home)
    assert code == 1 and "requests of a proxy are kept as they left: their rows are gone" in out


def test_a_file_of_anchors_may_begin_with_a_mark(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Editors put a byte order mark in front of the first line."""
    kept = tmp_path / "anchors.txt"
    assert run(capsys, "audit", "anchor", home, "--to", kept)[0] == 0
    kept.write_bytes(b"\xef\xbb\xbf" + kept.read_bytes())
    code, out, _ = run(capsys, "audit", "verify", home, "--anchor", kept)
    assert code == 0 and "1 anchors are in it" in out
    assert run(capsys, "audit", "anchor", home, "--to", kept)[0] == 0


def test_an_anchor_finds_an_audit_that_was_made_anew(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who can write the run can chain it anew, or cut it off and put the head back: an anchor elsewhere says so."""
    kept = tmp_path / "anchors.txt"
    for _ in range(2):
        code, out, _ = run(capsys, "audit", "anchor", home, "--to", kept)
        assert code == 0 and out.startswith("tranship-audit-1 ") and " 9 " in out
    assert kept.read_text().count("\n") == 2
    assert run(capsys, "audit", "verify", home, "--anchor", kept)[0] == 0
    with SqliteStore.open(home, create=False) as store:
        old = list(store.audit())
    for keep in (9, 7):
        again = [AuditDraft(*row[1:9], [("a", "drop", b"")], "sent") for row in old[:keep]]
        made = Chain((0, b"")).rows(again)
        db = apsw.Connection(str(home / "tranship.db"))
        db.execute("DELETE FROM audit")
        db.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", made)
        db.execute("UPDATE meta SET audit_seq = ?, audit_chain = ?", (made[-1].seq, made[-1].chain))
        db.close()
        assert run(capsys, "audit", "verify", home)[0] == 0
        code, out, _ = run(capsys, "audit", "verify", home, "--anchor", kept)
        assert code == 1 and ("anchored" in out)
        assert run(capsys, "audit", "anchor", home, "--to", kept)[0] == 1 and kept.read_text().count("\n") == 2
    kept.write_text("# kept elsewhere\nnonsense\n")
    code, _, said = run(capsys, "audit", "verify", home, "--anchor", kept)
    assert code == 2 and "line 2 is no anchor" in said
    kept.write_text("# nothing was anchored\n")
    code, _, said = run(capsys, "audit", "verify", home, "--anchor", kept)
    assert code == 2 and "holds no anchor" in said
    code, _, said = run(capsys, "audit", "verify", home, "--anchor", tmp_path / "nothing")
    assert code == 2 and "cannot be read" in said


def test_the_exposure_says_who_saw_what(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Per network and kind: orders, persons, moments, policies; refused messages and fields left out tell nothing."""
    seen = line(run(capsys, "audit", "exposure", home, "--network", "SB", "--json")[1])["seen"]
    assert {each["what"]: (each["personal"], each["orders"], each["persons"]) for each in seen} == {
        "address": (True, 2, 2), "SKU alias": (False, 2, 2), "name alias": (False, 2, 2), "quantity": (False, 2, 2),
    }  # fmt: skip
    assert seen[0]["policies"] == [POLICY] and (seen[0]["first"], seen[0]["last"]) == (10**15 + 1, 10**15 + 2)
    out = run(capsys, "audit", "exposure", home)[1]
    assert "AMZ" in out and "SB" in out and "name alias" in out and "gift" not in out
    one = line(run(capsys, "audit", "exposure", home, "--order", "00000001ABCDEFGH", "--json")[1])["seen"]
    assert {each["orders"] for each in one} == {1} and {each["network"] for each in one} == {"SB"}
    assert (
        "no row of this audit is of network nobody" in run(capsys, "audit", "exposure", home, "--network", "nobody")[1]
    )


def test_an_order_that_is_not_there_is_not_one_that_nobody_saw(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelled id is refused: "no network saw anything" would be taken for the answer."""
    code, out, said = run(capsys, "audit", "exposure", home, "--order", "no-such-order")
    assert code == 2 and "no order of this id or number" in said and "no network saw" not in out
    assert "--person ORDER --source proxy" in said


def test_after_an_erasure_whom_is_a_stump(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By reference while the customer is known; afterwards only the id is left, and what was told of somebody."""
    found = line(run(capsys, "audit", "exposure", home, "--person", "customer-1", "--source", "shop", "--json")[1])
    assert (
        found["person_id"] == "P1"
        and not found["erased"]
        and {each["network"] for each in found["seen"]} == {"AMZ", "SB"}
    )
    with SqliteStore.open(home, create=False) as store:
        assert store.erase("P1")
    code, _, said = run(capsys, "audit", "exposure", home, "--person", "customer-1", "--source", "shop")
    assert code == 2 and "erased" in said and "customer-1" not in said
    found = line(run(capsys, "audit", "exposure", home, "--person", "P1", "--json")[1])
    assert found["erased"] and {each["network"] for each in found["seen"]} == {"AMZ", "SB"}
    assert "P1 was erased" in run(capsys, "audit", "exposure", home, "--person", "P1")[1]
    erased = [each["erased"] for each in line(run(capsys, "audit", "exposure", home, "--json")[1])["seen"]]
    assert erased == [1] * 5 and "erased" in run(capsys, "audit", "exposure", home)[1]
    assert run(capsys, "audit", "verify", home)[0] == 0
    assert run(capsys, "audit", "exposure", home, "--person", "nobody")[0] == 2
