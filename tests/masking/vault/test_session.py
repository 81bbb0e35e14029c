import gc
import hmac
import threading

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.masking.vault.vaults import Ground
from tranship.core.errors import DamageError, InvariantError, UnavailableError
from tranship.masking.rows import NEVER
from tranship.masking.tokens import KINDS, Found, Tokens, kind_of
from tranship.masking.vault import seal
from tranship.masking.vault.session import Session
from tranship.store.port import Batch

NAME = "Ada Example, née Forget-me-not"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def test_a_token_gives_back_its_value() -> None:
    """What was made in one session is found in another, with its kind and scope, and its row holds no clear text."""
    ground = Ground()
    session = ground.vault.session("AMZ", ground.person("P1"))
    token = session.token("name", "O1", NAME)
    assert kind_of(token) == "name" and [row.token for row in session.rows] == [token]
    assert session.found(token) == Found("name", "O1", NAME)  # also before it is stored
    assert NAME.encode() not in repr(session.rows).encode() and session.rows[0].expires_at == NEVER
    ground.keep(session)
    assert ground.opened().session("AMZ").found(token) == Found("name", "O1", NAME)
    tokens: Tokens = session  # what masking sees of it
    assert tokens.token("name", "O1", NAME) == token and session.rows == []


@settings(max_examples=60, deadline=None)
@given(
    value=texts,
    scope=st.text("ABC123-", min_size=1, max_size=20),
    kind=st.sampled_from(sorted(KINDS)),
    person=st.booleans(),
)
def test_any_text_of_any_kind_comes_back(value: str, scope: str, kind: str, person: bool) -> None:
    """unmask(mask(x)) is x, for every kind, with and without a person."""
    ground = Ground()
    token = ground.token(kind, scope, value, owner=ground.person("P1") if person else "")
    assert ground.opened().session("AMZ").found(token) == Found(kind, scope, value)


@settings(max_examples=60, deadline=None)
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from(["AMZ", "SB"]),
            st.sampled_from(["name", "phone"]),
            st.sampled_from("AB"),
            st.sampled_from("xyz"),
        ),
        max_size=12,
    )
)
def test_one_token_for_one_value_in_one_place(asked: list[tuple[str, str, str, str]]) -> None:
    """The same network, kind, scope and value give the same token, also after a restart; any other combination another one."""
    ground, seen = Ground(), dict[tuple[str, str, str, str], str]()
    for n, one in enumerate(asked):
        network, kind, scope, value = one
        if n % 3 == 2:
            ground.vault = ground.opened()
        token = ground.token(kind, scope, value, network)
        assert seen.setdefault(one, token) == token
    assert len(set(seen.values())) == len(seen)


def test_another_network_knows_nothing_of_it() -> None:
    """A token is bound to its network, also where the row is copied to the other one's name."""
    ground = Ground()
    token = ground.token("name", "O1", NAME)
    assert ground.vault.session("SB").found(token) is None
    row = ground.store.known["AMZ", token]
    ground.store.known["SB", token] = row._replace(network="SB")
    with pytest.raises((DamageError, UnavailableError)):
        ground.vault.session("SB").found(token)


@pytest.mark.parametrize(
    "change", [{"scope": "O2"}, {"kind": "email"}, {"person_id": ""}, {"sealed": b"\1" + b"x" * 60}, {"sealed": b""}]
)
def test_a_row_that_was_changed_does_not_open(change: dict[str, str]) -> None:
    """A value is bound to its kind, its order and its person: moved to another, it is damage, and the error holds none of it."""
    ground = Ground()
    token = ground.token("name", "O1", NAME, owner=ground.person("P1"))
    ground.store.known["AMZ", token] = ground.store.known["AMZ", token]._replace(**change)
    with pytest.raises(DamageError) as told:
        ground.vault.session("AMZ").found(token)
    assert "Ada" not in str(told.value) and token not in str(told.value)


def test_what_is_no_token_is_not_looked_for() -> None:
    """A wrong check sign, another shape, an unknown token: none of them is found."""
    ground = Ground()
    token = ground.token("phone", "O1", "+1-555-0100")
    session = ground.vault.session("AMZ")
    for wrong in (token[:-1] + ("2" if token[-1] != "2" else "3"), token.lower(), token + "A", "", "TF" + "A" * 13):
        assert session.found(wrong) is None


def test_an_erased_person_is_gone_from_the_vault() -> None:
    """Their tokens are found no more, by no key; new ones cannot be made; another person's stay."""
    ground = Ground()
    ada, bob = ground.person("P1"), ground.person("P2")
    token, other = ground.token("name", "O1", NAME, owner=ada), ground.token("name", "O2", "Bob", owner=bob)
    row = ground.store.known["AMZ", token]
    assert ground.people.erase(["P1"]) == 1
    assert ground.vault.session("AMZ").found(token) is None
    ground.store.known["AMZ", token] = row  # a copy that survived somewhere
    assert ground.vault.session("AMZ").found(token) is None
    with pytest.raises(UnavailableError, match="P1 was erased"):
        ground.vault.session("AMZ", "P1")
    assert ground.vault.session("AMZ").found(other) == Found("name", "O2", "Bob")


