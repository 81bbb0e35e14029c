"""Where a run is: a folder, or a shard in a PostgreSQL database, written `postgresql://USER@HOST/DATABASE?shard=NAME`."""

import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

from tranship.core.errors import InputError

SHARD = "main"
"""The shard's name where the address does not say."""
_SHARD = re.compile(r"[a-z][a-z0-9_]{0,39}")
# A command line that takes a path has made one slash out of two.
_URL = re.compile(
    r"(?:postgresql|postgres):/{1,3}(?P<host>[^/?]*)(?:/(?P<database>[^?]*))?(?:\?(?P<settings>.*))?", re.DOTALL
)
_EXAMPLE = "Write postgresql://USER@HOST/DATABASE?shard=NAME"


class Database(NamedTuple):
    """A shard on a server. `conninfo` may hold a password: only `shown` goes into texts."""

    conninfo: str
    name: str
    shard: str
    host: str

    def __repr__(self) -> str:
        return f"Database({self.shown})"

    @property
    def shown(self) -> str:
        """The address without user, password and settings."""
        return f"postgresql://{self.host}/{self.name}?shard={self.shard}"

    @property
    def key_path(self) -> Path:
        """Where its key file is unless TRANSHIP_KEY_FILE names another place: beside the user's settings, never in the database."""
        home = os.environ.get("XDG_CONFIG_HOME")
        folder = Path(home) if home else Path.home() / ".config"
        return folder / "tranship" / f"{quote(self.name, safe='')}-{self.shard}.key"


def shown(where: Path | str) -> str:
    """An address as it may be told: a folder as it is, a database without user, password and settings."""
    place = database(where)
    return str(where) if place is None else place.shown


def files_of(where: Path | str) -> Path:
    """The folder for what is written beside a run (rejects.csv, report.html): the run's own, or one below `runs` for a database."""
    place = database(where)
    return Path(where) if place is None else Path("runs") / f"{quote(place.name, safe='')}-{place.shard}"


def database(where: Path | str) -> Database | None:
    """The database that an address names; None where it is a folder. InputError where it is half of an address."""
    text = str(where)
    if not text.startswith(("postgresql:/", "postgres:/")):
        return None
    found = _URL.fullmatch(text)
    assert found is not None
    host, name, settings = found["host"], found["database"], found["settings"] or ""
    if not name and not text.startswith(("postgresql://", "postgres://")):
        host, name = "", host  # `postgresql:///orders`, as a path
    elif not name and "///" in text:
        host, name = "", host
    pairs = parse_qsl(settings, keep_blank_values=True)
    shard = dict(pairs).get("shard", SHARD)
    if not name:
        raise InputError("names no database", where="database address", hint=_EXAMPLE)
    if not _SHARD.fullmatch(shard):
        hint = "A shard's name is 1 to 40 of a-z, 0-9 and _, a letter first"
        raise InputError(f"has the shard {shard!r}", where="database address", hint=hint)
    rest = urlencode([pair for pair in pairs if pair[0] != "shard"])
    conninfo = f"postgresql://{host}/{name}{'?' if rest else ''}{rest}"
    return Database(conninfo, unquote(name), shard, host.rpartition("@")[2])
