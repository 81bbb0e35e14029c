"""Shared help for tests: where conformance material lies, and what was skipped because it is absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """Path below ../shared (or $TRANSHIP_SHARED); skips the test, saying so, where it is not present."""
    base = Path(os.environ.get("TRANSHIP_SHARED", ROOT.parent / "shared"))
    path = base.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(('../shared', *parts))} is not present: conformance material was skipped")
    return path


def boosting() -> None:
    """Skips the test (or the module), saying so, where LightGBM or the system's libgomp is not there: both are optional."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"learned attackers were skipped: {error}", allow_module_level=True)
