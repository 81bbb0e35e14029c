"""The network file: reading, checking, its canonical document and the example to start from. Reference: docs/network-file.md."""

from tranship.connectors.netfile.articles import Opening
from tranship.connectors.netfile.checking import check
from tranship.connectors.netfile.document import from_document, to_document
from tranship.connectors.netfile.finding import Finding, NetworkFileError
from tranship.connectors.netfile.loading import Loaded, load
from tranship.connectors.netfile.template import init_files, template

__all__ = [
    "Finding",
    "Loaded",
    "NetworkFileError",
    "Opening",
    "check",
    "from_document",
    "init_files",
    "load",
    "template",
    "to_document",
]
