"""Amazon Multi-Channel Fulfillment, version 2026-07-04; `amazon_mcf_2020` is the older version behind the same contract."""

from tranship.connectors.amazon_mcf.settings import SECRETS, settings_of
from tranship.connectors.amazon_mcf.translate_2026 import Connector2026
from tranship.connectors.http import HttpClient, Lwa
from tranship.connectors.proofs import capability_of
from tranship.core.capability import Connection


def connector(connection: Connection) -> Connector2026:
    """The connector for these settings; InputError where they cannot be used."""
    return Connector2026(settings_of(connection), capability_of(Connector2026.kind))


def client(connection: Connection) -> HttpClient:
    """A client that signs in as Amazon wants it."""
    settings = settings_of(connection)
    secrets = {name: connection.secrets.get(name, "") for name in SECRETS}
    auth = Lwa(settings.auth_endpoint, secrets, f"[connection.{connection.code}]", timeout_ms=connection.timeout_ms)
    return HttpClient(settings.endpoint, auth, connection.timeout_ms, at_once=connection.in_flight)
