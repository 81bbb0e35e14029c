"""The demonstration: a brand that does not exist, its four networks, and customers who order from it over HTTP.

The clock runs 240 times as fast as yours: a day passes in six minutes, so that parcels leave at each node's cut-off and stock comes
in while you watch. Amazon and one 3PL are stand-ins on this machine that orders are really handed over to; after a minute a brownout
comes over Amazon's interface. Nothing else differs from `tranship serve`.
"""

import asyncio
import csv
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tranship.api.context import Context
from tranship.api.settings import ApiSettings
from tranship.api.watching import state_now
from tranship.cli.demo_networks import BROWNOUT_AT_S, Networks, connected, stand_ins
from tranship.cli.feed import Feed
from tranship.cli.output import say, write_json
from tranship.cli.serving import run_service
from tranship.connectors import netfile
from tranship.connectors.netfile import template
from tranship.console.live.words import count, each, percent
from tranship.core.errors import InputError
from tranship.core.time import from_micros
from tranship.engine.clock import Clock, FastClock
from tranship.engine.service import Service
from tranship.sim.world.stream import DemoCatalog, catalog, opening

SPEED = 240
"""Seconds of the demo's clock in one real second: a day in six minutes."""
START = 1_772_449_200_000_000
"""When the demo's clock begins: Monday, 2 March 2026, 11:00 UTC, six in the morning in New York, six hours before Amazon's cut-off."""
REAL_DAY_S = 86_400 // SPEED
DAYS_OF_STOCK = 8
UNITS_AN_ORDER = 1.6
TELL_EVERY_S = 5.0
CURVE_S = 1_200
"""One bar of the order curve is twenty minutes of the demo's clock, five seconds of yours."""


@dataclass(frozen=True)
class Demo:
    """What can be chosen about a demonstration."""

    port: int = 8000
    seconds: float = 0  # real seconds until it ends by itself; 0: never
    rate: float = 10  # 0.1 .. 1,000 orders a real second, on average over a day of the demo's clock
    seed: int = 1
    browser: bool = False
    json: bool = False

    def __post_init__(self) -> None:
        if not 0.1 <= self.rate <= 1_000:
            raise InputError(f"rate is {self.rate}", hint="Allowed: 0.1 to 1,000 orders a second.")
        if self.seconds < 0:
            raise InputError(f"seconds is {self.seconds}", hint="Allowed: 0 (no end) or more.")


def run_demo(chosen: Demo, folder: Path | None) -> None:
    """Run the demonstration in `folder`, or in a temporary one, until it ends or is told to."""
    settings = ApiSettings(port=chosen.port, tick_s=1)
    with _folder(folder) as home, stand_ins(home, chosen.seed) as networks:
        units = chosen.rate * REAL_DAY_S * UNITS_AN_ORDER
        path = write_world(home, chosen.seed, units_per_day=units, networks=networks)
        teller = _Teller(chosen, home, networks, kept=folder is not None)

        def opened() -> Service:
            service = Service.open(home / "run", path, create=True, clock=_clock, curve_s=CURVE_S)
            networks.set_clocks(service.clock)
            networks.fill(service)
            return service

        run_service(
            opened,
            settings,
            teller.ready,
            beside=teller.watch,
            footer="A demonstration: orders, customers and stock are drawn from a seed, Amazon and Eastpack are stand-ins on this "
            "machine. Six real minutes are a day on the clock above; after one minute Amazon's interface fails for a while.",
        )
        teller.end()


