"""`tranship alias`: what a network calls articles instead of the brand's own codes, and how far the registration of each is."""

from typing import TYPE_CHECKING, Any

from cyclopts import App

from tranship.cli.asking import HERE, On, Url, asked
from tranship.cli.network import Json
from tranship.cli.output import hint, say, table, write_json
from tranship.core.errors import InputError

if TYPE_CHECKING:
    from tranship.cli.reach import Reach

alias = App(
    name="alias", help="List, make and register the codes that networks see instead of yours.", help_format="plaintext"
)
BEFORE = {"registered": ("new", "requested"), "active": ("registered",), "retired": ("active",)}
"""Step -> states whose aliases `--all-of-them` takes."""
AT_ONCE = 500
"""Aliases in one request."""


@alias.command(name="list")
def show(
    *, network: str = "", sku: str = "", state: str = "", url: Url = HERE, on: On = None, json: Json = False
) -> None:
    """List aliases.

    Args:
        network: only those of this network
        sku: only those of this article
        state: new, requested, registered, active or retired
    """
    found = _listed(url, on, network, sku, state)
    if json:
        write_json({"aliases": found})
        return
    if not found:
        say(
            "no aliases"
            + (" of that kind" if network or sku or state else ": networks are told the codes of the SKU file")
        )
        return
    rows = [
        (each["network"], each["sku"], each["alias"], str(each["epoch"]), each["state"], each["since"])
        for each in found
    ]
    table(sorted(rows), ("network", "SKU", "alias", "epoch", "state", "since"), right=(3,))


@alias.command
def add(
    network: str,
    sku: str,
    name: str,
    *,
    epoch: int = 1,
    state: str = "new",
    url: Url = HERE,
    on: On = None,
    json: Json = False,
) -> None:
    """Add an alias of your own making. It is never used for anything else.

    Args:
        network: network that is to call the article so
        sku: the article, in your code
        name: the alias, 4 to 40 of A-Z, 0-9 and -
        epoch: a number that grows when you change all aliases
        state: new, or how far its registration is already
    """
    given = {"alias": name, "sku": sku, "epoch": epoch, "state": state}
    _said(url, on, "/v1/aliases", {"network": network, "aliases": [given]}, json=json)


@alias.command
def pool(
    network: str, *skus: str, epoch: int = 0, csv: bool = False, url: Url = HERE, on: On = None, json: Json = False
) -> None:
    """Make random aliases for articles that have none, ready to be registered at the network, and print them.

    Args:
        network: network that is to call the articles so
        skus: articles (default: all)
        epoch: a number that grows when you change all aliases (default: the newest there)
        csv: print `alias,sku` lines for a listing or product import
    """
    body = {"network": network, "skus": list(skus), "epoch": epoch}
    _said(url, on, "/v1/aliases/pool", body, json=json, csv=csv)


@alias.command
def register(
    network: str, *names: str, all_of_them: bool = False, url: Url = HERE, on: On = None, json: Json = False
) -> None:
    """Say that the network knows these aliases now.

    Args:
        network: which network
        names: the aliases
        all_of_them: all that are new or requested there
    """
    _step(network, names, "registered", all_of_them=all_of_them, url=url, on=on, json=json)


@alias.command
def activate(
    network: str, *names: str, all_of_them: bool = False, url: Url = HERE, on: On = None, json: Json = False
) -> None:
    """Write these aliases into new orders from now on. Those of older epochs are still understood, until they are retired.

    Args:
        network: which network
        names: the aliases
        all_of_them: all that are registered there
    """
    _step(network, names, "active", all_of_them=all_of_them, url=url, on=on, json=json)


@alias.command
def retire(network: str, *names: str, url: Url = HERE, on: On = None, json: Json = False) -> None:
    """Understand these aliases no longer: nothing that the network says of them is used after this.

    Args:
        network: which network
        names: the aliases
    """
    _step(network, names, "retired", all_of_them=False, url=url, on=on, json=json)


def _step(
    network: str, names: tuple[str, ...], state: str, *, all_of_them: bool, url: str, on: Any, json: bool
) -> None:
    chosen = list(names)
    if all_of_them:
        found = _listed(url, on, network, "", "")
        chosen += [each["alias"] for each in found if each["state"] in BEFORE[state] and each["alias"] not in names]
    if not chosen:
        more = ", or --all-of-them" if state != "retired" else ""
        raise InputError("none is named, and none is left", where="alias", hint=f"Name aliases{more}.")
    told: list[dict[str, Any]] = []
    for first in range(0, len(chosen), AT_ONCE):
        body = {"network": network, "aliases": chosen[first : first + AT_ONCE], "state": state}
        told += _asked(url, on, "/v1/aliases/steps", body)
    _show(told, json=json)


def _listed(url: str, on: Any, network: str, sku: str, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def next_page(way: "Reach") -> dict[str, Any]:
        return way.aliases(network, sku, state, str(found[-1]["alias"]) if found else "")

    while True:
        page = asked(url, on, next_page)
        found += page["aliases"]
        if not page["more"]:
            return found


def _said(url: str, on: Any, path: str, body: dict[str, Any], *, json: bool, csv: bool = False) -> None:
    told = _asked(url, on, path, body)
    if csv and not json:
        say("alias,sku")
        for each in told:
            say(f"{each['alias']},{each['sku']}")
        return
    _show(told, json=json)
    if path.endswith("pool") and not json:
        hint(f"register them there, then: tranship alias register {body['network']} --all-of-them")


def _asked(url: str, on: Any, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(url, on, lambda way: way.say(path, body))["aliases"]
    return found


def _show(told: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        write_json({"aliases": told})
        return
    rows = [(each["sku"], each["alias"], str(each["epoch"]), each["state"]) for each in told]
    table(rows, ("SKU", "alias", "epoch", "state"), right=(2,))
