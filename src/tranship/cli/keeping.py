"""`tranship backup`, `restore` and `erase`: keeping a run, bringing it back, forgetting a person."""

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import say, write_json
from tranship.store.location import shown

Flag = Annotated[bool, Parameter(negative=())]


def backup(target: Path, *, run: Path = Path("runs/replay"), with_key: Flag = False, json: Json = False) -> None:
    """Copy a run, also while it is in use, and check the copy.

    Args:
        target: an empty or new folder for the copy
        run: folder of the run
        with_key: copy the key file too; without it the copy is unreadable for people's data, which may be what you want
    """
    from tranship.store.backup import backup as copy

    manifest = copy(run, target, with_key=with_key)
    if json:
        write_json(manifest)
    else:
        say(f"copied {shown(run)} to {target}, and the copy was checked")


def restore(source: Path, run: Path, *, json: Json = False) -> None:
    """Bring a backup back into a new folder; refuses a damaged backup and a folder in use.

    Args:
        source: folder of the backup
        run: folder to restore into
    """
    from tranship.store.backup import restore as bring_back

    manifest = bring_back(source, run)
    if json:
        write_json(manifest)
    else:
        say(f"restored {source} to {shown(run)}; next: tranship verify {shown(run)}")


def erase(
    *references: str,
    run: Path = Path("runs/replay"),
    source: str = "",
    person: Flag = False,
    json: Json = False,
) -> int:
    """Destroy the key and data of customers: no trace stays in the run's files, the books stay as they were.

    Args:
        references: the source's customer references (or e-mails), or person ids with --person
        run: folder of the run
        source: source of the references (uci, csv, shopify ...)
        person: the references are person ids
    """
    from tranship.core.errors import InputError
    from tranship.engine.commands import ErasePerson
    from tranship.engine.run import open_shard
    from tranship.engine.shard import Submission

    if not references or not (source or person):
        raise InputError("nobody to erase", hint="Name references and --source, or person ids and --person.")
    shard = open_shard(run)
    try:
        known = {reference: reference if person else shard.people.find(source, reference) for reference in references}
        at = int(time.time() * 1_000_000)
        ids = [person_id for person_id in known.values() if person_id and shard.store.person(person_id)]
        for person_id in ids:
            answer = shard.submit([Submission(f"erase/{person_id}", ErasePerson(person_id, at))])[0]
            if answer.error:
                raise answer.error
        count = shard.people.erase(ids)
    finally:
        shard.store.close()
    missing = len(references) - len(ids)  # unknown, or erased before: nothing of theirs can be found either way
    if json:
        write_json({"erased": count, "not_found": missing})
    else:
        say(f"erased {count} of {len(references)}" + (f"; {missing} unknown here or erased before" if missing else ""))
        say("backups made before now still hold them: see docs/erasure.md")
    return int(missing > 0)
