"""Arguments of `python -m tranship.sandbox shipbob`."""

import argparse

from tranship.sandbox.common.arguments import add_settings, stock_of
from tranship.sandbox.common.clock import Agenda
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.wire import Network
from tranship.sandbox.shipbob.hooks import FILE
from tranship.sandbox.shipbob.network import ShipBob
from tranship.sandbox.shipbob.settings import Settings

_HELP = {
    "processing_s": "taken -> picked, when nothing can be cancelled",
    "shipping_s": "picked -> left",
    "delivery_s": "left -> delivered",
    "stow_s": "a receiving order arrived -> on the shelves",
    "return_s": "a return was announced -> processed",
    "free_ids": "a cancelled order's reference may be used again",
    "split": "every line becomes a shipment of its own",
    "any_sku": "units of every SKU that is not named, at each location",
    "locations": "numbers of the fulfillment centers, comma separated; the first takes what names none",
    "channel_id": "the channel that may be written to",
    "token": "the access token",
    "calls_a_minute": "published limit of all operations together",
}


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; times are seconds of the sandbox's clock."""
    add_settings(parser, Settings(), _HELP)
    parser.set_defaults(build=build)


def build(given: argparse.Namespace, agenda: Agenda, faults: Faults) -> tuple[Network, tuple[str, ...]]:
    """The network, and the vendor's files that describe it; ValueError for locations that are no numbers."""
    settings = Settings(seed=given.seed, **{name: getattr(given, name) for name in _HELP})
    network = ShipBob(settings, agenda, faults, given.limits)
    for sku, units in stock_of(given).items():
        network.stock.put(sku, settings.places[0], agenda.clock.now(), on_hand=units)
    return network, (FILE,)
