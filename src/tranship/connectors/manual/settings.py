"""Settings of a warehouse without an interface: where lists are put, and where its answers are looked for."""

from pathlib import Path

import msgspec

from tranship.connectors.settings import read_settings, where_of
from tranship.core.capability import Connection
from tranship.core.errors import InputError


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Folders, and what the list's head says. `most_orders` bounds one batch."""

    name: str = ""  # of the warehouse, as its people know it
    outbox: str = "picklists"
    inbox: str = "confirmations"
    most_orders: int = 200


def settings_of(connection: Connection) -> Settings:
    """The settings of a connection, checked; InputError names the key and what it may be."""
    told = read_settings(Settings, connection)
    if not 1 <= told.most_orders <= 2000:
        raise InputError("lies between 1 and 2,000", where=where_of(connection, "most_orders"))
    if len(told.name) > 80 or not told.name.isprintable():
        raise InputError("is a name of at most 80 characters", where=where_of(connection, "name"))
    for key in ("outbox", "inbox"):
        folder = getattr(told, key)
        if not folder or "\0" in folder:
            raise InputError("is no folder", where=where_of(connection, key))
    if Path(told.outbox) == Path(told.inbox):
        hint = "Lists that are read back as answers would confirm themselves"
        raise InputError("is the same folder as outbox", where=where_of(connection, "inbox"), hint=hint)
    return told
