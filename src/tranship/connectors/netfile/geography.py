"""What is known of the places in a file: does the ZIP code exist, and do state and time zone agree with it."""

import datetime as dt
from zoneinfo import ZoneInfo

from tranship.connectors.netfile.finding import shown
from tranship.connectors.netfile.ground import Ground
from tranship.core.network import Node

_SEASONS = (dt.datetime(2026, 1, 15, tzinfo=dt.UTC), dt.datetime(2026, 7, 15, tzinfo=dt.UTC))
"""Two moments: zones that agree in winter and in summer give a node the same cut-off."""


def place_rules(ground: Ground) -> None:
    """Warn of ZIP codes that are not known, and of a state or a time zone that is another place's."""
    for i, node in enumerate(ground.file.nodes, 1):
        if node.country == "US":
            _place(ground, node, f"node[{i}]")
        else:
            hint = "shipping zones are computed for the US only, so cards with zones cannot price it"
            ground.warn("abroad", f"node[{i}].country", f"{node.code} is in {node.country}", hint)


def _place(ground: Ground, node: Node, path: str) -> None:
    known = _known(node.zip)
    if known is None:
        same = "its zone is that of its first three digits" if _area(node.zip) else "no shipping zone can be computed"
        ground.warn("unknown_zip", f"{path}.zip", f"no ZIP code {shown(node.zip)} is known", same)
        return
    city, state, zone = known
    if node.state and node.state != state:
        what = f"{node.zip} is {city}, {state}, not {node.state}"
        ground.warn("other_state", f"{path}.state", what, f"write state = {shown(state)}, or another ZIP code")
    if zone and not _agree(zone, node.zone):
        what = f"{node.zip} is {city}, {state}, where clocks follow {zone}, not {node.zone}"
        ground.warn("other_zone", f"{path}.zone", what, f"write zone = {shown(zone)}, or its cut-off is hours off")


def _known(code: str) -> tuple[str, str, str] | None:
    """City, state and time zone of a ZIP code; None where it is not known."""
    import zipcodes  # only `tranship check` needs it

    found = zipcodes.matching(code)  # type: ignore[no-untyped-call]
    return (found[0]["city"], found[0]["state"], found[0]["timezone"] or "") if found else None


def _area(code: str) -> bool:
    import zipcodes

    return bool(zipcodes.similar_to(code[:3]))  # type: ignore[no-untyped-call]


def _agree(one: str, other: str) -> bool:
    return all(
        moment.astimezone(ZoneInfo(one)).utcoffset() == moment.astimezone(ZoneInfo(other)).utcoffset()
        for moment in _SEASONS
    )
