"""File intake: exports of orders (UCI, CSV, Shopify, JSON lines) become staged orders, cancellations and rejects."""

from tranship.connectors.files.intake import stage, write_rejects
from tranship.connectors.files.mapping import PRESETS, choose, named, read_mapping
from tranship.connectors.files.model import Reject, Staged, StagedCancel, StagedLine, StagedOrder
from tranship.connectors.files.takeback import Prior

__all__ = [
    "PRESETS",
    "Prior",
    "Reject",
    "Staged",
    "StagedCancel",
    "StagedLine",
    "StagedOrder",
    "choose",
    "named",
    "read_mapping",
    "stage",
    "write_rejects",
]
