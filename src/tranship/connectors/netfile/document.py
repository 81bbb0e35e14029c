"""The canonical document of a network file: the bytes that the journal keeps and every decision names by hash."""

import msgspec

from tranship.core.alerts import Alerts
from tranship.core.capability import Connection
from tranship.core.errors import DamageError
from tranship.core.health import Health
from tranship.core.network import LeakBudget, NetworkFile, Node

_LATER = {"connections": (), "health": Health(), "alerts": Alerts(), "shadow": False, "leaks": ()}
"""Fields that came after the first release: not written where they say nothing, so that a file keeps its hash across releases."""
_LATER_OF_NODE = ("connection", "location")
_LATER_OF_LEAK = ("least_saving_bp", "forecast")
_LATER_OF_CONNECTION = ("outages", "recipient", "sku_aliases", "token_days")


def to_document(network: NetworkFile) -> bytes:
    """Canonical JSON: sorted keys, every default written out but those of later fields. Equal networks give equal bytes."""
    fields = {name: getattr(network, name) for name in network.__struct_fields__}
    fields["nodes"] = [_said(node, _LATER_OF_NODE) for node in network.nodes]
    if network.leaks:
        fields["leaks"] = [_said(budget, _LATER_OF_LEAK) for budget in network.leaks]
    if network.connections:
        fields["connections"] = [_said(each, _LATER_OF_CONNECTION) for each in network.connections]
    said = {name: value for name, value in fields.items() if name not in _LATER or value != _LATER[name]}
    return msgspec.json.encode(said, order="sorted")


def _said(part: Node | Connection | LeakBudget, later: tuple[str, ...]) -> dict[str, object]:
    found = {}
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        if field.name not in later or value != field.default:
            found[field.name] = value
    return found


def from_document(document: bytes) -> NetworkFile:
    """The network file of a document, exactly as it was; documents of earlier releases get the defaults of fields they lack.

    Raises DamageError where the bytes are not such a document.
    """
    try:
        return msgspec.json.decode(document, type=NetworkFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamageError(f"a journaled network file does not read back: {error}") from error
