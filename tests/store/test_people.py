import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store import rows
from tranship.core.errors import DamageError, UnavailableError
from tranship.core.order import Person
from tranship.store.keyfile import create_key, key_path, read_key
from tranship.store.people import People, Vault, fingerprint
from tranship.store.port import Batch, PersonRow

ADA = Person(
    ref="17850",
    name="Ada Example",
    street="1 Test Street",
    city="Springfield",
    phone="555-0100",
    email="ada@example.com",
)


@given(st.builds(Person, *[st.text(max_size=40)] * 6), st.text(max_size=20))
def test_what_is_sealed_opens_again(person: Person, person_id: str) -> None:
    """Any person comes back as they were, under any id."""
    vault = Vault(b"m" * 32)
    assert vault.open(vault.seal(person_id, "shop", person)) == person


def test_sealing_twice_shows_nothing_in_common() -> None:
    """Two seals of the same person share neither key nor bytes, only the blind index."""
    vault = Vault(b"m" * 32)
    one, two = vault.seal("P1", "shop", ADA), vault.seal("P1", "shop", ADA)
    assert one.blind == two.blind and one.sealed != two.sealed and one.wrapped_key != two.wrapped_key
    assert b"Ada" not in one.sealed and repr(vault).count("m" * 4) == 0


def test_a_row_belongs_to_its_person() -> None:
    """Data or key moved to another person_id does not open."""
    vault = Vault(b"m" * 32)
    row, other = vault.seal("P1", "shop", ADA), vault.seal("P2", "shop", Person(ref="x"))
    with pytest.raises(UnavailableError, match="P2"):
        vault.open(row._replace(person_id="P2"))
    with pytest.raises(DamageError, match="P2 was changed"):
        vault.open(other._replace(sealed=row.sealed))


@pytest.mark.parametrize("field", ["wrapped_key", "sealed"])
def test_any_changed_byte_is_noticed(field: str) -> None:
    """Whatever byte of key or data is changed or cut off, the row is refused by name."""
    vault = Vault(b"m" * 32)
    row = vault.seal("P1", "shop", ADA)
    value: bytes = getattr(row, field)
    for at in range(len(value)):
        bad = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        with pytest.raises((DamageError, UnavailableError), match="P1"):
            vault.open(PersonRow(**{**row._asdict(), field: bad}))
        with pytest.raises((DamageError, UnavailableError), match="P1"):
            vault.open(PersonRow(**{**row._asdict(), field: value[:at]}))


def test_another_key_file_opens_nobody() -> None:
    """The wrong master key is said to be the wrong key, not broken data; its index differs too."""
    vault, wrong = Vault(b"m" * 32), Vault(b"w" * 32)
    with pytest.raises(UnavailableError, match=f"does not open with key file {wrong.key_id.hex()}"):
        wrong.open(vault.seal("P1", "shop", ADA))
    assert vault.blind("shop", "17850") != wrong.blind("shop", "17850")


