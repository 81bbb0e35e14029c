"""`tranship vault` and `tranship audit`: the keys and tokens of masking, and who saw what."""

import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from tranship.cli.network import Json
from tranship.cli.output import progress_bar, say, table, write_json

if TYPE_CHECKING:
    from tranship.masking.audit import Anchor, Checked
    from tranship.masking.exposure import Seen
    from tranship.store.port import TableStore
    from tranship.store.vaulting import Upkeep

vault = App(
    name="vault", help="The keys and tokens that masking needs: how they stand, new keys, tokens that are over."
)
audit = App(name="audit", help="Who saw what: check the audit, read it, anchor it.")

RUN = Path("runs/replay")
Text = Annotated[str, Parameter(allow_leading_hyphen=True)]
Anew = Annotated[bool, Parameter(negative="", help="New keys also where old ones are still being replaced.")]


@vault.command
def status(run: Path = RUN, *, json: Json = False) -> int:
    """How the vault stands: which key wraps its keys, keys and tokens of each network. Exit code 1 where nothing could be masked now.

    Args:
        run: folder of the run, or its database
    """
    from tranship.engine.run import open_store
    from tranship.store.vault_status import vault_status

    store = open_store(run, read_only=True)
    try:
        found = vault_status(store, run)
    finally:
        store.close()
    if json:
        write_json(found)
        return int(bool(found.trouble))
    say(f"keys are wrapped by {found.wrapped_by}" + (f"; {found.trouble}" if found.trouble else ""))
    header = ("network", "kind", "tokens", "expired", "key since", "keys that read")
    body = [
        (
            one.network,
            one.kind,
            f"{one.live:,}",
            f"{one.over:,}",
            _day(one.key_since),
            str(one.reading) if one.reading else "",
        )
        for one in found.kinds
    ]
    table(body, header, right=(2, 3)) if body else say("no token was given yet")
    return int(bool(found.trouble))


@vault.command
def rotate(run: Path = RUN, *, old_key: Text = "", anew: Anew = False, json: Json = False) -> int:
    """New masking keys: every token is sealed anew, the old keys are destroyed. Tokens stay what they are. Stop the service for it.

    A rotation that was cut off goes on where it was; --anew begins another one all the same. Exit code 1 where a token is damaged.

    With --old-key nothing is sealed anew: the same keys are wrapped by another key, the one that TRANSHIP_MASKING_KEY names now.

    Args:
        run: folder of the run, or its database
        old_key: what wrapped the keys so far, as TRANSHIP_MASKING_KEY would say it (file:PATH, env:NAME, command:COMMAND, https://ADDRESS)
        anew: new keys also where old ones are still being replaced
    """
    from tranship.store.vaulting import all_pieces, kek_of

    store, upkeep = _opened(run, old_key)
    try:
        if old_key:
            count = upkeep.rewrap(kek_of(run))
            write_json({"wrapped_anew": count}) if json else say(f"{count} keys are wrapped by the new key")
            return 0
        went_on = bool(upkeep.reading()) and not anew
        kinds = 0 if went_on else upkeep.rotate()
        ((tokens,),) = store.query("SELECT count(*) FROM token")
        with progress_bar(quiet=json) as tell:
            done = all_pieces(upkeep.reseal, lambda n: tell("sealing anew", n, float(str(tokens))))
        gone = upkeep.destroy(epoch_us=0)
    finally:
        store.close()
    if json:
        made = {"kinds": kinds, "went_on": went_on}
        write_json({**made, "sealed_anew": done.changed, "damaged": done.left, "destroyed": gone})
    else:
        keys = "the rotation that had begun went on" if went_on else f"{kinds} kinds got new keys"
        say(f"{keys}, {done.changed:,} tokens were sealed anew, {gone} old keys were destroyed")
        if done.left:
            say(f"{done.left:,} tokens are damaged and stay under their old keys: a backup may have them whole")
            say("until then --anew makes new keys for all others")
    return int(done.left > 0)


@vault.command
def sweep(run: Path = RUN, *, json: Json = False) -> None:
    """Forget the values of tokens that expired. Stop the service for it; the service does the same by itself.

    Args:
        run: folder of the run, or its database
    """
    from tranship.store.vaulting import all_pieces

    store, upkeep = _opened(run)
    try:
        done = all_pieces(upkeep.sweep)
    finally:
        store.close()
    write_json({"tokens": done.looked_at, "expired": done.changed}) if json else say(
        f"{done.changed:,} of {done.looked_at:,} tokens are over"
    )


@audit.command
def verify(run: Path = RUN, *, anchor: Path | None = None, json: Json = False) -> int:
    """Compute the chain of the audit anew, and hold it against where it was left, and against tokens and bytes that left.

    The first bad row is named; exit code 1.

    Args:
        run: folder of the run, or its database
        anchor: a file of anchors that was kept elsewhere
    """
    from tranship.core.errors import InputError
    from tranship.engine.run import open_store

    anchors = _anchors(anchor) if anchor else []
    if anchor and not anchors:
        raise InputError("holds no anchor: nothing would be held against it", where=str(anchor))
    store = open_store(run, read_only=True)
    try:
        found = _checked(store, anchors)
    finally:
        store.close()
    if json:
        write_json(
            {
                "good": found.good,
                "rows": found.rows,
                "head": found.chain.hex(),
                "anchors": len(anchors),
                "wrong": found.wrong,
            }
        )
    elif found.good:
        also = f", and {len(anchors)} anchors are in it" if anchors else ""
        say(f"{found.rows:,} rows, chain recomputed row by row: sound{also}")
    else:
        say(f"NOT SOUND: {found.wrong}")
    return int(not found.good)