def test_a_value_of_a_person_needs_both_keys() -> None:
    """Who has all masking keys and a copy of the row, and not the person's own, neither opens it nor can try values against its index."""
    ground = Ground()
    ada = ground.person("P1")
    row = ground.store.known["AMZ", ground.token("name", "O1", NAME, owner=ada)]
    pair = ground.vault.keys.pair(row.key_id)
    bound = seal.associated("demo", "AMZ", "name", row.token, "O1", "P1")
    for cipher in (pair.cipher, AESGCM(ada.key), AESGCM(seal.mixed(pair.seal, b"x" * 32))):
        with pytest.raises(DamageError):
            seal.unseal(cipher, row.sealed, bound)
    assert seal.unseal(AESGCM(seal.mixed(pair.seal, ada.key)), row.sealed, bound) == NAME
    assert row.blind == seal.blind(pair.blind, ada.key, "O1", NAME)
    assert row.blind not in {seal.blind(pair.blind, key, "O1", NAME) for key in (b"", b"x" * 32)}


@given(key=st.binary(min_size=1, max_size=64), message=st.binary(max_size=200))
def test_the_code_of_a_message_is_that_of_the_standard_library(key: bytes, message: bytes) -> None:
    """HMAC-SHA256, whichever way it is computed."""
    assert seal.Mac(key)(message) == hmac.digest(key, message, "sha256")


def test_an_expired_token_is_told_as_such_without_its_value() -> None:
    """From its end on it is refused; the same value gets a new token then."""
    ground = Ground()
    token = ground.token("name", "O1", NAME)
    ground.store.commit(Batch(token_expiry=[(ground.now + 10, "AMZ", "O1")]))
    assert ground.vault.session("AMZ").found(token) == Found("name", "O1", NAME)
    ground.now += 10
    expired = Found("name", "O1", "", expired=True)
    assert ground.vault.session("AMZ").found(token) == expired
    ground.vault = ground.opened()
    fresh = ground.token("name", "O1", NAME)
    assert fresh != token and ground.vault.session("AMZ").found(fresh) == Found("name", "O1", NAME)
    assert ground.vault.session("AMZ").found(token) == expired


def test_two_requests_at_once_get_the_same_token() -> None:
    """Neither waits for the other: both bring the row, and it is written once. Dropped unwritten, it is forgotten."""
    ground = Ground()
    one, two = ground.vault.session("AMZ"), ground.vault.session("AMZ")
    assert one.token("name", "O1", NAME) == two.token("name", "O1", NAME)
    assert one.rows == two.rows and len(one.rows) == 1
    ground.keep(one)
    ground.keep(two)
    assert len(ground.store.known) == 1
    dropped = ground.vault.session("AMZ")
    token = dropped.token("name", "O9", NAME)
    del dropped
    gc.collect()
    assert ground.vault.session("AMZ").token("name", "O9", NAME) != token
    assert ground.vault.session("AMZ").found(token) is None


def test_many_threads_agree() -> None:
    """Eight threads that ask for the same values get the same tokens."""
    ground, got = Ground(), list[list[str]]()
    sessions: list[Session] = []

    def ask() -> None:
        session = ground.vault.session("AMZ")
        sessions.append(session)
        got.append([session.token("name", f"O{k}", "x") for k in range(50)])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8 and all(each == got[0] for each in got) and len(set(got[0])) == 50


def test_memory_is_bounded() -> None:
    """Only so many tokens are remembered; those that were dropped are found in the store."""
    ground = Ground()
    ground.vault._most = 10
    tokens = [ground.token("name", f"O{k}", "x") for k in range(40)]
    assert len(ground.vault._known) == 10
    assert [ground.token("name", f"O{k}", "x") for k in range(40)] == tokens


def test_a_store_that_fails_gives_no_tokens() -> None:
    """While keys cannot be kept or rows not read, a session gives nothing; afterwards it does."""
    ground = Ground()
    ground.store.fail_next = UnavailableError("the disk is full")
    with pytest.raises(UnavailableError, match="disk is full"):
        ground.vault.session("AMZ").token("name", "O1", NAME)
    assert ground.vault.keys.rows() == [] and ground.store.masking_keys() == []
    ground.token("name", "O1", NAME)
    assert len(ground.store.masking_keys()) == 2 * len(KINDS)


def test_a_row_cannot_be_given_to_another_value() -> None:
    """Two vaults that made different tokens for one value at once: the second commit is refused, and nothing of it is there."""
    ground = Ground()
    ground.token("name", "O0", "warm")
    one, two = ground.opened().session("AMZ"), ground.opened().session("AMZ")
    assert one.token("name", "O1", NAME) != two.token("name", "O1", NAME)
    ground.keep(one)
    with pytest.raises(InvariantError):
        ground.store.commit(Batch(tokens=two.rows))


def test_nothing_shows_itself() -> None:
    """No repr of the vault's parts tells a key or a value."""
    ground = Ground()
    owner = ground.person("P1")
    session = ground.vault.session("AMZ", owner)
    session.token("name", "O1", NAME)
    pair = ground.vault.keys.writing("AMZ", "name")
    shown = " ".join(map(repr, (session, owner, pair, ground.kek)))
    assert "Ada" not in shown and owner.key.hex() not in shown and "b'" not in shown and 'b"' not in shown
