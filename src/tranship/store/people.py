"""Personal data: sealed under a key per person, found again through a blind index, forgotten with the key.

AES-256-GCM seals a person's data under a random key of their own; the key file's master key yields (HKDF-SHA256) the key that
wraps those keys and the key of the blind index, an HMAC-SHA256 over (source, reference). What is sealed is bound to its
person_id: a row copied to another person does not open. Random 96-bit nonces under one wrapping key are sound up to some
4 x 10^9 people (NIST SP 800-38D, section 8.3).
"""

import hashlib
import hmac
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tranship.core.errors import DamageError, UnavailableError
from tranship.core.order import Destination, Person
from tranship.masking.chance import random_bytes
from tranship.store.keyfile import create_key, key_path, read_key
from tranship.store.location import shown
from tranship.store.port import AddressRow, HouseholdRow, PersonRow, Store

VERSION = b"\x01"  # of the sealed form, its first byte
NONCE_BYTES = 12
CACHE_PEOPLE = 65_536
"""References remembered for `People.find`: some 10 MB."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Person).decode


class Vault:
    """Seals and opens people under one master key. It knows keys, not files or tables."""

    def __init__(self, master: bytes) -> None:
        self._wrap = AESGCM(_subkey(master, b"tranship wrap 1"))
        self._blind = hmac.new(_subkey(master, b"tranship blind 1"), digestmod=hashlib.sha256)
        self._homes = hmac.new(_subkey(master, b"tranship household 1"), digestmod=hashlib.sha256)
        self._leak = _subkey(master, b"tranship leak plan 1")
        self.key_id = _subkey(master, b"tranship key id 1")[:8]
        """Names the master key without giving it away."""

    def __repr__(self) -> str:
        return f"Vault({self.key_id.hex()})"

    def blind(self, source: str, ref: str) -> bytes:
        """The index under which a source's customer reference is found again; says nothing without the key file."""
        mac = self._blind.copy()
        mac.update(len(source.encode()).to_bytes(4, "big") + source.encode() + ref.encode())
        return mac.digest()

    def home(self, street: str, zip_code: str, country: str) -> bytes:
        """The index under which an address is found again; b"" where there is none. Spellings of one address give the same."""
        plain = plain_address(street)
        if not plain:
            return b""
        mac = self._homes.copy()
        mac.update(f"{plain}\x1f{zip_code.strip()[:5].upper()}\x1f{country.strip().upper()}".encode())
        return mac.digest()

    def leak_secret(self) -> bytes:
        """What leak plans of this party take their keys from; it is not written anywhere."""
        return self._leak

    def seal(self, person_id: str, source: str, person: Person) -> PersonRow:
        """A new person's row under a new key. Without a reference it has no blind index: a guest is not found again."""
        return self.seal_with_key(person_id, source, person)[0]

    def seal_with_key(self, person_id: str, source: str, person: Person, blind: bytes = b"") -> tuple[PersonRow, bytes]:
        """As `seal`, and the new key, which `person_key` would give. `blind`: of source and reference, where it is at hand."""
        key = secrets.token_bytes(32)
        if not blind and person.ref:
            blind = self.blind(source, person.ref)
        wrapped = _seal(self._wrap, key, b"key", person_id)
        return PersonRow(person_id, blind, wrapped, _seal(AESGCM(key), _encode(person), b"person", person_id)), key

    def reseal(self, row: PersonRow, person: Person) -> PersonRow:
        """The row with new data under the person's old key, so that forgetting that one key forgets all versions."""
        return row._replace(sealed=_seal(AESGCM(self.person_key(row)), _encode(person), b"person", row.person_id))

    def person_key(self, row: PersonRow) -> bytes:
        """The person's own key. UnavailableError where this is not the key file that wrapped it (or the row is damaged)."""
        try:
            return _open(self._wrap, row.wrapped_key, b"key", row.person_id)
        except InvalidTag:
            raise UnavailableError(
                f"the key of person {row.person_id} does not open with key file {self.key_id.hex()}:"
                " another key file wrapped it, or the row is damaged"
            ) from None

    def seal_for(self, row: PersonRow, data: bytes, key: bytes = b"") -> bytes:
        """Bytes that name a person, under that person's own key (`key`, where it is at hand): forgetting the key forgets them."""
        return _seal(AESGCM(key or self.person_key(row)), data, b"bytes", row.person_id)

    def open_for(self, row: PersonRow, sealed: bytes, key: bytes = b"") -> bytes:
        """What `seal_for` sealed. DamageError where it was changed, or belongs to somebody else."""
        try:
            return _open(AESGCM(key or self.person_key(row)), sealed, b"bytes", row.person_id)
        except InvalidTag:
            raise DamageError(f"bytes sealed for person {row.person_id} were changed after they were sealed") from None

    def open(self, row: PersonRow, key: bytes = b"") -> Person:
        """The person in clear (`key`: their own, where it is at hand). DamageError where the row was changed after it was sealed."""
        key = key or self.person_key(row)
        try:
            return _decode(_open(AESGCM(key), row.sealed, b"person", row.person_id))
        except (InvalidTag, msgspec.DecodeError):
            raise DamageError(f"the data of person {row.person_id} was changed after it was sealed") from None


