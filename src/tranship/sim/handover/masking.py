"""Masking in worlds that are played again from their seed: the vault of the product, with random signs that follow from the seed."""

from collections.abc import Callable, Sequence
from random import Random

from tranship.engine.outward import Masker
from tranship.masking.rows import MaskingKeyRow
from tranship.masking.tokens import ALPHABET, NAME_SIGNS, RANDOM_SIGNS, token_of
from tranship.masking.vault.kek import LocalKek
from tranship.masking.vault.keys import Keys
from tranship.masking.vault.session import MaskingVault
from tranship.sim.handover.store import SimStore
from tranship.store.people import People

PARTY = "sim"
MASTER = b"a key of simulated worlds, 32 by"


def masker(store: SimStore, people: People, seed: object, now: Callable[[], int]) -> Masker:
    """The masker of a world. Its keys are durable at once: that they are is the store's promise, not what is played here."""
    known = len(store.known)
    rng = Random(f"{seed}/tokens/{known}")  # a world is played again from its seed

    def new(kind: str) -> str:
        return token_of(kind, "".join(rng.choices(ALPHABET, k=NAME_SIGNS if kind == "name" else RANDOM_SIGNS)))

    def keep(rows: Sequence[MaskingKeyRow]) -> None:
        store.sealing.update({row.key_id: row for row in rows})

    def person_key(person_id: str) -> bytes | None:
        row = people.store.person(person_id)
        return people.vault.person_key(row) if row is not None else None

    keys = Keys(PARTY, LocalKek(MASTER, PARTY), store.masking_keys(), keep, now)
    return Masker(MaskingVault(keys, store, person_key, now, party=PARTY, new=new))
