"""[connection.NAME] tables: the kind's capability record goes in with its proofs, and what a kind cannot use becomes a finding."""

from collections.abc import Mapping

import msgspec

from tranship.connectors.netfile.finding import Findings, Places, allowed, listed, shown
from tranship.connectors.netfile.ground import Ground
from tranship.connectors.netfile.reading import Values
from tranship.connectors.proofs import unproven
from tranship.core.capability import Capability, Connection
from tranship.core.errors import InputError


def read_connections(named: Mapping[str, Values], places: Places, findings: Findings) -> tuple[Connection, ...]:
    """The connections of a file, each with what its kind can promise; an error for each that cannot be used."""
    found = []
    for code, values in named.items():
        if "kind" not in values:
            continue
        try:
            connection = _connection(code, values, places, findings)
        except msgspec.ValidationError:
            continue  # a value of it was refused, with its own finding
        if connection is not None:
            found.append(connection)
    return tuple(found)


def connection_rules(ground: Ground) -> None:
    """Warnings about connections: unproven claims, ones that nobody uses, and sicknesses that nobody is told of."""
    used = {node.connection for node in ground.file.nodes}
    for connection in ground.file.connections:
        path = f"connection.{connection.code}"
        bare = unproven(connection.capability)
        if bare:
            what = f"{listed(bare)} of {connection.kind} unproven: only our own sandbox showed it"
            ground.warn("unproven", f"{path}.kind", what, "start with a small pilot_bp, and see docs/handover.md")
        behind = [node for node in ground.file.nodes if node.connection == connection.code]
        unplaced = [node.code for node in behind if not node.location]
        if len(behind) > 1 and unplaced:
            what = f"{listed(unplaced)} behind one connection without location: counts of stock cannot be told apart"
            ground.warn("no_location", path, what, "location = the network's own id of the node, in each of them")
        if connection.code not in used:
            hint = "name it in a node, or leave it out"
            ground.note("no_connection", path, f"no node uses the connection {shown(connection.code)}", hint)
    if used - {""} and not ground.file.alerts.contacts:
        hint = "a [[contact]] with a webhook or an e-mail address"
        ground.note("untold", "alerts", "nobody is told when a connection fails", hint)


def contact_rules(ground: Ground) -> None:
    """Errors in contacts: one that cannot be reached, and e-mail without a server."""
    for i, contact in enumerate(ground.file.alerts.contacts, 1):
        path = f"contact[{i}]"
        if not contact.webhook and not contact.email:
            ground.error(
                "untold", path, f"{contact.code} cannot be reached", "webhook or email, as env:NAME or file:PATH"
            )
        if contact.webhook and not contact.secret:
            what = f"the webhook of {contact.code} has no key to be signed with"
            ground.error("missing_key", f"{path}.secret", what, "secret, as env:NAME or file:PATH")
        if contact.email and not (ground.file.alerts.smtp_host and ground.file.alerts.smtp_sender):
            what = f"{contact.code} is mailed to, and there is no server or no sender"
            ground.error("missing_key", f"{path}.email", what, "smtp_host and smtp_sender in [alerts]")


def _connection(code: str, values: Values, places: Places, findings: Findings) -> Connection | None:
    path, plain = f"connection.{code}", dict(values)
    hold = plain.pop("hold_release", True)
    early, late = plain.get("hold_min"), plain.get("release_min")
    if isinstance(early, int) and isinstance(late, int) and early < late:
        what = f"held {early} minutes before the cut-off, and released {late} minutes before it"
        findings.error("bad_value", places.where(f"{path}.hold_min"), what, "at least release_min")
    connection = msgspec.convert({"code": code, **plain}, Connection)
    capability = _capability(connection.kind, path, places, findings)
    if capability is None:
        return None
    connection = msgspec.structs.replace(connection, capability=capability if hold else without_hold(capability))
    _check_settings(connection, path, places, findings)
    return connection


def without_hold(capability: Capability) -> Capability:
    """The same without Hold: as if the interface did not have it."""
    proven = {name: by for name, by in capability.proven.items() if name != "hold_release"}
    return msgspec.structs.replace(capability, hold_release=False, hold_days=0, proven=proven)


def _capability(kind: str, path: str, places: Places, findings: Findings) -> Capability | None:
    """What the kind's record claims, its proofs checked; None, with a finding, where kind or proof is not there."""
    from tranship.connectors.registry import capability_for, kinds

    if kind not in kinds():
        what = f"no kind of connection is called {shown(kind)}"
        findings.error("no_kind", places.where(f"{path}.kind"), what, allowed(kind, kinds()))
        return None
    try:
        return capability_for(kind)
    except InputError as error:
        findings.error("no_proof", places.where(f"{path}.kind"), error.what, error.hint.rstrip("."))
        return None


def _check_settings(connection: Connection, path: str, places: Places, findings: Findings) -> None:
    """An error where the kind itself refuses the connection's settings or secrets."""
    from tranship.connectors.registry import connector_of

    try:
        connector_of(connection)
    except InputError as error:
        key = error.where.rpartition("] ")[2] if "] " in error.where else "settings"
        inner = key if key.partition(".")[0] in {"settings", "secrets"} else f"settings.{key}"
        hint = f"kind {error.hint}" if error.hint.startswith(connection.kind) else error.hint
        findings.error("no_kind", places.where(f"{path}.{inner}"), error.what, hint.rstrip("."))
