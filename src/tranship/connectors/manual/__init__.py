"""A warehouse with no interface: pick lists out as CSV and printable HTML, confirmations and counts in as CSV.

Handing over is writing the list: until an order is on one it is still here and can be moved at will, afterwards only people can stop it
(`cancel = "none"`). The same orders make the same batch id and the same bytes, so that a list may be written again after a crash.
"""

from tranship.connectors.manual.confirmation import read_confirmation
from tranship.connectors.manual.counts import read_counts
from tranship.connectors.manual.model import Confirmed, CountedBy, Expected, LineError, batch_id, expected, picks
from tranship.connectors.manual.page import page
from tranship.connectors.manual.pick_list import pick_list
from tranship.connectors.manual.settings import Settings, settings_of
from tranship.connectors.proofs import capability_of
from tranship.core.capability import Capability, Connection

__all__ = [
    "Confirmed", "CountedBy", "Expected", "LineError", "Manual", "batch_id", "connector", "expected", "page", "pick_list",
    "picks", "read_confirmation", "read_counts",
]  # fmt: skip
KIND = "manual"


class Manual:
    """The kind and what it can do. It makes no requests: there is nothing to send them to."""

    kind = KIND

    def __init__(self, settings: Settings, capability: Capability) -> None:
        self.settings, self.capability = settings, capability


def connector(connection: Connection) -> Manual:
    """The settings and capability of a connection; InputError names a setting that cannot be used."""
    return Manual(settings_of(connection), capability_of(KIND))
