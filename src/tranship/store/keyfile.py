"""The key file: 32 random bytes that wrap every person's key. Who has it and the database can read people; who lost it cannot."""

import os
import secrets
from pathlib import Path

from tranship.core.errors import UnavailableError
from tranship.store.files import sync_folder
from tranship.store.location import database

KEY_NAME = "tranship.key"
KEY_VARIABLE = "TRANSHIP_KEY_FILE"
KEY_BYTES = 32
_HEADER = "tranship-key-1 "  # a version, so that another kind of key can follow
_SIZE = len(_HEADER) + 2 * KEY_BYTES + 1


def key_path(run: Path) -> Path:
    """Where a run's key file is: $TRANSHIP_KEY_FILE, `tranship.key` in its folder, or beside the user's settings for a database."""
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return Path(named)
    place = database(run)
    return run / KEY_NAME if place is None else place.key_path


def read_key(path: Path) -> bytes:
    """The key. UnavailableError where the file is missing, cut short, not a key file or readable by others."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            text = file.read(_SIZE + 1)
    except OSError as error:
        raise UnavailableError(
            f"key file {path}: {error.strerror}. Without it the people of this run cannot be read: bring it back from where"
            f" it is kept, or name its place in {KEY_VARIABLE}"
        ) from error
    if mode & 0o077:
        raise UnavailableError(f"key file {path} may be read by others (mode {mode:o}): chmod 600 {path}")
    if len(text) != _SIZE or not text.startswith(_HEADER.encode()) or not text.endswith(b"\n"):
        raise UnavailableError(
            f"key file {path} is not whole: {len(text)} bytes where a key file of Tranship has {_SIZE}"
        )
    try:
        return bytes.fromhex(text[len(_HEADER) : -1].decode("ascii"))
    except ValueError:
        raise UnavailableError(f"key file {path} is damaged: its key is not hexadecimal") from None


def create_key(path: Path) -> bytes:
    """Make a new key file, durable and readable by its owner only, before anything is sealed with it; never over an old one."""
    key = secrets.token_bytes(KEY_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, f"{_HEADER}{key.hex()}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(
                draft, path
            )  # whole or not there at all, and refused where one is: what O_EXCL promises for the name alone
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(f"key file {path} cannot be made: {error.strerror}") from error
    return key