@audit.command
def anchor(run: Path = RUN, *, to: Path | None = None, json: Json = False) -> int:
    """Where the audit ends today, in one line to be kept where nobody who writes the run can reach. Once a day is usual.

    Args:
        run: folder of the run, or its database
        to: a file to add the line to; the anchors in it are held against the audit first
    """
    from tranship.engine.run import open_store
    from tranship.masking.audit import Anchor

    held = _anchors(to) if to and to.exists() else []
    store = open_store(run, read_only=True)
    try:
        found = _checked(store, held)
    finally:
        store.close()
    made = Anchor.of((found.seq, found.chain if found.seq else b""), time.time_ns() // 1000)
    if found.good and to:
        _append(to, str(made))
    if json:
        head = {"day": made.day, "seq": made.seq, "chain": made.chain.hex()} if found.good else {}
        write_json({"good": found.good, "wrong": found.wrong, **head})
    else:
        say(str(made) if found.good else f"NOT SOUND, nothing is anchored: {found.wrong}")
    return int(not found.good)


@audit.command
def exposure(
    run: Path = RUN, *, network: str = "", person: Text = "", source: str = "", order: Text = "", json: Json = False
) -> int:
    """Which network saw what about whom, when, under which policy. After an erasure "whom" is a number, and leads nowhere.

    Args:
        run: folder of the run, or its database
        network: only this network
        person: only this customer: a reference of --source, or a person id without it
        source: source of the reference (uci, csv, shopify ...)
        order: only this order: its id, or its number where that is unique
    """
    from tranship.engine.run import open_store
    from tranship.masking.exposure import exposure as what_was_seen
    from tranship.store.vault_status import audited_networks, erased_persons, orders_of, person_of, subjects_of

    store = open_store(run, read_only=True)
    try:
        person_id = person_of(store, run, person, source) if person else ""
        subjects = subjects_of(store, order) if order else frozenset[str]()
        gone = erased_persons(store)
        networks = audited_networks(store)
        found = what_was_seen(
            store.audit(), gone, network=network, person=person_id, subjects=subjects, orders=orders_of(store)
        )
    finally:
        store.close()
    if json:
        write_json({"seen": [each._asdict() for each in found], "person_id": person_id, "erased": person_id in gone})
        return 0
    if person_id in gone and person_id:
        say(f"{person_id} was erased: what follows is what was told of somebody, and nothing here leads to who it was")
    if network and network not in networks:
        say(f"no row of this audit is of network {network}; it has rows of {', '.join(networks) or 'none'}")
        return 0
    _show(found)
    return 0


def _show(found: "Sequence[Seen]") -> None:
    """Per network: personal things first, then the rest; policies by the beginning of their hash. Days are UTC."""
    if not found:
        say("no network saw anything of that")
        return
    header = ("network", "", "what", "orders", "persons", "erased", "first", "last")
    body = [
        (
            each.network, "*" if each.personal else "", each.what, f"{each.orders:,}", f"{each.persons:,}",
            f"{each.erased:,}" if each.erased else "", _day(each.first), _day(each.last),
        )
        for each in found
    ]  # fmt: skip
    table(body, header, right=(3, 4, 5))
    marks = "* tells who it is, or where. " if any(each.personal for each in found) else ""
    say(f"{marks}Under these policies:")
    for network in dict.fromkeys(each.network for each in found):
        policies = sorted({policy for each in found if each.network == network for policy in each.policies})
        say(f"  {network}: {', '.join(policy[:16] for policy in policies)}")


def _opened(run: Path, setting: str = "") -> "tuple[TableStore, Upkeep]":
    """The run, open for writing, and what can be done to its vault."""
    from tranship.engine.run import open_store
    from tranship.store.people import People
    from tranship.store.vaulting import Upkeep, kek_of, open_vault

    store = open_store(run)
    try:
        people = People.open(store, run, create=False)
        return store, Upkeep(store, open_vault(store, people, kek_of(run, setting or None)))
    except BaseException:
        store.close()
        raise


def _checked(store: "TableStore", anchors: "Sequence[Anchor]") -> "Checked":
    """The audit against its own chain, against anchors, and then against what else the store says of messages that left."""
    from tranship.masking.audit import check
    from tranship.store.unaudited import unaudited

    found = check(store.audit(), store.last_audit(), anchors)
    return found if found.wrong else found._replace(wrong="; ".join(unaudited(store.query)))


def _anchors(path: Path) -> "list[Anchor]":
    from tranship.core.errors import InputError
    from tranship.masking.audit import anchors_in

    try:
        return anchors_in(path.read_text(encoding="utf-8-sig"), str(path))  # editors put a mark in front
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot be read as a file of anchors", where=str(path)) from error


def _append(path: Path, line: str) -> None:
    from tranship.core.errors import UnavailableError
    from tranship.store.files import sync_file

    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        sync_file(path)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error


def _day(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1e6, dt.UTC).date().isoformat()
