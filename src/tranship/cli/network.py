"""`tranship init` and `tranship check`: the network file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tranship.cli.output import say, write_json

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print one line of JSON instead of text.")]


def init(folder: Path = Path(), *, force: Annotated[bool, Parameter(negative=())] = False, json: Json = False) -> None:
    """Write a commented, working tranship.toml to start from.

    Args:
        folder: where to write it; a name that ends in .toml is the file's own
        force: replace a file that is there
    """
    from tranship.connectors.netfile import init_files

    written = init_files(folder, force=force)
    if json:
        write_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {path}")
    named = "" if written[0] == Path("tranship.toml") else f" --network {written[0]}"
    say(f"next: tranship check{named}, then tranship replay FILE{named} --run runs/first")


def check(
    network: Path = Path("tranship.toml"), *, on: Path | None = None, source: str | None = None, json: Json = False
) -> int:
    """Validate a network file: what is wrong, where, what is allowed. Exit code 1 when anything is an error.

    Args:
        network: the network file
        on: a file of orders: capacity is checked against its busiest day
        source: the [source.NAME] mapping to read that file with
    """
    from tranship.connectors.netfile import check as check_file

    days = _daily_units(network, on, source) if on else None
    findings = check_file(network, days)
    failed = any(finding.level == "error" for finding in findings)
    if json:
        write_json({"file": str(network), "sound": not failed, "findings": findings})
    else:
        for finding in findings:
            say(str(finding))
        counts = [f"{sum(f.level == level for f in findings)} {level}s" for level in ("error", "warning", "note")]
        say(f"{network}: {', '.join(counts)}")
    return int(failed)


def _daily_units(network: Path, on: Path, source: str | None) -> list[tuple[int, int]]:
    from tranship.connectors.files.intake import stage
    from tranship.connectors.netfile import load

    mapping = load(network).network.sources.get(source) if source else None
    units: dict[int, int] = {}
    for order in stage(on, mapping=mapping).orders:
        day = order.placed_at // 86_400_000_000
        units[day] = units.get(day, 0) + sum(line.qty for line in order.lines)
    return sorted(units.items())
