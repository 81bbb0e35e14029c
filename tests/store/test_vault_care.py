import pytest

from tests.masking.vault.vaults import Ground
from tranship.core.errors import InputError
from tranship.masking.rows import DESTROYED, OVER, READ, WRITE
from tranship.masking.tokens import KINDS, Found
from tranship.store.port import Batch
from tranship.store.vault_care import ROUND_US, Caretaker
from tranship.store.vaulting import EPOCH_US

DAY_US = 86_400_000_000


def turns(care: Caretaker) -> int:
    """Turns until there is nothing more to do now."""
    count = 1
    while care.turn():
        count += 1
        assert count < 100
    return count


def states(ground: Ground) -> set[str]:
    """States of the sealing keys."""
    return {row.state for row in ground.store.masking_keys()}


def test_expired_values_go_within_the_hour() -> None:
    """In pieces, without being told to; nothing is looked at again before the next round."""
    ground = Ground()
    for k in range(1_200):
        ground.token("name", f"O{k}", "x")
    care = Caretaker(ground.store, ground.vault, rotate_days=0)
    ground.store.commit(Batch(token_expiry=[(ground.now, "AMZ", f"O{k}") for k in range(700)]))
    assert turns(care) == 3
    assert sum(row.state == OVER for _, row in ground.store.tokens(0, 9_999)) == 700
    ground.store.commit(Batch(token_expiry=[(ground.now, "AMZ", "O800")]))
    assert turns(care) == 1 and ground.store.known  # not due yet
    ground.now += ROUND_US
    turns(care)
    assert sum(row.state == OVER for _, row in ground.store.tokens(0, 9_999)) == 701


def test_keys_change_by_age_while_requests_go_on() -> None:
    """After so many days there are new keys, every token is sealed anew in pieces, and the old ones go an epoch later."""
    ground = Ground()
    tokens = [ground.token("name", f"O{k}", "x") for k in range(1_100)]
    care = Caretaker(ground.store, ground.vault, rotate_days=90)
    ground.now += 89 * DAY_US
    turns(care)
    assert states(ground) == {WRITE}
    ground.now += DAY_US
    seen = set()
    for _ in range(40):
        care.turn()
        seen |= states(ground)
        assert ground.vault.session("AMZ").token("name", "O7", "x") == tokens[7]
        late = ground.token("name", f"late {ground.now}", "y")
        assert ground.vault.session("AMZ").found(late) is not None
        ground.now += EPOCH_US // 8
    assert seen == {READ, WRITE, DESTROYED} and states(ground) == {WRITE, DESTROYED}
    session = ground.opened().session("AMZ")
    assert [session.found(token) for token in tokens] == [Found("name", f"O{k}", "x") for k in range(1_100)]
    assert sum(row.state == DESTROYED for row in ground.store.masking_keys()) == 2 * len(KINDS)


def test_a_rotation_that_was_cut_off_goes_on_after_a_restart() -> None:
    """Another process finds keys that read, and finishes what was begun."""
    ground = Ground()
    for k in range(600):
        ground.token("name", f"O{k}", "x")
    ground.now += DAY_US
    care = Caretaker(ground.store, ground.vault, rotate_days=1)
    turns(care)
    care.turn()
    ground.vault = ground.opened()
    again = Caretaker(ground.store, ground.vault, rotate_days=0)
    for _ in range(6):
        ground.now += EPOCH_US
        turns(again)
    assert states(ground) == {WRITE, DESTROYED}


def test_the_environment_says_when_keys_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of days; anything else is told."""
    ground = Ground()
    for bad in ("often", "-1", "1.5", "99999"):
        monkeypatch.setenv("TRANSHIP_MASKING_ROTATE_DAYS", bad)
        with pytest.raises(InputError, match="number of days"):
            Caretaker(ground.store, ground.vault)
    monkeypatch.setenv("TRANSHIP_MASKING_ROTATE_DAYS", "30")
    assert Caretaker(ground.store, ground.vault)._rotate_us == 30 * DAY_US
