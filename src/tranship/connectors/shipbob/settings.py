"""Settings of a ShipBob connection, and the ids that ShipBob has for channel and locations."""

import re
from typing import NamedTuple

import msgspec

from tranship.connectors.settings import endpoint, read_settings, where_of
from tranship.core.capability import Connection
from tranship.core.errors import InputError

VERSION = "2026-01"
"""The dated version of the interface; it is part of every path."""
_METHOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    endpoint: str = "https://api.shipbob.com"
    channel_id: str | int = ""
    ground: str = "Standard"
    two_day: str = "2-Day"
    next_day: str = "Overnight"
    page_size: int = 250


class Settings(NamedTuple):
    """`methods`: our service word -> the shipping method as it stands on the ship option map of the ShipBob account."""

    endpoint: str
    channel_id: str
    methods: dict[str, str]
    page_size: int


def settings_of(connection: Connection) -> Settings:
    """The settings of a connection, checked.

    Raises:
        InputError: names the key and what it may be.
    """
    told = read_settings(_Told, connection)
    channel = str(told.channel_id)
    if not _NUMBER.fullmatch(channel):
        raise InputError(
            "is not the number of a channel",
            where=where_of(connection, "channel_id"),
            hint="GET /2026-01/channel lists yours; take one with write scopes",
        )
    methods = {"ground": told.ground, "two_day": told.two_day, "next_day": told.next_day}
    for service, method in methods.items():
        if not _METHOD.fullmatch(method):
            raise InputError(
                "is no shipping method (1 to 40 letters, digits, blanks, points and -)",
                where=where_of(connection, service),
                hint="Write it as it stands on the ship option map of the account",
            )
    if not 1 <= told.page_size <= 250:
        raise InputError("lies between 1 and 250", where=where_of(connection, "page_size"))
    return Settings(endpoint(told.endpoint, connection), channel, methods, told.page_size)
