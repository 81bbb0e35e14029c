"""A masker for runs of tests: the product's vault over the run's own store, under a key of this module."""

from collections.abc import Callable

from tests.engine.connected import HOLDS
from tranship.connectors.port import Connector
from tranship.connectors.registry import connector_of
from tranship.core.capability import Capability, Connection
from tranship.engine.outward import Masker
from tranship.engine.shard import Shard
from tranship.masking.vault.kek import Kek, LocalKek
from tranship.store.vaulting import open_vault

MASTER = b"k" * 32


def masker_of(shard: Shard, *, kek: Kek | None = None, now: Callable[[], int] | None = None) -> Masker:
    """Aliases and audit rows of this run; its clock stands where the run's last event was."""
    clock = now or (lambda: shard.state.last_at)
    return Masker(open_vault(shard.store, shard.people, kek or LocalKek(MASTER, "test"), now=clock, party="test"))


def connector(kind: str, can: Capability = HOLDS) -> Connector:
    """A connector of this kind, to an address that is nobody's."""
    settings: dict[str, dict[str, object]] = {
        "shipbob": {"endpoint": "https://x.example", "channel_id": "100200"},
        "manual": {},
    }
    amazon: dict[str, object] = {
        "endpoint": "https://x.example", "auth_endpoint": "https://x.example", "marketplace": "ATVPDKIKX0DER",
    }  # fmt: skip
    names = ("refresh_token", "client_id", "client_secret", "notifications", "token", "webhook")
    return connector_of(
        Connection("c", kind, can, settings=settings.get(kind, amazon), secrets=dict.fromkeys(names, "env:NONE"))
    )
