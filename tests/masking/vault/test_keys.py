import pytest

from tests.masking.vault.vaults import Ground
from tranship.core.errors import UnavailableError
from tranship.masking.rows import DESTROYED, READ, WRITE
from tranship.masking.tokens import KINDS, Found
from tranship.masking.vault.kek import LocalKek, Wrapped
from tranship.store.port import Batch
from tranship.store.vaulting import EPOCH_US, Upkeep, all_pieces


def states(ground: Ground) -> dict[str, int]:
    """How many sealing keys there are in each state, in the store."""
    found: dict[str, int] = {}
    for row in ground.store.masking_keys():
        if row.purpose == "seal":
            found[row.state] = found.get(row.state, 0) + 1
    return found


def test_networks_and_kinds_have_keys_of_their_own() -> None:
    """All kinds of a network get theirs with its first token; no key serves two purposes, kinds or networks."""
    ground = Ground()
    for network in ("AMZ", "SB"):
        ground.token("name", "O1", "x", network)
    pairs = [ground.vault.keys.writing(network, kind) for network in ("AMZ", "SB") for kind in KINDS]
    assert len({mac(b"the same") for pair in pairs for mac in (pair.seal, pair.blind)}) == 4 * len(KINDS)
    assert len(ground.store.masking_keys()) == 4 * len(KINDS)


def test_a_rotation_changes_every_key_and_no_token() -> None:
    """While both keys are in use, and after the old one is gone, every token opens and every value has its old token."""
    ground = Ground()
    ada = ground.person("P1")
    tokens = [ground.token("name", f"O{k}", f"value {k}", owner=ada if k % 2 else "") for k in range(25)]
    before = {row.token: row for _, row in ground.store.tokens(0, 99)}
    upkeep = Upkeep(ground.store, ground.vault)
    assert upkeep.rotate() == len(KINDS) and states(ground) == {READ: len(KINDS), WRITE: len(KINDS)}
    for moment in ("in between", "half way", "done"):
        if moment == "half way":
            assert upkeep.reseal(0, 10).changed == 10
        elif moment == "done":
            assert all_pieces(lambda after: upkeep.reseal(after, 7)).changed == 15
        for vault in (ground.vault, ground.opened()):
            assert [vault.session("AMZ").found(token) for token in tokens] == [
                Found("name", f"O{k}", f"value {k}") for k in range(25)
            ]
            again = [vault.session("AMZ", ada if k % 2 else "").token("name", f"O{k}", f"value {k}") for k in range(25)]
            assert again == tokens, moment
    after = {row.token: row for _, row in ground.store.tokens(0, 99)}
    assert all(
        after[t].sealed != row.sealed and after[t].blind != row.blind and after[t].key_id != row.key_id
        for t, row in before.items()
    )
    assert upkeep.destroy() == 0, "a request may still run that began with the old key"
    ground.now += EPOCH_US
    assert upkeep.destroy() == len(KINDS) and states(ground) == {DESTROYED: len(KINDS), WRITE: len(KINDS)}
    assert not any(row.wrapped for row in ground.store.masking_keys() if row.state == DESTROYED)
    for vault in (ground.vault, ground.opened()):
        assert [vault.session("AMZ").found(token) is not None for token in tokens] == [True] * 25
        assert vault.session("AMZ").token("name", "O0", "value 0") == tokens[0]


def test_a_key_that_is_in_use_is_not_destroyed() -> None:
    """Whatever the time: as long as one live token is sealed under it, it reads. So does one whose token is damaged."""
    ground = Ground()
    tokens = [ground.token("name", f"O{k}", "x") for k in range(4)]
    upkeep = Upkeep(ground.store, ground.vault)
    upkeep.rotate()
    row = ground.store.known["AMZ", tokens[1]]
    ground.store.known["AMZ", tokens[1]] = row._replace(sealed=b"\1" * 50)
    assert upkeep.destroy(epoch_us=0) == len(KINDS) - 1
    done = all_pieces(upkeep.reseal)
    assert (done.looked_at, done.changed, done.left) == (4, 3, 1)
    assert upkeep.destroy(epoch_us=0) == 0 and len(upkeep.reading()) == 1
    ground.store.known["AMZ", tokens[1]] = row
    assert all_pieces(upkeep.reseal).changed == 1 and upkeep.destroy(epoch_us=0) == 1 and upkeep.reading() == []


def test_after_a_rotation_nobody_waits_for_the_key_service() -> None:
    """The new keys were opened by who made them: a request that comes next asks nothing, though the service be gone by then."""

    class Gone(LocalKek):
        there = True

        def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
            if not self.there:
                raise UnavailableError("no answer")
            return super().unwrap(wrapped, context)

    kek = Gone(b"k" * 32, "test key")
    ground = Ground(kek)
    token = ground.token("name", "O1", "x")
    Upkeep(ground.store, ground.vault).rotate()
    kek.there = False
    assert ground.token("name", "O2", "y") and ground.token("name", "O1", "x") == token


def test_a_destroyed_key_is_in_no_memory_either() -> None:
    """Nor in the store: neither the vault that destroyed it nor another one can open with it, and its row is empty."""
    ground = Ground()
    ground.token("name", "O1", "x")
    (old,) = [row.key_id for row in ground.vault.keys.rows() if (row.kind, row.purpose) == ("name", "seal")]
    assert ground.vault.keys.pair(old).key_id == old
    upkeep = Upkeep(ground.store, ground.vault)
    upkeep.rotate()
    all_pieces(upkeep.reseal)
    assert upkeep.destroy(epoch_us=0) == len(KINDS)
    for vault in (ground.vault, ground.opened()):
        with pytest.raises(UnavailableError, match="was destroyed"):
            vault.keys.pair(old)
    assert not any(row.wrapped for row in ground.store.masking_keys() if row.key_id.startswith(old))


