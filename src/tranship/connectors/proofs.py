"""What a kind of connection can do, and the proof beside it: a fence that no contract test has shown is refused at load.

Beside a kind's code lie `capability.toml` (the record) and `proof.json`, written by the contract test that showed each fence, with
what it ran against. A proof belongs to one record and one test: `sha256` covers both, so a changed record needs a new run.
"""

import hashlib
import json
import tomllib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from tranship.core.capability import FENCES, PROVEN_BY, Capability, Rate
from tranship.core.errors import InputError

RECORD, PROOF = "capability.toml", "proof.json"
_AGAIN = "Run the contract tests with TRANSHIP_WRITE_PROOFS=1"


class _Rate(msgspec.Struct, forbid_unknown_fields=True):
    per_s_milli: int
    burst: int
    source: str  # a number from outside has its source beside it


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    hold_release: bool = False
    client_id_unique: bool = False
    id_burned_after_cancel: bool = False
    cancel: str = "none"
    get_by_client_id: bool = False
    read_lag_s: int = 0
    request_ttl_s: int = 0
    hold_days: int = 0
    rates: dict[str, _Rate] = {}


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    """The proof of one fence. `test_sha256` is of the test's source, `sha256` of that and the record."""

    ran_against: str
    test: str
    at: str
    test_sha256: str
    sha256: str


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """A kind's proofs by fence."""

    kind: str
    claims: dict[str, Claim] = {}


def folder_of(kind: str) -> Traversable:
    """Where a kind's code, record and proof lie."""
    return files("tranship.connectors").joinpath(kind)


@cache
def capability_of(kind: str) -> Capability:
    """What this kind can do, with what each of its fences was proven against.

    Raises:
        InputError: a record or proof that cannot be read, or a fence without a proof that fits it.
    """
    folder = folder_of(kind)
    proof = folder.joinpath(PROOF)
    return with_proof(
        kind,
        folder.joinpath(RECORD).read_bytes(),
        proof.read_bytes() if proof.is_file() else b"",
        where=f"connectors/{kind}",
    )


def with_proof(kind: str, record: bytes, proof: bytes, *, where: str) -> Capability:
    """As `capability_of`, from the two files' bytes; no bytes of a proof means that there is none."""
    claimed = capability(record, where=f"{where}/{RECORD}")
    proofs = _proofs(proof, where=f"{where}/{PROOF}")
    if proof and proofs.kind != kind:
        raise InputError(f"is a proof of {proofs.kind}, not of {kind}", where=f"{where}/{PROOF}")
    proven = {}
    for fence in fences(claimed):
        claim = proofs.claims.get(fence)
        if claim is None:
            raise InputError(f"{kind} claims {fence} without a proof", where=f"{where}/{PROOF}", hint=_AGAIN)
        if claim.ran_against not in PROVEN_BY:
            raise InputError(f"{fence}: ran_against is none of {', '.join(PROVEN_BY)}", where=f"{where}/{PROOF}")
        if claim.sha256 != digest(kind, claimed, fence, claim.test_sha256):
            raise InputError(
                f"{kind}: the proof of {fence} does not fit the record: one was changed after the test",
                where=f"{where}/{PROOF}",
                hint=_AGAIN,
            )
        proven[fence] = claim.ran_against
    return msgspec.structs.replace(claimed, proven=proven)


def capability(record: bytes, *, where: str) -> Capability:
    """The record alone, nothing proven."""
    try:
        read = msgspec.convert(tomllib.loads(record.decode()), _Record)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(error), where=where) from None
    if read.cancel not in {"none", "sync", "async"}:
        raise InputError("cancel is none of none, sync, async", where=where)
    fields = {name: getattr(read, name) for name in _Record.__struct_fields__ if name not in {"source", "rates"}}
    rates = {op: Rate(rate.per_s_milli, rate.burst) for op, rate in read.rates.items()}
    return Capability(rates=rates, **fields)


def fences(claimed: Capability) -> tuple[str, ...]:
    """The fences that a record claims."""
    return tuple(name for name in FENCES if getattr(claimed, name))


def digest(kind: str, claimed: Capability, fence: str, test_sha256: str) -> str:
    """What ties a proof to its record and its test. Rates are not part of it: they change nothing that a fence rests on."""
    told = msgspec.to_builtins(msgspec.structs.replace(claimed, rates={}, proven={}))
    text = json.dumps([kind, fence, told, test_sha256], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def unproven(claimed: Capability) -> tuple[str, ...]:
    """Fences that only our own sandbox has shown: they hold until somebody shows them against the network itself."""
    return tuple(fence for fence in fences(claimed) if claimed.proven.get(fence) in {None, "sandbox"})


def _proofs(proof: bytes, *, where: str) -> Proof:
    if not proof:
        return Proof(kind="")
    try:
        return msgspec.json.decode(proof, type=Proof)
    except msgspec.DecodeError as error:
        raise InputError(str(error), where=where) from None
