"""The first answer to a command, as JSON bytes: kept beside its key, given again when the command comes again."""

import msgspec

from tranship.core.time import iso_day
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.readdress import readdressed
from tranship.engine.rows import part_id, rest_id
from tranship.engine.state import State
from tranship.engine.takeback import cancelled

_json = msgspec.json.Encoder().encode


def answer_of(state: State, command: cmd.Command, events: list[ev.Event]) -> bytes:
    """What the caller is told; for an order: where it ships from, when, and what waits and why."""
    if isinstance(command, cmd.SetPrices):
        return _json({"events": len(events), "prices": state.price_version})
    if isinstance(command, cmd.CancelUnits):
        return _json(cancelled(state, command, events))
    if isinstance(command, cmd.ChangeAddress):
        return _json(readdressed(state, command, events))
    if not isinstance(command, cmd.PlaceOrder):
        return _json({"events": len(events)})
    nodes = state.require_network().nodes
    for event in events:
        if isinstance(event, ev.OrderRouted):
            decision = event.decision
            return _json(
                {
                    "order": event.order_id,
                    "status": state.orders[event.order_id].status(),
                    "fulfillment_orders": [
                        {
                            "id": part_id(event.order_id, part.number),
                            "node": nodes[part.node].code,
                            "units": sum(part.quantities),
                            "ship_by": iso_day(part.ship_day),
                            "deliver_by": iso_day(part.deliver_day),
                            "late": part.late,
                            "cost_micros": part.cost,
                        }
                        for part in decision.parts
                    ],
                    "parked": [
                        {
                            "id": rest_id(event.order_id, rest.number),
                            "units": sum(rest.quantities),
                            "reason": rest.reason,
                            "action": rest.action,
                        }
                        for rest in decision.rests
                    ],
                }
            )
    return _json({"events": len(events)})
