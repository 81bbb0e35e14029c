"""`load`: a network file, its SKU file and its opening balances as one document, or every reason why not."""

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tranship.connectors.netfile import keys, keys_live
from tranship.connectors.netfile.articles import Opening, read_skus, read_stock
from tranship.connectors.netfile.connections import read_connections
from tranship.connectors.netfile.document import to_document
from tranship.connectors.netfile.finding import Finding, Findings, NetworkFileError, Places, allowed, shown
from tranship.connectors.netfile.foreign import card_names, check_cards, check_policy, check_sources
from tranship.connectors.netfile.ground import Ground
from tranship.connectors.netfile.growth import read_growth
from tranship.connectors.netfile.reading import Reader, Values, duplicates
from tranship.connectors.netfile.rules import file_rules
from tranship.connectors.netfile.transit import read_transit
from tranship.core.network import LeakGrowth, NetworkFile, Sku, Transit

MOST_BYTES = 16 * 1024 * 1024
"""Size of a network file; SKUs and stock have files of their own."""
_REFERENCES = (keys.NODE, keys.CHANNEL, keys.CAP, keys.LEAK)
_ONES = (keys.POLICY, keys.PROMISE, keys.WORLD, keys_live.HEALTH, keys_live.ALERTS)


class Loaded(msgspec.Struct, frozen=True):
    """A network file as it was found to be. `document` is canonical: the same content gives the same bytes and `sha256`."""

    network: NetworkFile
    document: bytes
    sha256: str  # of `document`, hexadecimal
    warnings: list[Finding]  # warnings and notes
    stock: tuple[Opening, ...] = ()  # opening balances: not part of the document, they are moves of the ledger


class Draft:
    """A file on its way to a `Loaded`: what was read so far, what was found, and where each thing stands."""

    def __init__(self, path: Path) -> None:
        self.path, self.findings = path, Findings()
        self.places = Places(path.name, "")
        self.network: NetworkFile | None = None
        self.stock: tuple[Opening, ...] = ()


def load(path: Path | str) -> Loaded:
    """Read a network file with the SKU and stock files it names.

    Raises NetworkFileError (an InputError) with all findings where any of them is an error, those that leave a cap without a
    feasible split included. What is only probably wrong comes back in `warnings`; `check` looks deeper.
    """
    draft = read_draft(Path(path))
    if draft.network is None or draft.findings.failed:
        raise NetworkFileError(draft.findings.listed())
    document = to_document(draft.network)
    sha256 = hashlib.sha256(document).hexdigest()
    return Loaded(draft.network, document, sha256, draft.findings.listed(), draft.stock)


def read_draft(path: Path) -> Draft:
    """Everything that `load` reads and finds, without raising: the network is None where an error leaves nothing to build."""
    draft = Draft(path)
    document = toml_of(draft)
    if document is None:
        return draft
    reader = Reader(document, draft.places, draft.findings)
    party = reader.one(keys.PARTY, required=True)
    many = {
        table.name: reader.many(table, required=table not in (keys.CAP, keys.LEAK))
        for table in (keys.NETWORK, *_REFERENCES)
    }
    named = {table.name: reader.named(table) for table in (keys.CARD, keys.SOURCE, keys_live.CONNECTION)}
    policy, promise, world, health, alerts = (reader.one(table) for table in _ONES)
    contacts = reader.many(keys_live.CONTACT)
    duplicates([(path, values.get("code")) for path, values in contacts], "contact code", draft.places, draft.findings)
    _codes(draft, many)
    _references(draft, many, named)
    check_cards(named["card"], draft.places, draft.findings)
    check_sources(named["source"], _text(party, "currency"), _codes_of(many["channel"]), draft.places, draft.findings)
    _world(draft, world)
    connections = read_connections(named["connection"], draft.places, draft.findings)
    promise["observed"] = _observed(draft, promise, [values for _, values in many["node"]])
    skus = _articles(draft, party, _codes_of(many["network"]), _codes_of(many["node"]))
    _forecasts(draft, many["leak"], skus)
    if not draft.findings.failed:
        tables = {f"{name}s": [values for _, values in found] for name, found in many.items()}
        written = {"cards": named["card"], "sources": named["source"], "policy": policy, "world": world}
        written |= {"promise": promise, "health": health}
        written["alerts"] = {**alerts, "contacts": [values for _, values in contacts]}
        said = {"party": party["code"], "currency": party["currency"], "peak_per_day": party["peak_per_day"]}
        network = msgspec.convert({**said, **tables, **written}, NetworkFile)
        draft.network = msgspec.structs.replace(network, skus=skus, connections=connections)
        check_policy(draft.network, draft.places, draft.findings)
    if draft.network is not None and not draft.findings.failed:
        file_rules(Ground(draft.network, draft.stock, draft.places, draft.findings))
    return draft


