"""Arguments of `python -m tranship.sandbox amazon`."""

import argparse
from contextlib import suppress

from tranship.sandbox.amazon.network import FILES, Amazon
from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.common.arguments import add_settings, stock_of
from tranship.sandbox.common.clock import Agenda
from tranship.sandbox.common.faults import Faults
from tranship.sandbox.common.vendor import vendor_folder
from tranship.sandbox.common.wire import Network

_HELP = {
    "planning_s": "received -> planning",
    "processing_s": "planning -> picking, when nothing can be called back",
    "shipping_s": "picking -> left",
    "delivery_s": "left -> delivered",
    "async_s": "until an accepted update, cancellation or creation is carried out",
    "create": "what a creation of 2026-07-04 answers: 200, 202 or mixed",
    "free_ids": "a cancelled order's id may be used again",
    "split": "lines of an order leave in two shipments, one after the other",
    "any_sku": "units of every SKU that is not named; 0: unknown SKUs are refused",
    "page_size": "entries of a page",
    "hold_days": "a held order is cancelled after so many days",
    "token_s": "how long an access token lasts",
    "client_id": "",
    "client_secret": "",
    "refresh_token": "",
}


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; times are seconds of the sandbox's clock."""
    add_settings(parser, Settings(), _HELP, {"create": ("200", "202", "mixed")})
    parser.set_defaults(build=build)


def build(given: argparse.Namespace, agenda: Agenda, faults: Faults) -> tuple[Network, tuple[str, ...]]:
    """The network, and the vendor's files that describe it."""
    settings = Settings(seed=given.seed, **{name: getattr(given, name) for name in _HELP})
    network = Amazon(settings, agenda, faults)
    for sku, units in stock_of(given).items():
        network.stock.put(sku, agenda.clock.now(), fulfillable=units)
    folder = None if given.no_validation else vendor_folder(given.vendor)
    if folder is not None:
        with suppress(ImportError):  # without jsonschema-rs nothing is validated, which the first line says
            network.notices.judge_by(folder)
    return network, FILES
