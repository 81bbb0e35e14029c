"""The house's import rules hold, and the checker that says so catches what it should."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

PURE_ROOMS = ("core", "rates", "routing")
HEAVY = ("litestar", "numba", "uvicorn", "zipcodes")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the `tranship` package found below `folder`, under the project's contracts."""
    code = (
        "import sys; from importlinter.cli import lint_imports;"
        "sys.path.insert(0, sys.argv[1]);"
        "sys.exit(lint_imports(config_filename=sys.argv[2], cache_dir=None))"
    )
    command = [sys.executable, "-c", code, str(folder), str(ROOT / "pyproject.toml")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_rooms_import_one_way_only():
    """Every contract of pyproject.toml holds in src."""
    result = lint_imports(ROOT / "src")
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("core/planted.py", "import tranship.rates", "Rooms import to the right only"),
        ("store/planted.py", "import tranship.connectors", "Rooms import to the right only"),
        ("surprise/__init__.py", "", "Rooms import to the right only"),
        ("core/planted.py", "import random", "Pure rooms"),
        ("routing/planted.py", "def late() -> None:\n    from time import time", "Pure rooms"),
        ("rates/planted.py", "import sqlite3", "Pure rooms"),
        ("engine/planted.py", "import apsw", "Only the store speaks SQL"),
        ("engine/planted.py", "import litestar", "Only the faces"),
    ],
    ids=["up", "sideways", "new-room", "chance", "late-import", "disk", "sql", "web"],
)
def test_a_planted_violation_is_caught(tmp_path: Path, module: str, line: str, broken: str):
    """A forbidden import, a late one too, and a room without a place in the list break the contract that forbids them."""
    shutil.copytree(
        ROOT / "src" / "tranship", tmp_path / "tranship", ignore=shutil.ignore_patterns("__pycache__", "data")
    )
    planted = tmp_path / "tranship" / module
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(line + "\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    lines = " ".join(result.stdout.split())
    assert "BROKEN" in lines[lines.index(broken) :].split("KEPT")[0]


def impurities(source: str) -> list[str]:
    """Calls in `source` that read a clock or chance or touch the outside without importing a forbidden module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            clock = last in {"now", "today", "utcnow", "time_ns", "getpid", "urandom"}
            if clock or ".random." in f".{name}." or name in {"open", "print", "input"}:
                found.append(f"line {node.lineno}: {name}()")
    return found


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_pure_rooms_read_no_clock_and_no_chance(room: str):
    """No `now()`, `today()`, `np.random`, `print()` or bare `open()` in core, rates and routing (package data comes by resource)."""
    for path in sorted((ROOT / "src" / "tranship" / room).rglob("*.py")):
        assert not impurities(path.read_text()), path


def test_the_purity_check_sees_what_it_should():
    """The check above flags each kind of impurity and leaves arithmetic alone."""
    source = (
        "dt.datetime.now()\nnp.random.default_rng(1)\nopen('x')\nos.urandom(8)\nmax(now, today)\nrows.random_walk()"
    )
    assert [line.partition(":")[0] for line in impurities(source)] == ["line 1", "line 2", "line 3", "line 4"]


@pytest.mark.parametrize("module", ["tranship", "tranship.cli.main"])
def test_starting_loads_nothing_heavy(module: str):
    """The package and the command line start without the compiler, the web framework and the charts."""
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