def _articles(draft: Draft, party: Values, networks: Sequence[str], nodes: Sequence[str]) -> tuple[Sku, ...]:
    """Read the SKU file and, where its articles are known, the opening balances."""
    sku_file, stock_file = (_text(party, name) for name in ("sku_file", "stock_file"))
    sku_path, stock_path = (draft.path.parent / name if name else None for name in (sku_file, stock_file))
    skus = read_skus(sku_path, draft.places.where("party.sku_file"), networks, nodes, draft.findings)
    if skus or not sku_file:
        draft.stock = read_stock(stock_path, draft.places.where("party.stock_file"), nodes, skus, draft.findings)
    return skus


def _observed(draft: Draft, promise: Values, nodes: Sequence[Values]) -> tuple[Transit, ...]:
    """Read the observed transit times."""
    name = _text(promise, "observed")
    if not name:
        return ()
    return read_transit(draft.path.parent / name, draft.places.where("promise.observed"), nodes, draft.findings)


def _forecasts(draft: Draft, budgets: Iterable[tuple[str, Values]], skus: Sequence[Sku]) -> None:
    """Read the growth forecasts of leak budgets into their place."""
    for at, budget in budgets:
        name = _text(budget, "forecast")
        found: tuple[LeakGrowth, ...] = ()
        if name:
            found = read_growth(draft.path.parent / name, draft.places.where(f"{at}.forecast"), skus, draft.findings)
        budget["forecast"] = found


def toml_of(draft: Draft, missing: str = "`tranship init` writes one") -> dict[str, object] | None:
    """The file's tables as TOML has them, its lines known to `draft.places`; None, with a finding, where it cannot be read."""
    where = str(draft.path)
    try:
        size = draft.path.stat().st_size
        data = draft.path.read_bytes() if size <= MOST_BYTES else b""
    except FileNotFoundError:
        draft.findings.error("no_file", where, "no such file", missing)
        return None
    except OSError as error:
        draft.findings.error("no_file", where, f"cannot be read ({error.strerror})", "a readable TOML file")
        return None
    if size > MOST_BYTES:
        draft.findings.error(
            "too_many", where, f"{size:,} bytes", f"at most {MOST_BYTES:,}; articles belong in the SKU file"
        )
        return None
    try:
        text = data.decode("utf-8-sig")
        draft.places = Places(draft.path.name, text)
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"{draft.path.name}:{line}"
        draft.findings.error(
            "not_toml", where, f"byte 0x{data[error.start]:02X} is not UTF-8", "save the file as UTF-8"
        )
    except tomllib.TOMLDecodeError as error:
        what, at = _toml_error(error)
        draft.findings.error("not_toml", f"{draft.path.name}{at}", what, "TOML: see toml.io")
    except ValueError as error:  # a number of more digits than Python reads
        draft.findings.error("not_toml", draft.path.name, f"not TOML: {error}", "TOML: see toml.io")
    except RecursionError:
        draft.findings.error(
            "not_toml", draft.path.name, "lists or tables too deep inside one another", "TOML: see toml.io"
        )
    return None


def _toml_error(error: tomllib.TOMLDecodeError) -> tuple[str, str]:
    text = str(error)
    what, mark, place = text.rpartition(" (at line ")
    if not mark:
        return text, ""
    line, _, column = place.rstrip(")").partition(", column ")
    return f"not TOML: {what[:1].lower()}{what[1:]} at column {column}", f":{line}"


def _text(values: Values, name: str) -> str:
    value = values.get(name, "")
    return value if isinstance(value, str) else ""


def _codes_of(tables: Iterable[tuple[str, Values]]) -> list[str]:
    return [code for _, values in tables if (code := _text(values, "code"))]


def _codes(draft: Draft, many: dict[str, list[tuple[str, Values]]]) -> None:
    for name in ("network", "node", "channel"):
        duplicates(
            [(path, values.get("code")) for path, values in many[name]], f"{name} code", draft.places, draft.findings
        )
    limits = [
        (path, "/".join(_text(values, part) for part in ("network", "measure", "counts")))
        for path, values in many["cap"]
    ]
    duplicates(limits, "the cap of", draft.places, draft.findings, key="network")
    budgets = [(path, values.get("network")) for path, values in many["leak"]]
    duplicates(budgets, "the leak budget of", draft.places, draft.findings, key="network")


def _references(draft: Draft, many: dict[str, list[tuple[str, Values]]], named: dict[str, dict[str, Values]]) -> None:
    known = {"network": _codes_of(many["network"]), "card": card_names(named["card"])}
    known["connection"] = list(named["connection"])
    for table in _REFERENCES:
        for key in table.keys:
            for path, values in many[table.name] if key.refers else ():
                value = values.get(key.target, ())
                for word in (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ():
                    if word and word not in known[key.refers]:
                        what = f"no {key.refers} is called {shown(word)}"
                        where = draft.places.where(f"{path}.{key.name}")
                        draft.findings.error("no_such", where, what, allowed(word, known[key.refers]))


def _world(draft: Draft, world: Values) -> None:
    low, high = world.get("weight_min_g"), world.get("weight_max_g")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        where = draft.places.where("world.weight_min_g")
        draft.findings.error("bad_value", where, f"{low} is more than weight_max_g", f"allowed: at most {high}")
