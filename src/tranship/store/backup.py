"""Backup and restore: a folder with the database, a manifest of hashes and, where asked for, the key file."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from tranship.core.errors import DamageError, InputError, UnavailableError
from tranship.store import connect
from tranship.store.check import integrity
from tranship.store.files import sync_file, sync_folder
from tranship.store.keyfile import KEY_NAME, KEY_VARIABLE, key_path, read_key
from tranship.store.location import Database, database, shown
from tranship.store.sqlite import SqliteStore
from tranship.store.transfer import to_folder, to_server

MANIFEST_NAME = "manifest.json"
STEP_PAGES = 1_024
"""Pages (4 KiB) copied between two reports of progress."""

Progress = Callable[[float], None]


class Copied(msgspec.Struct, frozen=True):
    """One file of a backup."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds: up to which journal row, and the hash of each file. `created` is UTC microseconds."""

    format: int
    schema: int
    party: str
    created: int
    seq: int
    chain: str  # of that row, hexadecimal
    key_id: str  # the key file that opens its people, hexadecimal; empty where nobody was sealed
    files: dict[str, Copied]


def backup(folder: Path, target: Path, *, with_key: bool = False, progress: Progress | None = None) -> Manifest:
    """Copy the run in `folder` (or at a database's address) to the new folder `target` while it is in use.

    A finished copy was read back and checked.

    `with_key` adds the key file: whoever has such a backup can read its people. Without it, keep the key file elsewhere.
    Raises InputError where `target` holds something, DamageError where the copy does not check out.
    """
    _refuse_occupied(target)
    draft = _draft(target)
    try:
        place, tell = database(folder), progress or (lambda _: None)
        if place is None:
            _copy_database(folder / connect.DB_NAME, draft / connect.DB_NAME, tell)
        else:
            to_folder(place, draft, tell)
        _bring_up_to_date(draft)
        with SqliteStore.open(draft, create=False, read_only=True) as copy:
            if found := integrity(copy):
                raise DamageError(f"the copy of {shown(folder)} is not sound: {'; '.join(found)}")
            (seq, chain), party = copy.last_seq(), str(copy.query("SELECT party FROM meta")[0][0])
            key_id = copy.key_id().hex()
        names = [connect.DB_NAME]
        if with_key:
            path = key_path(folder)
            read_key(path)  # a key file that cannot be used is no backup of it
            _copy_file(path, draft / KEY_NAME)
            names.append(KEY_NAME)
        _keep_only(draft, names)
        files = {name: _measured(draft / name) for name in names}
        manifest = Manifest(
            1, len(connect.migrations()), party, time.time_ns() // 1000, seq, chain.hex(), key_id, files
        )
        (draft / MANIFEST_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        _publish(draft, target)
    except OSError as error:
        raise UnavailableError(f"backup to {target} failed: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def restore(source: Path, folder: Path) -> Manifest:
    """Make the run in the new folder `folder`, or the new shard at a database's address, from the backup `source`.

    Every file of it is checked first.

    Raises InputError where `folder` holds something or `source` is not a backup, DamageError naming the file that changed.
    People erased after the backup was made are in it again: erase them again (docs/erasure.md).
    """
    place = database(folder)
    if place is not None:
        return _restore_to_server(source, place)
    _refuse_occupied(folder)
    manifest = examine(source)
    draft = _draft(folder)
    try:
        _copy_checked(source, draft, manifest)
        _keep_only(draft, list(manifest.files))
        _publish(draft, folder)
    except OSError as error:
        raise UnavailableError(f"restore to {folder} failed: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _copy_checked(source: Path, draft: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        _copy_file(source / name, draft / name)
        if _measured(draft / name) != manifest.files[name]:
            raise DamageError(f"{source / name} changed while it was copied")
    _bring_up_to_date(draft)
    with SqliteStore.open(draft, create=False, read_only=True) as store:
        if store.last_seq() != (manifest.seq, bytes.fromhex(manifest.chain)):
            raise DamageError(
                f"{source}: the database does not end where its manifest says, at journal row {manifest.seq}"
            )


def _restore_to_server(source: Path, place: Database) -> Manifest:
    """A key file in the backup goes to where the shard's belongs, if none is there."""
    manifest = examine(source)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder)
        _copy_checked(source, draft, manifest)
        key, kept = draft / KEY_NAME, place.key_path
        if key.exists() and not kept.exists() and not os.environ.get(KEY_VARIABLE):
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy_file(key, kept)
            sync_file(kept)
        to_server(draft, place)
    return manifest


def examine(source: Path) -> Manifest:
    """A backup's manifest, once every file agrees with it (InputError, DamageError as in `restore`)."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST_NAME).read_bytes(), type=Manifest)
    except OSError as error:
        hint = "A backup that was interrupted has none: use another one"
        raise InputError(f"has no {MANIFEST_NAME} ({error.strerror})", where=str(source), hint=hint) from error
    except msgspec.DecodeError as error:
        raise DamageError(f"{source / MANIFEST_NAME} cannot be read: {error}") from error
    if manifest.format != 1:
        raise InputError(f"has backup format {manifest.format}, this program knows 1", where=str(source))
    for name, expected in manifest.files.items():
        if name not in {connect.DB_NAME, KEY_NAME}:
            raise DamageError(f"{source / MANIFEST_NAME} names {name!r}, which is no part of a backup")
        path = source / name
        if not path.is_file():
            raise DamageError(f"{path} is missing")
        actual = _measured(path)
        if actual.bytes != expected.bytes:
            raise DamageError(f"{path} has {actual.bytes} bytes, the manifest says {expected.bytes}")
        if actual.sha256 != expected.sha256:
            raise DamageError(f"{path} has changed since the backup was made: its SHA-256 is {actual.sha256}")
    return manifest


def _bring_up_to_date(draft: Path) -> None:
    """A copy of what an older release wrote gets this one's schema; what it was copied from stays as it is."""
    path = draft / connect.DB_NAME
    with connect.translated(str(path)):
        db = connect.connect_reader(path)
        try:
            version = connect.schema_version(db, path)
        finally:
            db.close()
    if version < len(connect.migrations()):
        SqliteStore.open(draft, create=False).close()


def _copy_database(source: Path, target: Path, progress: Progress) -> None:
    if not source.is_file():
        raise InputError("there is no run here", where=str(source.parent))
    with connect.translated(str(source)):
        db = connect.connect_reader(source)
        copy = apsw.Connection(str(target))
        try:
            # A read transaction of our own holds one moment: without it every commit would start the copy anew.
            db.execute("BEGIN")
            connect.rows(db, "SELECT one FROM meta")
            with copy.backup("main", db, "main") as work:
                while not work.done:
                    work.step(STEP_PAGES)
                    progress(1 - work.remaining / max(1, work.page_count))
        finally:
            copy.close()
            db.close()


def _refuse_occupied(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("holds something already", where=str(folder), hint="Name a folder that is new or empty")


def _draft(target: Path) -> Path:
    """A folder beside the target that becomes it in one step once all is well."""
    draft = target.absolute().with_name(f"{target.absolute().name}.{os.getpid()}.part")
    try:
        draft.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise UnavailableError(f"{draft} cannot be made: {error.strerror}") from error
    return draft


def _copy_file(source: Path, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as given, os.fdopen(handle, "wb") as taken:
        shutil.copyfileobj(given, taken, 1 << 20)


def _keep_only(draft: Path, names: list[str]) -> None:
    for path in draft.iterdir():  # SQLite's helper files of the read-only look
        if path.name not in names:
            path.unlink()


def _measured(path: Path) -> Copied:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Copied(file.tell(), digest.hexdigest())


def _publish(draft: Path, target: Path) -> None:
    for path in draft.iterdir():
        sync_file(path)
    sync_folder(draft)
    draft.rename(target)
    sync_folder(target.absolute().parent)
