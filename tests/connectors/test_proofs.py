"""A fence without a proof that fits is refused at load."""

import json

import pytest

from tranship.connectors.proofs import capability, capability_of, digest, unproven, with_proof
from tranship.connectors.registry import capability_for, connector_of, kinds
from tranship.core.capability import Connection
from tranship.core.errors import InputError

RECORD = (
    b'source = "a test"\nhold_release = true\ncancel = "async"\nhold_days = 14\n'
    b'[rates.get]\nper_s_milli = 2000\nburst = 30\nsource = "x"\n'
)


def proof(record: bytes = RECORD, **more: str) -> bytes:
    """A proof of hold and release for a record."""
    claim = {
        "ran_against": "sandbox", "test": "tests/x.py", "at": "2026-11-22", "test_sha256": "00",
        "sha256": digest("odd", capability(record, where=""), "hold_release", "00"),
    }  # fmt: skip
    return json.dumps({"kind": "odd", "claims": {"hold_release": {**claim, **more}}}).encode()


def test_a_proven_fence_is_loaded_and_says_what_showed_it():
    """What only our own sandbox showed is loaded and shown as unproven."""
    can = with_proof("odd", RECORD, proof(), where="odd")
    assert can.hold_release and can.proven == {"hold_release": "sandbox"} and unproven(can) == ("hold_release",)
    assert (can.rates["get"].per_s_milli, can.rates["get"].burst) == (2000, 30)
    assert unproven(with_proof("odd", RECORD, proof(ran_against="production"), where="odd")) == ()


@pytest.mark.parametrize(
    ("record", "beside", "said"),
    [
        (RECORD, b"", "without a proof"),
        (RECORD.replace(b"hold_release", b"client_id_unique"), proof(), "client_id_unique without a proof"),
        (RECORD.replace(b"14", b"15"), proof(), "does not fit the record"),
        (RECORD.replace(b"async", b"sync"), proof(), "does not fit the record"),
        (RECORD, proof(test_sha256="01"), "does not fit the record"),
        (RECORD, proof(ran_against="a friend"), "ran_against"),
        (RECORD, proof().replace(b'"odd"', b'"even"'), "a proof of even"),
        (RECORD, b"{", "truncated"),
        (RECORD.replace(b"hold_release", b"hold_and_release"), b"", "hold_and_release"),
        (RECORD.replace(b"async", b"perhaps"), b"", "cancel"),
        (RECORD.replace(b'source = "x"\n', b""), b"", "source"),
    ],
)
def test_a_claim_that_is_not_shown_is_refused(record: bytes, beside: bytes, said: str):
    """No proof, another record, another test, a changed figure: refused, with what to do."""
    with pytest.raises(InputError, match=said):
        with_proof("odd", record, beside, where="odd")


def test_limits_may_change_without_a_new_proof():
    """No fence rests on how often one may ask."""
    assert with_proof("odd", RECORD.replace(b"2000", b"5000"), proof(), where="odd").hold_release


def test_a_record_that_claims_nothing_needs_no_proof():
    """A manual warehouse promises nothing and is loaded."""
    assert with_proof("odd", b'source = "a person"', b"", where="odd").proven == {}


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_here_is_proven(kind: str):
    """What lies in the tree loads: each claim has its proof."""
    can = capability_for(kind)
    assert can is capability_of(kind) and set(can.proven.values()) <= {"sandbox", "vendor_sandbox", "production"}


def test_an_unknown_kind_is_refused_with_those_there_are():
    """The error names the connection and the kinds."""
    with pytest.raises(InputError, match=r"\[connection.west\].*'amazon'.*amazon_mcf"):
        connector_of(Connection("west", "amazon"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "marketplace"),
        ({"marketplace": 5}, "marketplace: expected str"),
        ({"marketplace": "ATVPDKIKX0DER", "market": "x"}, "market.* takes marketplace"),
        ({"marketplace": "not one"}, "marketplace"),
        ({"marketplace": "A", "country": "usa"}, "country"),
        ({"marketplace": "A", "fill": "half"}, "or_kill"),
        ({"marketplace": "A", "endpoint": "http://example.com"}, "not encrypted"),
        ({"marketplace": "A", "endpoint": "https://me:secret@example.com"}, "more than host"),
        ({"marketplace": "A", "auth_endpoint": "example.com"}, "auth_endpoint: is no address"),
        ({"marketplace": "A", "endpoint": "https://[x"}, "is no address"),
    ],
)
def test_settings_are_refused_by_key(settings: dict[str, object], said: str):
    """Each error names the connection, the key and what it may be, and no secret."""
    with pytest.raises(InputError, match=said) as caught:
        connector_of(Connection("mcf", "amazon_mcf", settings=settings))
    assert "[connection.mcf]" in str(caught.value) and "me:secret" not in str(caught.value)
