"""Reading a connection's own settings: typed, with errors that name the key and what it may be. Shared by all kinds."""

import re
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from tranship.core.capability import Connection
from tranship.core.errors import InputError

T = TypeVar("T", bound=msgspec.Struct)
_AT = re.compile(r" - at `\$\.?([^`]*)`")


def where_of(connection: Connection, key: str = "") -> str:
    """How errors name a place in the network file."""
    return f"[connection.{connection.code}]" + (f" {key}" if key else "")


def read_settings(shape: type[T], connection: Connection) -> T:
    """The settings as this kind's type (a struct that forbids unknown fields).

    Raises:
        InputError: names the key, what it should be, and for an unknown key the ones there are.
    """
    try:
        return msgspec.convert(connection.settings, shape)
    except msgspec.ValidationError as error:
        text = str(error)
        key = found.group(1) if (found := _AT.search(text)) else ""
        what = _AT.sub("", text).replace("Object ", "").replace("`", "")
        names = ", ".join(field.name for field in msgspec.structs.fields(shape))
        hint = f"{connection.kind} takes {names or 'no settings'}"
        raise InputError(what[:1].lower() + what[1:], where=where_of(connection, key), hint=hint) from None


def one_of(value: str, allowed: tuple[str, ...], connection: Connection, key: str) -> str:
    """The value, where it is one of those allowed."""
    if value not in allowed:
        raise InputError(f"is none of {', '.join(allowed)}", where=where_of(connection, key))
    return value


def endpoint(value: str, connection: Connection, key: str = "endpoint") -> str:
    """An address to send to, without a slash at its end: https anywhere, http only to this machine.

    Raises:
        InputError: not such an address, or one with a name, password, query or fragment in it.
    """
    where = where_of(connection, key)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InputError("is no address", where=where, hint="Write https://host or http://127.0.0.1:port") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise InputError("is no address", where=where, hint="Write https://host or http://127.0.0.1:port")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(
            "has more than host, port and path", where=where, hint="Secrets go into [connection.NAME.secrets]"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise InputError("is not encrypted", where=where, hint="Use https; http is for a sandbox on this machine")
    return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("example.com")
    (True, True, False, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
