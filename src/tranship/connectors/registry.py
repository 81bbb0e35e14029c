"""Which kinds of connections there are, and the connector of one. A kind is a folder here with a `capability.toml`."""

from functools import cache
from importlib import import_module
from importlib.resources import files
from types import ModuleType

from tranship.connectors.http import HttpClient
from tranship.connectors.port import Connector
from tranship.connectors.proofs import RECORD, capability_of
from tranship.core.capability import Capability, Connection
from tranship.core.errors import InputError


@cache
def kinds() -> tuple[str, ...]:
    """All kinds, sorted."""
    found = (folder for folder in files("tranship.connectors").iterdir() if folder.is_dir())
    return tuple(sorted(folder.name for folder in found if folder.joinpath(RECORD).is_file()))


def capability_for(kind: str, where: str = "") -> Capability:
    """What a kind can do, as proven; refused where it claims a fence without a proof (InputError)."""
    _module(kind, where)
    return capability_of(kind)


def connector_of(connection: Connection) -> Connector:
    """The connector for a connection's settings. Pure: it sends nothing.

    Raises:
        InputError: no such kind, settings that cannot be used, or a fence without a proof.
    """
    where = f"[connection.{connection.code}]"
    capability_for(connection.kind, where)
    made: Connector = _module(connection.kind, where).connector(connection)
    return made


def client_of(connection: Connection) -> HttpClient | None:
    """The client that sends what the connector makes; None for a kind that has no interface to send to."""
    module = _module(connection.kind, f"[connection.{connection.code}]")
    made: HttpClient | None = module.client(connection) if hasattr(module, "client") else None
    return made


def _module(kind: str, where: str) -> ModuleType:
    if kind not in kinds():
        raise InputError(
            f"There is no kind of connection {kind!r}", where=where, hint=f"There are {', '.join(kinds())}"
        )
    return import_module(f"tranship.connectors.{kind}")
