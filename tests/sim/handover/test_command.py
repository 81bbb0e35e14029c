"""`tranship sim` as it is typed."""

import json
from pathlib import Path

import pytest

from tranship.cli.main import main
from tranship.sim.handover.mutants import MUTANTS


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        main(["sim", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_it_counts_and_says_so_in_json(capsys: pytest.CaptureFixture[str]):
    """Orders, double-shipped, lost, oversold, cap exceeded, worlds a second; exit code 0 where nothing broke."""
    code, out, _ = run(capsys, "--seeds", "0:2", "--orders", "5", "--workers", "1", "--json")
    told = json.loads(out)
    assert (code, told["orders"], told["seeds"]) == (0, 10, 2)
    assert [told[key] for key in ("double_shipped", "lost", "oversold", "cap_exceeded")] == [0, 0, 0, 0]
    assert told["seeds_per_s"] > 0


def test_two_processes_come_to_the_same_as_one(capsys: pytest.CaptureFixture[str]):
    """How the seeds are shared out changes nothing but the time."""
    words = ("--protocol", "--seeds", "0:6", "--orders", "5", "--json")
    one, two = (json.loads(run(capsys, *words, "--workers", count)[1]) for count in "12")
    for told in (one, two):
        del told["seconds"], told["seeds_per_s"]
    assert one == two


def test_a_failing_seed_prints_itself_and_can_be_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Exit code 1, what broke, the command that plays it again, and a file."""
    code, out, err = run(
        capsys, "--seeds", "0:1", "--orders", "8", "--mutant", "late_cap", "--workers", "1", "--keep", str(tmp_path)
    )
    assert code == 1
    assert "seed 0 broke:" in out
    assert "again: tranship sim --seeds 0:1 --orders" in out
    assert "--mutant late_cap" in out
    assert "kept as" in err
    assert len(list(tmp_path.glob("engine-0-*.json"))) == 1


def test_mutants_are_listed(capsys: pytest.CaptureFixture[str]):
    """Every planted fault by name, with what is wrong."""
    code, out, _ = run(capsys, "--list-mutants", "--json")
    assert (code, set(json.loads(out))) == (0, set(MUTANTS))
    assert "reissue_at_once" in run(capsys, "--list-mutants")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("--seeds", "5"),
        ("--seeds", "5:5"),
        ("--mutant", "x"),
        ("--orders", "0"),
        ("--setting", "{"),
        ("--protocol", "--mutant", "drop_i2"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]):
    """Exit code 2, and what is allowed."""
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("tranship: ")
