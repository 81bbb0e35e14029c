"""How verbs about networks reach a run: over HTTP where a service has it open, or its folder where none does."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec

from tranship.api.problems import ProblemError
from tranship.api.settings import TOKEN
from tranship.core.errors import InputError, UnavailableError
from tranship.engine import commands as cmd
from tranship.store.location import shown

TIMEOUT_S = 60
Answer = dict[str, Any]


class Reach(Protocol):
    """What can be asked and said, whatever the way. Answers are those of the HTTP interface, as JSON values."""

    def networks(self) -> Answer:
        """GET /v1/networks."""

    def dispatches(self, state: str, order: str, limit: int) -> Answer:
        """GET /v1/dispatches."""

    def aliases(self, network: str, sku: str, state: str, after: str) -> Answer:
        """GET /v1/aliases: the page after an alias."""

    def say(self, path: str, body: Mapping[str, Any]) -> Answer:
        """POST to a path."""


@contextmanager
def reach(url: str, on: Path | None) -> Iterator[Reach]:
    """The service at `url`, or the run in `on` where that is given."""
    if on is not None:
        yield Closed(on)
        return
    yield Service(url)


class Service:
    """A running service."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url if "//" in url else f"http://{url}")
        if where.scheme not in {"http", "https"} or not where.hostname:
            raise InputError(f"{url!r} is no address of a service", where="--url", hint="As in http://127.0.0.1:8000")
        made = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        self._url, self._line = url, made(where.hostname, where.port, timeout=TIMEOUT_S)

    def networks(self) -> Answer:
        """GET /v1/networks."""
        return self._ask("GET", "/v1/networks")

    def dispatches(self, state: str, order: str, limit: int) -> Answer:
        """GET /v1/dispatches."""
        asked = {"limit": str(limit), **({"state": state} if state else {}), **({"order": order} if order else {})}
        return self._ask("GET", f"/v1/dispatches?{urlencode(asked)}")

    def aliases(self, network: str, sku: str, state: str, after: str) -> Answer:
        """GET /v1/aliases: the page after an alias."""
        asked = {"network": network, "sku": sku, "state": state, "after": after}
        return self._ask("GET", f"/v1/aliases?{urlencode({name: value for name, value in asked.items() if value})}")

    def say(self, path: str, body: Mapping[str, Any]) -> Answer:
        """POST to a path."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        token = TOKEN.read()
        if token:
            headers["authorization"] = f"Bearer {token}"
        try:
            self._line.request(method, path, body, headers)
            answer = self._line.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            why = type(error).__name__ if not isinstance(error, ConnectionRefusedError) else "nothing listens there"
            raise UnavailableError(
                f"{self._url} cannot be reached ({why}): is `tranship serve` running? --on RUN looks into a run that no service has open"
            ) from None
        finally:
            self._line.close()
        return _read(answer.status, text)


def _read(status: int, text: bytes) -> Answer:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnavailableError(f"the service answered {status} with something that is not its own")
    if status < 400:
        return found
    detail = str(found.get("detail") or found.get("title") or status)
    if status == 401:
        detail += "; the token belongs in TRANSHIP_TOKEN or TRANSHIP_TOKEN_FILE"
    if status >= 500:
        raise UnavailableError(detail)
    raise InputError(detail)


class Closed:
    """A run that no service has open: looked at as it is, changed under the writer's lock."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def networks(self) -> Answer:
        """As the service says it, without what only a live driver sees."""
        from tranship.engine.attempts import evidence, history
        from tranship.engine.networks import take_networks
        from tranship.engine.run import open_store
        from tranship.engine.standing import state_of

        store = open_store(self._run, read_only=True)
        try:
            state = state_of(store)
            now = take_networks(state, max(state.last_at, _now()))
            told = [
                msgspec.structs.replace(each, evidence=evidence(history(store, each.order, each.id)))
                for each in now.quarantine
            ]
        finally:
            store.close()
        found: Answer = msgspec.to_builtins(msgspec.structs.replace(now, quarantine=tuple(told)))
        return found

    def dispatches(self, state: str, order: str, limit: int) -> Answer:
        """As the service says it."""
        from tranship.engine.attempts import listed
        from tranship.engine.lookup import find_order
        from tranship.engine.run import open_store

        store = open_store(self._run, read_only=True)
        try:
            order_id = find_order(store, order).order if order else ""
            found: Answer = msgspec.to_builtins(listed(store, state, order_id, limit))
        finally:
            store.close()
        return found

    def aliases(self, network: str, sku: str, state: str, after: str) -> Answer:
        """As the service says it."""
        from tranship.engine.aliasing import listed
        from tranship.engine.run import open_store

        store = open_store(self._run, read_only=True)
        try:
            found: Answer = msgspec.to_builtins(listed(store, network, sku, state, after=after))
        finally:
            store.close()
        return found

    def say(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Carry it out here, as the service would."""
        from tranship.engine.live import open_live
        from tranship.engine.shard import Submission

        shard = open_live(self._run)
        try:
            if shard.state.network is None:
                raise InputError("the run has no network document yet", where=shown(self._run))
            at = max(shard.state.last_at + 1, _now())
            if path.startswith("/v1/aliases"):
                return _aliases(shard, path, body, at)
            try:
                made = _changing(shard, path, body, at)
            except ProblemError as error:
                raise InputError(error.problem.detail) from None
            submission = made or Submission(f"by-hand{path}/{at}", _command(shard, path, body, at))
            (answer,) = shard.submit([submission])
            if answer.error is not None:
                raise answer.error
        finally:
            shard.store.close()
        if made is not None:
            told: Answer = json.loads(answer.reply)
            return told
        return {"done": True, "run": shown(self._run)}


def _aliases(shard: Any, path: str, body: Mapping[str, Any], at: int) -> Answer:
    """What a request about aliases stands for, carried out; the aliases as they stand after it."""
    from tranship.api import asked
    from tranship.engine import aliasing
    from tranship.engine.shard import Submission

    said = json.dumps(body).encode()
    try:
        if path.endswith("/pool"):
            pooled = asked.read(said, asked.AliasPoolIn)
            command = aliasing.pool(shard.state, pooled.network, pooled.skus, pooled.epoch, at)
        elif path.endswith("/steps"):
            steps = asked.read(said, asked.AliasStepsIn)
            command = aliasing.stepping(shard.state, steps.network, steps.aliases, steps.state, at)
        else:
            given = asked.read(said, asked.AliasesIn)
            rows = tuple(cmd.AliasStep(each.alias, each.sku, each.epoch, each.state) for each in given.aliases)
            command = cmd.SetAliases(given.network, rows, at)
    except ProblemError as error:
        raise InputError(error.problem.detail) from None
    (answer,) = shard.submit([Submission(f"alias/{at}", command)])
    if answer.error is not None:
        raise answer.error
    found: Answer = msgspec.to_builtins(
        aliasing.told(shard.state, command.network, {row.alias for row in command.rows})
    )
    return found


def _changing(shard: Any, path: str, body: Mapping[str, Any], at: int) -> Any:
    """The submission of a customer's change, under its own ref as over HTTP; None for other paths."""
    from tranship.api import asked, bodies
    from tranship.engine.live import cancelling, readdressing
    from tranship.engine.lookup import find_order

    name, verb = [*map(unquote, path.split("/")), ""][3:5]
    if verb == "cancel":
        wanted = asked.read(json.dumps(body).encode(), asked.CancelIn)
        lines = [] if isinstance(wanted.lines, str) else [(line.line, line.qty) for line in wanted.lines]
        return cancelling(find_order(shard.store, name).order, lines, wanted.ref, at)
    if verb == "address":
        given = asked.read(json.dumps(body).encode(), asked.AddressIn)
        order = find_order(shard.store, name)
        to, person = bodies.to_destination(given.to), bodies.to_person(given.customer)
        return readdressing(shard.people, order.person, order.order, to, person, given.ref, at)
    return None


def _command(shard: Any, path: str, body: Mapping[str, Any], at: int) -> cmd.Command:
    """The command that a path and a body stand for."""
    from tranship.engine import byhand
    from tranship.engine.lookup import find_order

    _, _, what, name, *rest = *map(unquote, path.split("/")), ""
    verb = rest[0] if rest else ""
    makers: dict[str, Callable[[], cmd.Command]] = {
        "recall": lambda: cmd.Recall(
            find_order(shard.store, name).order, tuple(body.get("numbers", ())), str(body["reason"]), at
        ),
        "send": lambda: cmd.SendTo(
            find_order(shard.store, name).order, int(body["number"]), str(body["node"]), str(body["reason"]), at
        ),
        "settle": lambda: cmd.Settle(name, bool(body["ships"]), str(body["reason"]), at),
        "breaker": lambda: byhand.breaker(
            shard.state, name, body.get("state"), body.get("share_bp"), str(body["why"]), moment(body.get("until")),
            body.get("nodes", ()), at,
        ),
    }  # fmt: skip
    assert verb in makers, f"{what} has no verb {verb}"
    return makers[verb]()


def moment(text: str | None) -> int:
    """UTC microseconds of an ISO time with its zone; 0 for none. InputError for anything else."""
    import datetime as dt

    from tranship.core.time import to_micros

    if not text:
        return 0
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no time", where="--until", hint="As in 2026-11-27T18:00:00-05:00") from None
    if found.tzinfo is None:
        raise InputError(f"{text!r} does not say its zone", where="--until", hint="As in 2026-11-27T18:00:00-05:00")
    return to_micros(found)


def segment(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe=":")


def _now() -> int:
    return time.time_ns() // 1000
