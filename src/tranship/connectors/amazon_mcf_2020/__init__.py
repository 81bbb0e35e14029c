"""Amazon Multi-Channel Fulfillment, version 2020-07-01: its code lies in `amazon_mcf`, its record and proofs here."""

from tranship.connectors.amazon_mcf import client
from tranship.connectors.amazon_mcf.settings import settings_of
from tranship.connectors.amazon_mcf.translate_2020 import Connector2020
from tranship.connectors.proofs import capability_of
from tranship.core.capability import Connection

__all__ = ["client", "connector"]


def connector(connection: Connection) -> Connector2020:
    """The connector for these settings; InputError where they cannot be used."""
    return Connector2020(settings_of(connection), capability_of(Connector2020.kind))