def test_the_blind_index_keeps_sources_apart() -> None:
    """The same reference in two sources is two people, and no concatenation makes one look like the other."""
    vault = Vault(b"m" * 32)
    assert len({vault.blind(*pair) for pair in (("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("ab", "C"))}) == 5


def test_a_guest_has_no_blind_index() -> None:
    """Without a reference nobody is found again, and two guests do not collide."""
    assert Vault(b"m" * 32).seal("P1", "shop", Person(name="Guest")).blind == b""


def test_fingerprints_need_the_persons_key() -> None:
    """The same text under two people's keys has two digests; under one key it has one."""
    assert fingerprint(b"a" * 32, b"1 Test Street") == fingerprint(b"a" * 32, b"1 Test Street")
    assert fingerprint(b"a" * 32, b"1 Test Street") != fingerprint(b"b" * 32, b"1 Test Street")
    assert len(fingerprint(b"a" * 32, b"")) == 16


def test_a_new_key_file_is_private_and_whole(tmp_path: Path) -> None:
    """Readable by its owner only, read back as made, never made over an old one, no draft left."""
    path = tmp_path / "tranship.key"
    key = create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path) == key and len(key) == 32
    with pytest.raises(UnavailableError, match="File exists"):
        create_key(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["tranship.key"] and read_key(path) == key


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (None, 0o600, "No such file"),
        (b"", 0o600, "not whole: 0 bytes"),
        (b"tranship-key-1 " + b"ab" * 31 + b"\n", 0o600, "not whole"),
        (b"tranship-key-1 " + b"ab" * 33 + b"\n", 0o600, "not whole"),
        (b"tranship-key-1 " + b"zz" * 32 + b"\n", 0o600, "not hexadecimal"),
        (b"x" * 80, 0o600, "not whole"),
        (b"tranship-key-1 " + b"ab" * 32 + b"\n", 0o644, "chmod 600"),
        (b"tranship-key-1 " + b"ab" * 32 + b"\n", 0o640, "chmod 600"),
    ],
)
def test_an_unusable_key_file_is_told_in_words(tmp_path: Path, content: bytes | None, mode: int, told: str) -> None:
    """Missing, short, long, damaged and open to others: each says what is wrong and what to do."""
    path = tmp_path / "tranship.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(UnavailableError, match=told):
        read_key(path)


def test_the_key_file_may_live_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable names another place; nothing of it is then in the run's folder."""
    monkeypatch.setenv("TRANSHIP_KEY_FILE", str(tmp_path / "vault.key"))
    assert key_path(tmp_path / "run") == tmp_path / "vault.key"
    with rows.started(tmp_path / "run") as store:
        People.open(store, tmp_path / "run", create=True)
    assert (tmp_path / "vault.key").exists() and not (tmp_path / "run" / "tranship.key").exists()


def test_a_lost_key_file_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    """Once people were sealed, a missing or other key file stops the work instead of sealing new people apart from the old."""
    with rows.started(tmp_path) as store:
        people = People.open(store, tmp_path, create=True)
        store.commit(Batch(people=[people.vault.seal("P1", "shop", ADA)]))
        path = key_path(tmp_path)
        path.rename(tmp_path / "kept")
        with pytest.raises(UnavailableError, match="cannot be read: bring it back"):
            People.open(store, tmp_path, create=True)
        create_key(path)
        with pytest.raises(UnavailableError, match="bring the right key file back"):
            People.open(store, tmp_path, create=True)
        (tmp_path / "kept").rename(path)
        assert People.open(store, tmp_path, create=False).read("P1") == ADA


def test_people_are_found_before_and_after_their_commit(tmp_path: Path) -> None:
    """Remembered while their batch is under way, read from the store later, unknown once forgotten or erased."""
    with rows.started(tmp_path) as store:
        people = People.open(store, tmp_path, create=True)
        assert people.find("shop", "17850") is None and people.find("shop", "") is None
        people.remember("shop", "17850", "P1")
        assert people.find("shop", "17850") == "P1"
        people.forget(["P1"])
        assert people.find("shop", "17850") is None
        store.commit(Batch(people=[people.vault.seal("P1", "shop", ADA)]))
        assert people.find("shop", "17850") == "P1" and people.find("other", "17850") is None
        assert people.erase(["P1"]) == 1 and people.find("shop", "17850") is None and people.read("P1") is None


def test_the_cache_is_bounded_and_keeps_what_is_used(tmp_path: Path) -> None:
    """The least recently used reference leaves first."""
    with rows.started(tmp_path) as store:
        people = People(store, Vault(b"m" * 32), cache=3)
        for k in range(3):
            people.remember("shop", str(k), f"P{k}")
        assert people.find("shop", "0") == "P0"
        people.remember("shop", "3", "P3")
        assert [people.find("shop", str(k)) for k in range(4)] == ["P0", None, "P2", "P3"]
        assert len(people._known) == 3


def test_a_person_does_not_print() -> None:
    """Logs and tracebacks show no personal data."""
    assert "Ada" not in repr(ADA) and not dataclasses.is_dataclass(ADA)