def write_world(home: Path, seed: int, units_per_day: float, networks: Networks | None = None) -> Path:
    """Write the demo's network file, SKUs and opening balances into `home`, where they are not there yet; the network file.

    With `networks` two of its nodes are behind them, at the addresses that they have now.
    """
    path = home / "tranship.toml"
    if path.exists():
        if networks is not None:
            path.write_text(connected(path.read_text(encoding="utf-8"), home, networks), encoding="utf-8", newline="\n")
        return path
    goods = catalog(seed)
    text = template() if networks is None else connected(template(), home, networks)
    for name in ("sku_file", "stock_file"):
        text = text.replace(f"# {name} =", f"{name} =")
    _write_skus(home / "skus.csv", goods)
    (home / "stock.csv").write_text("node,sku,qty\n", encoding="utf-8")
    path.write_text(text, encoding="utf-8", newline="\n")
    network = netfile.load(path).network
    with (home / "stock.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("node", "sku", "qty"))
        for receipt in opening(network, seed, round(units_per_day * DAYS_OF_STOCK), goods):
            node = network.nodes[receipt.node].code
            for sku, quantity in zip(receipt.skus.tolist(), receipt.quantities.tolist(), strict=True):
                rows.writerow((node, network.skus[sku].code, quantity))
    return path


def _write_skus(path: Path, goods: DemoCatalog) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("sku", "weight_g", "length_mm", "width_mm", "height_mm", "value"))
        for sku in goods.skus:
            value = f"{sku.value_minor // 100}.{sku.value_minor % 100:02d}"
            rows.writerow((sku.code, sku.weight_g, sku.length_mm, sku.width_mm, sku.height_mm, value))


def _clock(last_at: int) -> Clock:
    return FastClock(max(START, last_at + 1), SPEED)


@contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="tranship-demo-") as made:
            yield Path(made)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


class _Teller:
    """Says on the terminal what is going on, and feeds the service meanwhile."""

    def __init__(self, chosen: Demo, home: Path, networks: Networks, *, kept: bool) -> None:
        self._chosen, self._home, self._networks, self._kept = chosen, home, networks, kept
        self._last = ""

    async def ready(self, address: str) -> None:
        """The page is there."""
        if self._chosen.json:
            write_json({"url": address, "run": str(self._home / "run"), "speed": SPEED})
        else:
            say(f"{address}   open this page; Ctrl-C stops")
            rate, seed = self._chosen.rate, self._chosen.seed
            say(f"  {rate:g} orders a second on average, a day passes in six minutes (clock x{SPEED:,}), seed {seed}")
            say(
                f"  Amazon and Eastpack are stand-ins here; after {BROWNOUT_AT_S:g} s Amazon's interface fails for a while"
            )
            if self._kept:
                say(f"  tranship explain ORDER --run {self._home / 'run'} tells why an order ships from where it ships")
        if self._chosen.browser:
            await asyncio.to_thread(webbrowser.open, address)

    async def watch(self, context: Context, address: str) -> None:
        """Feed orders over HTTP and print a line of numbers now and then, until the time is over."""
        feed = Feed(context.service, address, self._chosen.seed, self._chosen.rate, self._networks.stocked)
        telling = asyncio.create_task(self._tell(context))
        feeding = asyncio.create_task(feed.run())
        weather = asyncio.create_task(self._networks.weather())
        limit = asyncio.create_task(asyncio.sleep(self._chosen.seconds or 1e9))
        tasks = (feeding, telling, weather, limit)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, context: Context) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            now = state_now(context)
            self._last = _line(now.board, context)
            if self._chosen.json:
                board = now.board
                write_json(
                    {
                        "clock": now.clock, "orders": board.orders, "networks": board.networks,
                        "connections": board.connections, "episodes": board.episodes, "quarantined": board.quarantined,
                    }
                )  # fmt: skip
            else:
                say(self._last)

    def end(self) -> None:
        """The service is closed."""
        if not self._chosen.json:
            kept = (
                f"kept in {self._home}: tranship verify {self._home / 'run'}"
                if self._kept
                else "nothing is left behind"
            )
            say(f"stopped; {kept}")


def _line(board: Any, context: Context) -> str:
    moment = from_micros(context.service.clock.now()).strftime("%a %H:%M")
    shares = ", ".join(
        f"{n.operator} {percent(n.share_bp)} %" + (f" (cap {percent(n.cap_bp)} %)" if n.cap_bp else "")
        for n in board.networks
    )
    waits = sum(row.units for row in board.parked)
    sick = "".join(
        f"; {each.code} {'takes no new work' if each.breaker.state == 'open' else 'is on trial'}"
        for each in board.connections
        if each.breaker.state != "closed"
    )
    saved = "".join(f"; {each.moved} orders saved from {each.connection}" for each in board.episodes if each.moved)
    return (
        f"{moment}  {count(board.orders)} orders, {each(board.cost_micros, board.orders)} {board.currency} each; {shares};"
        f" {count(board.stock['fulfillable'])} units in stock, {count(waits)} waiting{sick}{saved}"
    )