def fingerprint(person_key: bytes, data: bytes) -> bytes:
    """A digest of personal text (16 bytes) that cannot be guessed back once the person's key is gone."""
    return hmac.digest(_subkey(person_key, b"tranship fingerprint 1"), data, "sha256")[:16]


class Home(NamedTuple):
    """A household by its random id ("": none is known), and the row that has to be written for it, if any."""

    household_id: str
    row: HouseholdRow | None


class Known(NamedTuple):
    """Who an order goes to: their row, their own key, and where it goes."""

    row: PersonRow
    key: bytes
    address: Person

    def __repr__(self) -> str:
        return f"Known({self.row.person_id})"


_WORDS = {
    "street": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd", "court": "ct",
    "place": "pl", "square": "sq", "terrace": "ter", "highway": "hwy", "parkway": "pkwy", "circle": "cir", "trail": "trl",
    "apartment": "apt", "suite": "ste", "unit": "apt", "floor": "fl", "north": "n", "south": "s", "east": "e", "west": "w",
    "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw", "post": "p", "office": "o",
}  # fmt: skip
"""Words of an address that are also written short (USPS Publication 28, appendices B and C)."""


def plain_address(street: str) -> str:
    """A street line without what people write differently: case, accents, marks, and words that have a short form.

    >>> plain_address("12 North Main Street, Apartment 4-B") == plain_address("12 N. MAIN ST APT 4B")
    True
    """
    folded = unicodedata.normalize("NFKD", street.casefold())
    words = re.findall(
        r"[^\W_]+", "".join(c for c in folded if not unicodedata.combining(c)).replace("-", "").replace("'", "")
    )
    return " ".join(_WORDS.get(word, word) for word in words)


