from pathlib import Path

import pytest

from tranship.core.errors import InputError
from tranship.store.keyfile import key_path
from tranship.store.location import database, files_of, shown


@pytest.mark.parametrize(
    ("text", "conninfo", "name", "shard"),
    [
        ("postgresql://db/orders", "postgresql://db/orders", "orders", "main"),
        ("postgres://db:5433/orders?shard=acme", "postgresql://db:5433/orders", "orders", "acme"),
        ("postgresql://ada:hush@db/orders?sslmode=require&shard=a_1", "postgresql://ada:hush@db/orders?sslmode=require", "orders", "a_1"),
        ("postgresql:///orders", "postgresql:///orders", "orders", "main"),
        ("postgresql:///orders?host=/run/pg&shard=acme", "postgresql:///orders?host=%2Frun%2Fpg", "orders", "acme"),
        ("postgresql://a,b/orders?connect_timeout=3", "postgresql://a,b/orders?connect_timeout=3", "orders", "main"),
    ],
)  # fmt: skip
def test_an_address_names_database_and_shard(text: str, conninfo: str, name: str, shard: str) -> None:
    """As text and as a path, which has lost a slash, it is the same place."""
    for where in (text, Path(text)):
        found = database(where)
        assert found is not None
        assert (found.conninfo, found.name, found.shard) == (conninfo, name, shard)
        assert (
            "hush" not in repr(found)
            and "hush" not in shown(where)
            and "ada" not in shown(where)
            and shard in shown(where)
        )


def test_a_folder_is_no_address() -> None:
    """Whatever does not begin like one is a folder, where it always was."""
    assert database("runs/replay") is None and database(Path("postgresql")) is None
    assert shown(Path("runs/replay")) == "runs/replay" and files_of("runs/replay") == Path("runs/replay")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://", "names no database"),
        ("postgresql://db", "names no database"),
        ("postgresql://db/", "names no database"),
        ("postgresql://db/orders?shard=", "has the shard ''"),
        ("postgresql://db/orders?shard=Acme", "has the shard 'Acme'"),
        ('postgresql://db/orders?shard=a";drop schema public', "has the shard"),
        ("postgresql://db/orders?shard=" + "a" * 41, "has the shard"),
    ],
)
def test_half_an_address_is_refused(text: str, told: str) -> None:
    """With what is missing, and how it is written."""
    with pytest.raises(InputError, match=told):
        database(text)


def test_files_beside_a_database_have_a_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its key file is with the user's settings, rejects and reports are below `runs`; a named key file wins."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("TRANSHIP_KEY_FILE", raising=False)
    address = Path("postgresql://db/orders?shard=acme")
    assert key_path(address) == tmp_path / "tranship" / "orders-acme.key"
    assert files_of(address) == Path("runs") / "orders-acme"
    monkeypatch.setenv("TRANSHIP_KEY_FILE", str(tmp_path / "a.key"))
    assert key_path(address) == tmp_path / "a.key"
