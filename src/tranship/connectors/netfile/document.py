"""The canonical document of a network file: the bytes that the journal keeps and every decision names by hash."""

import msgspec

from tranship.core.errors import DamageError
from tranship.core.network import NetworkFile


def to_document(network: NetworkFile) -> bytes:
    """Canonical JSON: sorted keys, every default written out. Equal networks give equal bytes."""
    return msgspec.json.encode(network, order="sorted")


def from_document(document: bytes) -> NetworkFile:
    """The network file of a document, exactly as it was; documents of earlier releases get the defaults of fields they lack.

    Raises DamageError where the bytes are not such a document.
    """
    try:
        return msgspec.json.decode(document, type=NetworkFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamageError(f"a journaled network file does not read back: {error}") from error