def test_a_token_made_under_the_old_key_during_a_rotation_is_not_lost() -> None:
    """A request that began before the rotation commits after it: its token is sealed anew before the old key goes."""
    ground = Ground()
    ground.token("name", "O0", "x")
    slow = ground.vault.session("AMZ")
    token = slow.token("name", "O1", "slow")
    upkeep = Upkeep(ground.store, ground.vault)
    upkeep.rotate()
    all_pieces(upkeep.reseal)
    ground.keep(slow)
    ground.now += EPOCH_US
    assert upkeep.destroy() == len(KINDS) - 1
    all_pieces(upkeep.reseal)
    assert upkeep.destroy() == 1 and ground.opened().session("AMZ").found(token) == Found("name", "O1", "slow")
    assert ground.vault.session("AMZ").token("name", "O1", "slow") == token


def test_keys_are_wrapped_anew_and_the_old_wrapping_key_opens_nothing() -> None:
    """Another key-encrypting key takes over in one commit; tokens stay as they are."""
    ground, new = Ground(), LocalKek(b"n" * 32, "new key")
    token = ground.token("name", "O1", "x")
    assert ground.vault.keys.rewrap(new) == 2 * len(KINDS)
    assert ground.opened(new).session("AMZ").found(token) == Found("name", "O1", "x")
    with pytest.raises(UnavailableError, match="was wrapped by local:"):
        ground.opened().session("AMZ").found(token)


def test_a_rewrapping_that_fails_changes_nothing() -> None:
    """Where the store cannot write, all keys stay with the old key."""
    ground = Ground()
    token = ground.token("name", "O1", "x")
    ground.store.fail_next = UnavailableError("disk full")
    with pytest.raises(UnavailableError):
        ground.vault.keys.rewrap(LocalKek(b"n" * 32, "new key"))
    assert ground.opened().session("AMZ").found(token) == Found("name", "O1", "x")


def test_a_wrapped_key_opens_in_its_own_row_only() -> None:
    """Copied to another network's, kind's or purpose's row, a wrapped key does not open."""
    ground = Ground()
    ground.token("name", "O1", "x")
    rows = {(row.kind, row.purpose): row for row in ground.store.masking_keys()}
    victim, other = rows["name", "seal"], rows["phone", "seal"]
    ground.store.sealing[victim.key_id] = victim._replace(wrapped=other.wrapped)
    with pytest.raises(UnavailableError, match="was changed after it was wrapped"):
        ground.opened().session("AMZ").token("name", "O1", "x")


def test_a_sweep_forgets_what_expired() -> None:
    """Values that are over become zeros, in pieces; what is live stays."""
    ground = Ground()
    tokens = [ground.token("name", f"O{k}", "x") for k in range(30)]
    ground.store.commit(Batch(token_expiry=[(ground.now + k, "AMZ", f"O{k}") for k in range(1, 21)]))
    ground.now += 10
    upkeep = Upkeep(ground.store, ground.vault)
    done = all_pieces(lambda after: upkeep.sweep(after, 4))
    assert (done.looked_at, done.changed) == (30, 10)
    session = ground.vault.session("AMZ")
    assert [session.found(token) == Found("name", f"O{k}", "", expired=True) for k, token in enumerate(tokens)] == [
        1 <= k <= 10 for k in range(30)
    ]
    assert all_pieces(upkeep.sweep).changed == 0


def test_a_wrong_key_makes_no_keys_beside_those_of_the_right_one() -> None:
    """Neither a rotation nor a new network: keys that no one key opens would leave the vault shut for good."""
    ground = Ground()
    token = ground.token("name", "O1", "Ada")
    before = ground.store.masking_keys()
    wrong = ground.opened(LocalKek(b"w" * 32, "wrong key"))
    with pytest.raises(UnavailableError, match="bring the right one back"):
        Upkeep(ground.store, wrong).rotate()
    with pytest.raises(UnavailableError, match="bring the right one back"):
        wrong.session("ANEW").token("name", "O2", "Ada")
    assert ground.store.masking_keys() == before
    assert ground.opened().session("AMZ").found(token) == Found("name", "O1", "Ada")


def test_a_rotation_begins_for_all_keys_or_for_none() -> None:
    """A key service that fails at the last key, or a store that cannot write, leaves all keys as they were; tokens go on."""

    class Tired(LocalKek):
        left = 10**6

        def wrap(self, key: bytes, context: str) -> Wrapped:
            self.left -= 1
            if self.left < 0:
                raise UnavailableError("no answer")
            return super().wrap(key, context)

    kek = Tired(b"k" * 32, "test key")
    ground = Ground(kek)
    token = ground.token("name", "O1", "x")
    before = ground.store.masking_keys()
    kek.left = 2 * len(KINDS) - 1
    with pytest.raises(UnavailableError, match="no answer"):
        Upkeep(ground.store, ground.vault).rotate()
    kek.left = 10**6
    ground.store.fail_next = UnavailableError("disk full")
    with pytest.raises(UnavailableError, match="disk full"):
        Upkeep(ground.store, ground.vault).rotate()
    assert ground.store.masking_keys() == before and Upkeep(ground.store, ground.vault).reading() == []
    assert ground.token("name", "O1", "x") == token and ground.token("name", "O2", "y")
