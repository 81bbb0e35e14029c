"""`tranship sim`: simulated worlds that try to make the hand-over ship twice, lose, oversell or break a cap."""

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tranship.cli.network import Json
from tranship.cli.output import hint, progress_bar, say, write_json
from tranship.core.errors import InputError

MOST_ORDERS = 10_000
ROUND = 400
"""Seeds between two looks at the clock."""


def sim(
    *,
    seeds: Annotated[str, Parameter(help="First seed, a colon, one past the last.")] = "0:50",
    hours: Annotated[float, Parameter(help="Go on past the last seed until so many hours have passed.")] = 0,
    orders: Annotated[int, Parameter(help="Orders of one world.")] = 20,
    mutant: Annotated[str, Parameter(help="Plant this fault: the simulator must find it.")] = "",
    list_mutants: Annotated[bool, Parameter(help="Name the faults that can be planted.", negative="")] = False,
    protocol: Annotated[bool, Parameter(help="The hand-over rules alone, without engine: fast.", negative="")] = False,
    workers: Annotated[int, Parameter(help="Processes.")] = 2,
    setting: Annotated[
        str, Parameter(help="What differs from the usual world: JSON, as a failing seed prints it.")
    ] = "",
    keep: Annotated[
        Path | None, Parameter(help="Folder to keep the first failing seed in, as small as it gets.")
    ] = None,
    json: Json = False,
) -> int:
    """Play worlds, one a seed: engine, connectors and stand-in networks on a virtual clock, with faults, crashes and lies.

    Exit code 1 where something broke: the seed is named, made as small as it gets, and the command printed that plays it again.
    """
    from tranship.sim.handover.mutants import MUTANTS
    from tranship.sim.handover.seeds import Report, setting_of, simulate
    from tranship.sim.handover.seeds import keep as keep_seed

    if list_mutants:
        if json:
            write_json({name: what for name, (what, _) in MUTANTS.items()})
        else:
            for name, (what, _) in MUTANTS.items():
                say(f"{name:<20} {what}")
        return 0
    first, last = range_of(seeds)
    if not 1 <= orders <= MOST_ORDERS or not 1 <= workers <= 256:
        raise InputError(f"orders {orders}, workers {workers}", where="sim", hint=f"1 to {MOST_ORDERS:,}; 1 to 256.")
    wanted = setting_of(setting, orders=orders, mutant=mutant, protocol=protocol)
    if hours < 0:
        raise InputError(f"{hours:g}", where="--hours", hint="How long to go on; 0: only the seeds named.")
    report, end = Report(mutant=mutant), time.monotonic() + hours * 3600
    with progress_bar(quiet=json) as tell:
        while True:
            part = simulate(first, last, wanted, workers=workers, progress=lambda done: tell("worlds", done, 1.0))
            report.join(part)
            first, last = last, last + ROUND
            if time.monotonic() >= end or not report.sound:
                break
    if keep is not None and report.failing:
        hint(f"kept as {keep_seed(report.failing[0], keep)}")
    if json:
        write_json(report)
        return 0 if report.sound else 1
    say(
        f"{report.orders:,} orders in {report.seeds:,} worlds: {report.double_shipped} double-shipped, {report.lost} lost,"
    )
    say(
        f"{report.oversold} oversold, {report.cap_exceeded} times above the cap; {report.crashes:,} crashes, {report.calls:,} calls,"
    )
    say(f"{report.seeds_per_s:g} worlds a second")
    for each in report.failing[:1]:
        say(f"\nseed {each.seed} broke:")
        for line in each.broken[:10]:
            say(f"  {line}")
        say(f"again: {each.command}")
    return 0 if report.sound else 1


def range_of(text: str) -> tuple[int, int]:
    """`A:B` as two numbers."""
    first, colon, last = text.partition(":")
    if not colon or not first.isdecimal() or not last.isdecimal():
        raise InputError(f"{text!r}", where="--seeds", hint="First seed, a colon, one past the last: 0:100.")
    return int(first), int(last)
