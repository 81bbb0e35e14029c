"""Schemathesis reads the vendor's files, asks everything that can be asked, and judges every answer on its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.running import Running, amazon
from tests.support import shared

FILES = {  # file -> seconds of a short run
    "fulfillmentOutbound_2026-07-04.json": 5,
    "fulfillmentOutbound_2020-07-01.json": 5,
    "fbaInventory.json": 3,
    "notifications.json": 3,
}
# What the sandbox does on purpose, or what no schema says: which valid data is refused (an unknown SKU), and sign-in.
PASSED_OVER = "ignored_auth,positive_data_acceptance,object_level_authorization,missing_required_header"


def fuzz(there: Running, path: Path, seconds: int, token: str, seed: int, home: Path) -> str:
    """Run it; what it found, or nothing."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", there.url, "--no-color",
        "--header", f"x-amz-access-token: {token}", "--max-time", str(seconds), "--seed", str(seed),
        "--continue-on-failure", "--checks", "all", "--exclude-checks", PASSED_OVER,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home, timeout=seconds * 3 + 120)
    return "" if done.returncode == 0 else done.stdout[-8000:] + done.stderr[-2000:]


@pytest.mark.parametrize("file", FILES)
def test_the_fuzzer_finds_no_violation(file: str, tmp_path: Path):
    """No answer breaks the vendor's file, none is a 5xx; by the fuzzer's judgment and by the sandbox's own count."""
    _fuzz(file, FILES[file], 1, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("file", FILES)
def test_the_fuzzer_finds_no_violation_in_long_runs(file: str, tmp_path: Path):
    """The same for minutes (TRANSHIP_FUZZ_S, 120 by default) with a seed of its own for each."""
    _fuzz(file, int(os.environ.get("TRANSHIP_FUZZ_S", "120")), 2, tmp_path)


def _fuzz(file: str, seconds: int, seed: int, home: Path) -> None:
    path = shared("models", "sp-api", "models", file)
    with amazon("--any-sku", "1000", "--limits", "0", "--token-s", "1e9") as there:
        scopes = [{"grant_type": "client_credentials", "scope": "sellingpartnerapi::notifications"}, {}]
        tokens = [there.token(**scope).body["access_token"] for scope in scopes]
        for token in tokens if file == "notifications.json" else tokens[1:]:
            found = fuzz(there, path, seconds, token, seed, home)
            assert not found, found
        report = there.report()
        assert report["violations"] == 0, report["violation_texts"]
        statuses = {status for calls in report["calls"].values() for status in calls}
        assert any(status.startswith("2") for status in statuses), "nothing was answered at all"
        assert not [status for status in statuses if status.startswith("5")], report["calls"]
