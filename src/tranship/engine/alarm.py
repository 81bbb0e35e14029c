"""Wakes people: exceptions that need somebody go out as alerts, at least once, also when the service was down in between.

Every such exception has a row in the outbox from the commit that made it. The row goes when nobody needs to be told of it any more:
it was acknowledged, or everybody who should know was told. What is left over when the service starts is told (again).
"""

import asyncio
import logging
from typing import NamedTuple

from tranship.connectors.alerts import NotDeliveredError, send
from tranship.core.errors import TranshipError
from tranship.dispatch.alerting import Alert, Desk, Message
from tranship.engine.rows import ALERT, alert_row
from tranship.engine.service import Service
from tranship.store.port import Store

STEP_S = 1.0
"""Real seconds between two looks at what happened."""
MOST_AT_ONCE = 500
"""Exceptions taken in one look."""

log = logging.getLogger("tranship.alerts")


class _Happened(NamedTuple):
    pos: int
    seq: int
    at: int
    kind: str
    subject: str
    detail: str


class Alarm:
    """The alerts of one service. `run` until cancelled."""

    def __init__(self, service: Service) -> None:
        """Nothing is read or sent before `run`."""
        self._service = service
        self.settings = service.network.alerts
        self.desk = Desk(self.settings, first=service.store.last_seq()[0] + 1)
        self._rows: dict[int, list[str]] = {}  # alert -> its rows in the outbox
        self._pos = 0
        self._sending: set[asyncio.Task[None]] = set()

    def now(self) -> int:
        """The service's clock."""
        return self._service.clock.now()

    async def run(self) -> None:
        """Tell what happens until cancelled; what was not told by then is told after the next start."""
        for happened in await asyncio.to_thread(self._left_over):
            self._raise(happened)
        try:
            while True:
                try:
                    await self._step()
                except TranshipError as error:  # the store is busy or closing
                    log.warning("alerts: %s", type(error).__name__)
                await asyncio.sleep(STEP_S)
        finally:
            for task in list(self._sending):
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def _step(self) -> None:
        for happened in await asyncio.to_thread(self._new):
            self._raise(happened)
        for message in self.desk.due(self.now()):
            task = asyncio.create_task(self._send(message))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        await self._tidy()

    def _raise(self, happened: _Happened) -> None:
        alert_id = self.desk.raised(happened.kind, happened.subject, happened.at, happened.detail)
        self._rows.setdefault(alert_id, []).append(alert_row(happened.seq))

    async def _send(self, message: Message) -> None:
        try:
            await send(self.settings, self._service.network.party, message, self.now())
        except NotDeliveredError as error:
            again = self.desk.failed(message, self.now())
            log.warning("alert to %s: %s%s", message.contact, error, "" if again else "; given up")

    async def _tidy(self) -> None:
        """Rows of alerts that nobody waits for any more leave the outbox. While a message is on its way nothing is over."""
        if self._sending:
            return
        over = [alert_id for alert_id in self._rows if not self.desk.is_open(alert_id)]
        ids = [row for alert_id in over for row in self._rows.pop(alert_id)]
        if ids:
            await asyncio.to_thread(self._service.writer.call, lambda shard: shard.store.sent(ids))

    async def acknowledge(self, alert_id: int) -> Alert | None:
        """Somebody has seen it: it goes no further. None where there is no such alert."""
        if not self.desk.acknowledged(alert_id, self.now()):
            return None
        return self.desk.alerts[alert_id]

    # -- the store ----------------------------------------------------------------------------------------------------

    def _left_over(self) -> list[_Happened]:
        """What waits from before, and up to where it was looked at."""
        store = self._service.store
        rows = store.query("SELECT max(pos) FROM exception")
        self._pos = int(str(rows[0][0])) if rows and rows[0][0] is not None else 0
        sql = (
            "SELECT e.pos, e.seq, e.at, e.kind, e.subject, e.detail FROM outbox o JOIN exception e ON e.seq = o.seq"
            " WHERE o.topic = ? AND e.pos <= ? ORDER BY e.pos"
        )
        return _read(store, sql, (ALERT, self._pos))

    def _new(self) -> list[_Happened]:
        sql = "SELECT pos, seq, at, kind, subject, detail FROM exception WHERE pos > ? ORDER BY pos LIMIT ?"
        found = _read(self._service.store, sql, (self._pos, MOST_AT_ONCE))
        if found:
            self._pos = found[-1].pos
        return [each for each in found if self.desk.wants(each.kind)]


def _read(store: Store, sql: str, parameters: tuple[object, ...]) -> list[_Happened]:
    return [
        _Happened(int(str(pos)), int(str(seq)), int(str(at)), str(kind), str(subject), str(detail))
        for pos, seq, at, kind, subject, detail in store.query(sql, parameters)
    ]
