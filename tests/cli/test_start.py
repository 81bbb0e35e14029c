"""`tranship --help` answers at once: nothing heavy is imported for it."""

import subprocess
import sys

HEAVY = ("numba", "litestar", "uvicorn", "zipcodes", "rich.markdown")


def test_help_imports_nothing_heavy():
    """The compiler, the web server, the ZIP data and the Markdown renderer are loaded by the verbs that need them."""
    command = [sys.executable, "-X", "importtime", "-m", "tranship.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "replay" in done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "tranship.cli.main" in imported
    assert not [name for name in sorted(imported) if any(name == one or name.startswith(f"{one}.") for one in HEAVY)]
