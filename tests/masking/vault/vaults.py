"""Vaults over a store in memory, with a clock that is set by hand."""

import secrets

from tests.engine.memory_store import MemoryStore
from tranship.core.order import Person
from tranship.masking.vault.kek import Kek, LocalKek
from tranship.masking.vault.session import MaskingVault, Owner, Session
from tranship.store.people import People, Vault
from tranship.store.port import Batch
from tranship.store.vaulting import open_vault

KEK = LocalKek(b"k" * 32, "test key")


class Ground:
    """A store, its people and its vault; `now` is the time."""

    def __init__(self, kek: Kek = KEK) -> None:
        self.store = MemoryStore()
        self.people = People(self.store, Vault(b"m" * 32))
        self.now = 1_700_000_000_000_000
        self.kek = kek
        self.vault = self.opened()

    def opened(self, kek: Kek | None = None) -> MaskingVault:
        """The vault as another process would open it: nothing remembered."""
        return open_vault(self.store, self.people, kek or self.kek, now=lambda: self.now, party="demo")

    def person(self, person_id: str) -> Owner:
        """A person who is in the store."""
        row = self.people.vault.seal(person_id, "shop", Person(ref=secrets.token_hex(4), name="Ada Example"))
        self.store.commit(Batch(people=[row]))
        return Owner(person_id, self.people.vault.person_key(row))

    def keep(self, session: Session) -> None:
        """Commit what a session made."""
        self.store.commit(Batch(tokens=session.rows))
        session.committed()

    def token(self, kind: str, scope: str, value: str, network: str = "AMZ", owner: Owner | str = "") -> str:
        """A committed token, made in a session of its own."""
        session = self.vault.session(network, owner)
        token = session.token(kind, scope, value)
        self.keep(session)
        return token
