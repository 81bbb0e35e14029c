"""The canonical document: it reads back exactly, equal networks give equal bytes, damage is named as damage."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.connectors.netfile import from_document, to_document
from tranship.core.alerts import Alerts, Contact
from tranship.core.capability import Capability, Connection, Rate
from tranship.core.errors import DamageError
from tranship.core.health import Health
from tranship.core.network import Channel, Network, NetworkFile, Node, Policy, ShareCap, Sku

TEXT = st.text(max_size=12)
COUNT = st.integers(0, 10**12)
WORDS = st.lists(TEXT, max_size=3).map(tuple)
SCALARS = st.one_of(TEXT, COUNT, st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
FREE = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
TABLES = st.dictionaries(TEXT, FREE, max_size=3)
FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: COUNT,
    bool: st.booleans(),
    tuple[str, ...]: WORDS,
    tuple[tuple[str, int], ...]: st.lists(st.tuples(TEXT, COUNT), max_size=3).map(tuple),
    dict[str, str]: st.dictionaries(TEXT, TEXT, max_size=3),
}
FIELDS[dict[str, object]] = TABLES


def some(model: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any value of a table's model: every field, so that a new field is covered when it comes."""
    return st.builds(model, **{name: FIELDS[kind] for name, kind in model.__annotations__.items()})


def many(model: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """A few of them."""
    return st.lists(some(model), max_size=3).map(tuple)


FIELDS[dict[str, Rate]] = st.dictionaries(TEXT, some(Rate), max_size=2)
FIELDS[Capability] = some(Capability)
FIELDS[tuple[Contact, ...]] = many(Contact)
NETWORKS = st.builds(
    NetworkFile,
    party=TEXT,
    currency=TEXT,
    networks=many(Network),
    nodes=many(Node),
    channels=many(Channel),
    caps=many(ShareCap),
    skus=many(Sku),
    cards=st.dictionaries(TEXT, TABLES, max_size=2),
    policy=some(Policy),
    sources=st.dictionaries(TEXT, TABLES, max_size=2),
    world=TABLES,
    peak_per_day=COUNT,
    connections=many(Connection),
    health=some(Health),
    alerts=some(Alerts),
)


@given(NETWORKS)
def test_any_network_reads_back_exactly(network: NetworkFile) -> None:
    """`from_document(to_document(n))` is n, types included, and its document is the same bytes again."""
    document = to_document(network)
    again = from_document(document)
    assert again == network
    assert to_document(again) == document


@given(st.dictionaries(TEXT, SCALARS, max_size=6), st.randoms(use_true_random=False))
def test_order_of_keys_does_not_change_the_document(world: dict[str, object], random: Any) -> None:
    """Two networks that differ only in the order of their keys are one version."""
    shuffled = list(world.items())
    random.shuffle(shuffled)
    one, other = (NetworkFile("a", "USD", (), (), (), world=table) for table in (world, dict(shuffled)))
    assert to_document(one) == to_document(other)


def test_the_document_of_a_known_network_is_pinned() -> None:
    """Journals name networks by this hash: a change of the model changes it and must be seen here."""
    network = NetworkFile("acme", "USD", (Network("own"),), (), (Channel("web"),), caps=(ShareCap("own", 6000),))
    document = to_document(network)
    assert document.startswith(b'{"caps":[{"bucket_burst_bp":0,"bucket_rate_bp":0,"cap_bp":6000,')
    assert from_document(document) == network
    assert hashlib.sha256(document).hexdigest().startswith("c835692d88a617d1")


def test_a_file_without_connections_keeps_its_document() -> None:
    """Fields that came later are written only where they say something, and are told apart from silence."""
    node = Node("a", "own", "08817", "UTC", "post")
    plain = NetworkFile("acme", "USD", (Network("own"),), (node,), (Channel("web"),))
    for word in (b"connection", b"location", b"health", b"alerts"):
        assert word not in to_document(plain)
    there = msgspec.structs.replace(node, connection="x", location="7")
    said = msgspec.structs.replace(plain, nodes=(there,), health=Health(probes=9), connections=(Connection("x", "k"),))
    assert from_document(to_document(said)) == said


def test_documents_of_earlier_releases_get_defaults() -> None:
    """A journaled document that lacks a field which came later reads with that field's default."""
    old = b'{"party":"acme","currency":"USD","networks":[],"nodes":[],"channels":[{"code":"web"}]}'
    assert from_document(old) == NetworkFile("acme", "USD", (), (), (Channel("web"),))


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'{"party":1}', b"\xff", b"[" * 100_000])
def test_a_damaged_document_is_named_as_damage(document: bytes) -> None:
    """Bytes that are no network file raise DamageError, nothing else."""
    with pytest.raises(DamageError):
        from_document(document)