class People:
    """The people of one store: find, open and forget them. Safe for use by several threads."""

    def __init__(self, store: Store, vault: Vault, *, cache: int = CACHE_PEOPLE) -> None:
        """`cache` is how many references are remembered between `find`s."""
        self.store = store
        self.vault = vault
        self._limit = cache
        self._known: dict[tuple[str, str], str] = {}  # least recently used first
        self._homes: dict[bytes, tuple[str, set[str]]] = {}  # address -> household and who of it is known to live there
        self._mutex = threading.Lock()

    @classmethod
    def open(cls, store: Store, folder: Path, *, create: bool) -> "People":
        """The people of the store in `folder`, with the key file of that folder (see keyfile.key_path).

        With `create` a key file is made where the store never had one. UnavailableError where the key file is missing,
        unusable or not the one that sealed this store's people.
        """
        path = key_path(folder)
        bound = store.key_id()
        new = create and not bound and not path.exists()
        vault = Vault(create_key(path) if new else read_key(path))
        if bound and bound != vault.key_id:
            raise UnavailableError(
                f"key file {path} holds key {vault.key_id.hex()}, the people of {shown(folder)} were sealed under {bound.hex()}:"
                " bring the right key file back"
            )
        if create and not bound:
            store.bind_key(vault.key_id)
        return cls(store, vault)

    def find(self, source: str, ref: str) -> str | None:
        """The person_id of a source's customer, if known and not erased."""
        with self._mutex:
            person_id = self._known.pop((source, ref), None)
            if person_id is not None:
                self._known[source, ref] = person_id
                return person_id
        person_id = self.store.find_person(self.vault.blind(source, ref)) if ref else None
        if person_id is not None:
            self.remember(source, ref, person_id)
        return person_id

    def remember(self, source: str, ref: str, person_id: str) -> None:
        """Make a person findable before their row is committed; `forget` them where the commit fails."""
        with self._mutex:
            self._known.pop((source, ref), None)
            self._known[source, ref] = person_id
            if len(self._known) > self._limit:
                del self._known[next(iter(self._known))]

    def household(
        self, person_id: str, person: Person, to: Destination, pending: Sequence[HouseholdRow], fresh: Callable[[], str]
    ) -> Home:
        """The household that an order to this person goes to, and the row to be written where that says more than is known.

        `pending`: rows about to be written; `fresh()` names a new household. Nothing where no street is said.
        """
        blind = self.vault.home(person.street, to.zip, to.country)
        if not blind:
            return Home("", None)
        with self._mutex:
            held = self._homes.get(blind)
        if held is None:
            rows = [*self.store.households(blind), *(row for row in pending if row.blind == blind)]
            held = (rows[0].household_id, {row.person_id for row in rows}) if rows else (fresh(), set())
            with self._mutex:
                if len(self._homes) >= self._limit:
                    self._homes.clear()
                self._homes[blind] = held
        name, people = held
        if person_id in people:
            return Home(name, None)
        people.add(person_id)
        return Home(name, HouseholdRow(name, person_id, blind))

    def forget(self, person_ids: Sequence[str]) -> None:
        """Drop people from memory (not from the store)."""
        gone = set(person_ids)
        with self._mutex:
            self._homes.clear()  # who lives where may have been one of them
            for key in [key for key, person_id in self._known.items() if person_id in gone]:
                del self._known[key]

    def read(self, person_id: str) -> Person | None:
        """The person in clear; None once erased."""
        row = self.store.person(person_id)
        return self.vault.open(row) if row else None

    def address(self, order_id: str, person_id: str) -> Person | None:
        """Who an order goes to and where: the order's own address, else the person's first; None once erased."""
        known = self.known(order_id, person_id)
        return known.address if known is not None else None

    def known(self, order_id: str, person_id: str) -> "Known | None":
        """As `address`, with the person's row and own key."""
        row = self.store.person(person_id)
        if row is None:
            return None
        key, held = self.vault.person_key(row), self.store.address(order_id)
        address = self.vault.open(row, key) if held is None else _decode(self.vault.open_for(row, held.sealed, key))
        return Known(row, key, address)

    def address_row(self, order_id: str, row: PersonRow, person: Person) -> AddressRow:
        """An order's own address, sealed under its person's key."""
        return AddressRow(order_id, row.person_id, self.vault.seal_for(row, _encode(person)))

    def new_address(self, order_id: str, row: PersonRow, said: Person, held: AddressRow | None) -> AddressRow:
        """An order's new address: what was said of it, the rest as it was. `held`: the address so far, where it is not in the store yet."""
        held = held or self.store.address(order_id)
        old = _decode(self.vault.open_for(row, held.sealed)) if held is not None else self.vault.open(row)
        fresh = {name: value for name in said.__struct_fields__ if name != "ref" and (value := getattr(said, name))}
        return self.address_row(order_id, row, msgspec.structs.replace(old, **fresh))

    def erase(self, person_ids: Sequence[str]) -> int:
        """Forget people in memory and in every file of the folder; how many there were (see Store.erase)."""
        try:
            return self.store.erase_many(person_ids)
        finally:
            self.forget(person_ids)


def _subkey(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, purpose).derive(key)


def _seal(cipher: AESGCM, data: bytes, purpose: bytes, person_id: str) -> bytes:
    nonce = random_bytes(NONCE_BYTES)
    return VERSION + nonce + cipher.encrypt(nonce, data, VERSION + purpose + b"\0" + person_id.encode())


def _open(cipher: AESGCM, sealed: bytes, purpose: bytes, person_id: str) -> bytes:
    if sealed[:1] != VERSION or len(sealed) < 1 + NONCE_BYTES + 16:
        raise InvalidTag
    nonce = sealed[1 : 1 + NONCE_BYTES]
    return cipher.decrypt(nonce, sealed[1 + NONCE_BYTES :], VERSION + purpose + b"\0" + person_id.encode())
