"""Customers of the demo: they send their orders over HTTP as anybody would, and the warehouse's receipts come in the same way."""

import asyncio
import http.client
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from urllib.parse import urlsplit

import msgspec
import numpy as np

from tranship.connectors.files.model import StagedOrder
from tranship.core.errors import UnavailableError
from tranship.core.time import from_micros
from tranship.engine.service import Service
from tranship.engine.shard import Shard
from tranship.sim.world.stream import SOURCE, stream

CHANNELS = (("web", 7), ("amazon", 3))
MOST_AT_ONCE = 500
"""Orders in one request at most; several that are due go as NDJSON."""
SHORTEST_WAIT_S = 0.02
TIMEOUT_S = 30
RESTOCK_BELOW = 0.5
"""A shelf below this part of its opening balance is filled up again, once a day."""
MICROS_PER_DAY = 86_400_000_000
Arrived = Callable[[str, Sequence[tuple[str, int]]], None]
_json = msgspec.json.Encoder().encode


class Feed:
    """Sends the seeded stream to a service at its own clock, and restocks once a day of that clock."""

    def __init__(self, service: Service, address: str, seed: int, rate: float, arrived: Arrived | None = None) -> None:
        """`arrived` is told of units that came in at a node, before they are booked."""
        self._service, self._arrived = service, arrived
        where = urlsplit(address)
        self._line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
        self._orders = self._from_here(seed, rate)
        self._target: np.ndarray[tuple[int, int], np.dtype[np.int64]] | None = None
        self._day = -1

    def _from_here(self, seed: int, rate: float) -> Iterator[StagedOrder]:
        """The stream from the first order that this run has not seen, moved to now."""
        taken = self._service.store.query("SELECT count(*) FROM orders WHERE source = ?", (SOURCE,))
        skip, now = int(str(taken[0][0])), self._service.clock.now()
        orders = islice(stream(seed, now, rate / self._service.clock.speed, channels=CHANNELS), skip, None)
        first = next(orders)
        late = first.placed_at - now if skip else 0
        yield msgspec.structs.replace(first, placed_at=first.placed_at - late)
        for order in orders:
            yield msgspec.structs.replace(order, placed_at=order.placed_at - late) if late else order

    async def run(self) -> None:
        """Send what is due, wait for what is next; ends only by being cancelled."""
        clock, waiting = self._service.clock, next(self._orders)
        try:
            while True:
                now, due = clock.now(), list[StagedOrder]()
                while waiting.placed_at <= now and len(due) < MOST_AT_ONCE:
                    due.append(waiting)
                    waiting = next(self._orders)
                if due:
                    await asyncio.to_thread(self._send, due)
                if now // MICROS_PER_DAY != self._day:
                    self._day = now // MICROS_PER_DAY
                    await asyncio.to_thread(self._restock)
                if len(due) < MOST_AT_ONCE:
                    wait_s = (waiting.placed_at - clock.now()) / 1e6 / clock.speed
                    await asyncio.sleep(min(max(wait_s, SHORTEST_WAIT_S), 1.0))
        finally:
            self._line.close()

    def _send(self, orders: Sequence[StagedOrder]) -> None:
        bodies = [_body(order) for order in orders]
        if len(bodies) == 1:
            self._post("/v1/orders", bodies[0], "application/json")
        else:
            self._post("/v1/orders", b"\n".join(bodies) + b"\n", "application/x-ndjson")

    def _restock(self) -> None:
        """Fill shelves that ran low up to what they began with; the parcels' way in takes no time here."""
        free = self._service.writer.call(_shelves)
        if self._target is None:
            self._target = free
            return
        low = free < self._target * RESTOCK_BELOW
        network = self._service.network
        for n, node in enumerate(network.nodes):
            lines = [
                {"sku": network.skus[s].code, "qty": int(self._target[s, n] - free[s, n])}
                for s in np.flatnonzero(low[:, n]).tolist()
            ]
            if lines:
                if self._arrived is not None:
                    self._arrived(node.code, [(str(line["sku"]), int(str(line["qty"]))) for line in lines])
                body = _json({"ref": f"restock-{self._day}-{node.code}", "node": node.code, "lines": lines})
                self._post("/v1/receipts", body, "application/json")

    def _post(self, path: str, body: bytes, content_type: str) -> None:
        try:
            self._line.request("POST", path, body, {"content-type": content_type})
            answer = self._line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._line.close()
            raise UnavailableError(f"the demo's customers cannot reach the service: {error}") from error
        if answer.status >= 400:
            raise UnavailableError(f"the service refused the demo: {path} answered {answer.status}")


def _shelves(shard: Shard) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return shard.state.ledger.fulfillable.copy()


def _body(order: StagedOrder) -> bytes:
    return _json(
        {
            "source": SOURCE,
            "number": order.number,
            "channel": order.channel,
            "placed_at": from_micros(order.placed_at).isoformat(),
            "to": {"zip": order.zip, "state": order.state, "country": order.country},
            "lines": [
                {"key": line.key, "sku": line.sku, "qty": line.qty, "unit_price_minor": line.unit_price_minor}
                for line in order.lines
            ],
            "customer": order.person,
        }
    )
