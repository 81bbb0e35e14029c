"""`python -m tranship.sandbox NETWORK`: runs one stand-in network until it is told to stop."""

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable

from tranship.sandbox.common.arguments import common, open_books
from tranship.sandbox.common.clock import Agenda, Clock, parse_time
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.server import Rules, Server
from tranship.sandbox.common.wire import Network


def main(arguments: list[str] | None = None) -> int:
    """Parse, build, serve. 0 when it was stopped, 2 for arguments that make no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        start = parse_time(given.clock) if given.clock else None
        rate = given.rate if given.rate is not None else 0.0 if given.clock else 1.0

        def make() -> tuple[Network, Faults]:
            faults = Faults(given.seed)
            return given.build(given, Agenda(Clock(start, rate)), faults)[0], faults

        files = given.build(given, Agenda(Clock(start, rate)), Faults(given.seed))[1]
        books, why_not = open_books(files, given.vendor, off=given.no_validation)
        server = Server(make, Rules(books, why_not, not given.lenient, given.limits))
    except (ValueError, OSError) as error:
        parser.error(str(error))
    return asyncio.run(_run(server, given.host, given.port, tied=given.tied))


async def _run(server: Server, host: str, port: int, *, tied: bool) -> int:
    loop = asyncio.get_running_loop()
    if tied:
        threading.Thread(target=_until_closed, args=(loop, server), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    try:
        await server.run(host, port)
    except OSError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


def _until_closed(loop: asyncio.AbstractEventLoop, server: Server) -> None:
    """Stop once nobody holds our standard input any more."""
    while os.read(0, 4096):  # not through sys.stdin: its lock would be held when the interpreter ends
        pass
    loop.call_soon_threadsafe(server.stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tranship.sandbox", description="Stand-in networks on loopback.")
    networks = parser.add_subparsers(required=True, metavar="NETWORK")
    for name, describe in _networks().items():
        describe(common(networks.add_parser(name, help=f"a stand-in {name}")))
    return parser


def _networks() -> dict[str, Callable[[argparse.ArgumentParser], None]]:
    """What can be run: each adds its arguments and says how it is built (`build`)."""
    from tranship.sandbox.amazon import arguments as amazon
    from tranship.sandbox.shipbob import arguments as shipbob

    return {"amazon": amazon.describe, "shipbob": shipbob.describe}


if __name__ == "__main__":
    raise SystemExit(main())
