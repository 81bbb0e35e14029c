"""`tranship serve` and `tranship demo`: the engine behind HTTP, with a page for people."""

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import say, write_json
from tranship.store.location import shown


def serve(
    *,
    run: Annotated[
        Path | None, Parameter(help="Folder of the run; made where it is missing (default: runs/live, or runs/shadow).")
    ] = None,
    network: Path = Path("tranship.toml"),
    host: str = "127.0.0.1",
    port: int = 8000,
    tick: float = 60,
    rate_limit: float = 0,
    shadow: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> None:
    """Take orders over HTTP, show them on a page, and keep everything in a run. Ctrl-C stops it cleanly.

    Args:
        network: the network file; one that changed since is brought into force
        host: address to listen on; any but this machine's own needs a token in TRANSHIP_TOKEN or TRANSHIP_TOKEN_FILE
        port: port to listen on; 0 takes a free one
        tick: seconds between two looks at what is due (shipments at cut-off, deliveries, expiry)
        rate_limit: requests a second and caller; 0 is no limit
        shadow: decide on live orders and send nothing: networks are looked at, and nothing is handed over, released or called back
    """
    from tranship.api.settings import TOKEN, ApiSettings
    from tranship.cli.serving import run_service
    from tranship.engine.service import Service

    folder = run or Path("runs/shadow" if shadow else "runs/live")
    settings = ApiSettings(host=host, port=port, tick_s=tick, rate_per_s=rate_limit, token=TOKEN.read())

    async def ready(address: str) -> None:
        if json:
            write_json({"url": address, "run": str(folder), "shadow": shadow})
        else:
            say(f"{address} serves {shown(folder)}; Ctrl-C stops it")
            if shadow:
                say("SHADOW: orders are decided and nothing of it is sent to any network")

    opened = partial(Service.open, folder, network, create=True, shadow=shadow)
    run_service(opened, settings, ready, footer=f"run {folder.name}")


def demo(
    *,
    port: int = 8000,
    seconds: Annotated[float, Parameter(help="Stop by itself after so many; 0: at Ctrl-C.")] = 0,
    rate: float = 10,
    seed: int = 1,
    run: Path | None = None,
    open: Annotated[bool, Parameter(negative=())] = False,  # noqa: A002 - the word users know
    json: Json = False,
) -> None:
    """Show the service at work: four networks, Amazon capped at 60 %, a seeded stream of orders that nobody placed, and an outage.

    Args:
        port: port to listen on; 0 takes a free one
        rate: orders a second, on average over a day of the demo's clock (which passes in six minutes)
        seed: another seed is another catalog, other stock and other orders
        run: keep everything in this folder (default: a temporary one, gone at the end)
        open: open the page in a browser
    """
    from tranship.cli.demo import Demo, run_demo

    run_demo(Demo(port=port, seconds=seconds, rate=rate, seed=seed, browser=open, json=json), run)
