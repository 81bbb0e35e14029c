"""What the settings of every face that listens have in common: ranges, an address that is safe to open, the token."""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from tranship.connectors.secrets import secret
from tranship.connectors.settings import is_loopback
from tranship.core.errors import InputError

TOKEN_LENGTH_MIN = 16


class TokenPlace(NamedTuple):
    """Where a face's token is: in a variable of the environment, or in the file that another variable names."""

    variable: str
    file_variable: str

    def read(self) -> str:
        """The token; empty where neither is set. InputError where the file has none, naming the variable and never the token."""
        named = os.environ.get(self.file_variable)
        if named:
            return secret(f"file:{named}", f"${self.file_variable}").reveal()
        return os.environ.get(self.variable, "").strip()

    def reference(self) -> str:
        """The same place as a reference, for who reads it later and again; empty where neither is set."""
        named = os.environ.get(self.file_variable)
        return f"file:{named}" if named else f"env:{self.variable}" if os.environ.get(self.variable) else ""


@lru_cache(maxsize=64)
def is_local_name(host: bytes) -> bool:
    """Whether a Host header names this machine, under any port. A page from elsewhere cannot have its own name say so."""
    name = host.decode("latin-1").lower()
    name = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.partition(":")[0]
    return is_loopback(name.strip("[]"))


def check_ranges(settings: object, ranges: Mapping[str, tuple[float, float]]) -> None:
    """InputError for the first setting that is out of its range, naming the range."""
    for name, (low, high) in ranges.items():
        found = getattr(settings, name)
        if not low <= found <= high:
            raise InputError(f"{name} is {found}", where="settings", hint=f"Allowed: {low:,} to {high:,}.")


def check_token(token: str, host: str, place: TokenPlace) -> None:
    """InputError where others than this machine could ask without a token, or with one that is easily guessed or mistaken."""
    if token and (len(token) < TOKEN_LENGTH_MIN or not token.isascii() or not token.isprintable()):
        hint = f"At least {TOKEN_LENGTH_MIN} characters, for example from: python3 -c 'import secrets; print(secrets.token_hex())'"
        raise InputError("the token is too short or not plain text", where="settings", hint=hint)
    if not token and not is_loopback(host):
        hint = f"Put one in ${place.variable} or in a file named by ${place.file_variable}, or bind 127.0.0.1."
        raise InputError(f"{host} can be reached from elsewhere: a token is needed", where="settings", hint=hint)
