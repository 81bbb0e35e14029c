"""References to secrets: read from where they lie, and no error ever shows one."""

from pathlib import Path

import pytest

from tranship.connectors.secrets import MOST_BYTES, is_reference, secret
from tranship.core.errors import InputError
from tranship.core.secret import Secret


def test_a_secret_is_read_from_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment and from a file, without the line break at its end."""
    monkeypatch.setenv("TRANSHIP_TEST_KEY", " word ")
    (tmp_path / "key").write_text("other\n")
    assert secret("env:TRANSHIP_TEST_KEY") == Secret("word")
    assert secret(f"file:{tmp_path / 'key'}").reveal() == "other"


@pytest.mark.parametrize("text", ["", "word", "env:", "env:1A", "env:A B", "env:A\n", "file:", "file:a\nb", "ENV:A"])
def test_anything_else_is_no_reference(text: str) -> None:
    """Nothing but the two forms is taken, and what was written is not repeated."""
    assert not is_reference(text)
    with pytest.raises(InputError) as raised:
        secret(text, "[alerts] smtp_user")
    assert "[alerts] smtp_user" in str(raised.value) and (
        text in {"", "env:", "file:"} or text not in str(raised.value)
    )


@pytest.mark.parametrize(
    "content", [None, b"", b"\xff\xfe", b"x" * (MOST_BYTES + 1)], ids=["none", "empty", "binary", "large"]
)
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty, not text, too large: the path is named, the content is not."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        secret(f"file:{path}")
    assert str(path) in str(raised.value) and "xxx" not in str(raised.value)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank counts as not set."""
    monkeypatch.setenv("TRANSHIP_TEST_KEY", "  ")
    with pytest.raises(InputError, match="TRANSHIP_TEST_KEY is not set"):
        secret("env:TRANSHIP_TEST_KEY")
