"""Who wraps the masking keys: a key held here, or a key service that is asked. Whatever fails, nothing can be masked, and nothing leaves.

A masking key is wrapped with a context (party, network, kind, purpose, key id): wrapped bytes that were copied to another
row do not open.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import os
import secrets
import selectors
import shlex
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from subprocess import DEVNULL, PIPE
from typing import IO, Any, NamedTuple, Protocol, cast
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tranship.core.errors import InputError, UnavailableError

KEY_BYTES = 32
TIMEOUT_S = 5.0
"""How long a key service may take for one answer, in all."""
TIMEOUT_RANGE_S = (0.05, 60.0)
ANSWER_BYTES_MAX = 65_536
WRAPPED_BYTES_MAX = 8_192


class Wrapped(NamedTuple):
    """A wrapped key, and the name of the key that wrapped it, as a service wants to hear it again."""

    data: bytes
    kek_id: str


class Kek(Protocol):
    """A key-encrypting key. Both calls raise UnavailableError where it cannot be had or does not open what it should."""

    @property
    def name(self) -> str:
        """What it is, without anything secret: for `tranship vault status` and error texts."""

    def wrap(self, key: bytes, context: str) -> Wrapped:
        """Wrap a key."""

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """The key again."""


class LocalKek:
    """A key that this process holds: out of the run's key file, or an environment variable."""

    def __init__(self, master: bytes, source: str) -> None:
        """`source` says where it came from, for error texts. InputError where it is too short to be a key."""
        if len(master) < KEY_BYTES:
            raise InputError(f"holds {len(master)} bytes, a key has {KEY_BYTES}", where=source)
        key = HKDF(SHA256(), KEY_BYTES, None, b"tranship masking kek 1").derive(master)
        self._cipher = AESGCM(key)
        self._id = f"local:{hmac.digest(key, b'tranship masking kek id 1', 'sha256')[:8].hex()}"
        self._source = source

    def __repr__(self) -> str:
        return f"LocalKek({self._id})"

    @property
    def name(self) -> str:
        """See Kek."""
        return f"{self._source} ({self._id})"

    def wrap(self, key: bytes, context: str) -> Wrapped:
        """See Kek."""
        nonce = secrets.token_bytes(12)
        return Wrapped(nonce + self._cipher.encrypt(nonce, key, context.encode()), self._id)

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """See Kek."""
        try:
            return self._cipher.decrypt(wrapped.data[:12], wrapped.data[12:], context.encode())
        except (InvalidTag, ValueError):
            why = (
                f"was wrapped by {wrapped.kek_id}, this is {self._id}: bring the right one back"
                if wrapped.kek_id != self._id
                else "was changed after it was wrapped"
            )
            raise UnavailableError(f"a masking key cannot be opened with {self._source}: it {why}") from None


class _Asked(ABC):
    """What both kinds of key services are asked: one JSON object there, one back, within a time limit for the whole."""

    def __init__(self, name: str, timeout_s: float) -> None:
        low, high = TIMEOUT_RANGE_S
        if not low <= timeout_s <= high:
            raise InputError(f"is {timeout_s:g} s, not {low:g} to {high:g}", where="time limit of the key service")
        self._name, self._timeout_s = name, timeout_s
        self._rests_until = 0.0  # monotonic seconds

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name})"

    @property
    def name(self) -> str:
        """See Kek."""
        return self._name

    def wrap(self, key: bytes, context: str) -> Wrapped:
        """See Kek."""
        answer = self._answer({"op": "wrap", "key": base64.b64encode(key).decode(), "context": context})
        data = _bytes(answer, "wrapped")
        kek_id = answer.get("kek_id") or "service"
        if data is None or not isinstance(kek_id, str) or len(kek_id) > 300 or len(data) > WRAPPED_BYTES_MAX:
            raise self._failed("its answer is not one")
        return Wrapped(data, kek_id)

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """See Kek."""
        data = base64.b64encode(wrapped.data).decode()
        key = _bytes(
            self._answer({"op": "unwrap", "wrapped": data, "kek_id": wrapped.kek_id, "context": context}), "key"
        )
        if key is None or len(key) != KEY_BYTES:
            raise self._failed("its answer is not one")
        return key

    def _answer(self, question: dict[str, str]) -> dict[str, Any]:
        if time.monotonic() < self._rests_until:  # whoever queued behind a call that hung does not wait as long again
            raise self._failed(f"no answer within {self._timeout_s:g} s")
        try:
            found = msgspec.json.decode(self._ask(msgspec.json.encode(question)))
        except msgspec.DecodeError:
            found = None
        if not isinstance(found, dict):
            raise self._failed("its answer is not one")
        return found

    @abstractmethod
    def _ask(self, question: bytes) -> bytes:
        """The answer's bytes; UnavailableError where there is none in time."""

    def _late(self) -> UnavailableError:
        """It hangs: for as long again nobody asks it."""
        self._rests_until = time.monotonic() + self._timeout_s
        return self._failed(f"no answer within {self._timeout_s:g} s")

    def _failed(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"the key service {self._name} cannot be used: {why}. Nothing is masked, nothing leaves"
        )


class CommandKek(_Asked):
    """A key service behind a local command: the question on its standard input, the answer on its standard output."""

    def __init__(self, command: str, timeout_s: float = TIMEOUT_S) -> None:
        """`command` as a shell would split it; no shell is used. InputError where there is nothing in it."""
        try:
            self._argv = shlex.split(command)
        except ValueError:
            self._argv = []
        if not self._argv:
            raise InputError("names no command", where="key service")
        name = self._argv[0].partition("=")[0]  # `KEY=... command` is for shells: not shown, not run
        super().__init__(f"command {name}", timeout_s)

    def _ask(self, question: bytes) -> bytes:
        end = time.monotonic() + self._timeout_s
        try:  # what it writes on standard error may hold anything: it goes nowhere
            child = subprocess.Popen(self._argv, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        except OSError as error:
            raise self._failed(error.strerror or "it cannot be started") from None
        with child:
            try:
                answer = self._talk(child, question, end)
                status = child.wait(max(0.0, end - time.monotonic()))
            except (TimeoutError, subprocess.TimeoutExpired):
                raise self._late() from None
            finally:
                child.kill()
        if status:
            raise self._failed(f"it ended with status {status}")
        return answer

    def _talk(self, child: "subprocess.Popen[bytes]", question: bytes, end: float) -> bytes:
        """Ask, and read until it has nothing more to say, is late (TimeoutError), or says too much to be an answer."""
        answer, rest = bytearray(), memoryview(question)
        hears, says = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        os.set_blocking(hears.fileno(), False)
        with selectors.DefaultSelector() as both:
            both.register(hears, selectors.EVENT_WRITE)
            both.register(says, selectors.EVENT_READ)
            while says in both.get_map():
                ready = both.select(max(0.0, end - time.monotonic()))
                if not ready or time.monotonic() > end:
                    raise TimeoutError
                for each, _ in ready:
                    if each.fileobj is hears:
                        rest = _told(each.fd, rest)
                        if not rest:
                            both.unregister(hears)
                            hears.close()
                    elif piece := os.read(each.fd, 16_384):
                        answer += piece
                    else:
                        both.unregister(says)
                if len(answer) > ANSWER_BYTES_MAX:
                    raise self._failed("its answer is too large")
        return bytes(answer)


def _told(fd: int, rest: memoryview) -> memoryview:
    """What is left of a question after as much was written as there was room for; nothing where nobody listens any more."""
    try:
        return rest[os.write(fd, rest) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


class HttpKek(_Asked):
    """A key service behind an address: https, or http on this machine. No redirects, no proxies."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S, token: str = "") -> None:
        """`token` is sent as bearer token. InputError where the address is none, or not safe to send keys to."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
            raise InputError("is no http or https address without a password in it", where="key service")
        if parts.scheme == "http" and host not in {"127.0.0.1", "::1", "localhost"}:
            raise InputError("is not on this machine: keys leave it over https only", where="key service")
        super().__init__(f"{parts.scheme}://{host}", timeout_s)
        self._https, self._host, self._port = parts.scheme == "https", host, parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}

    def _ask(self, question: bytes) -> bytes:
        end = time.monotonic() + self._timeout_s
        make = (
            http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
            if self._https
            else http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        )
        try:
            make.request("POST", self._path, question, self._headers)
            answer = make.getresponse()
            body = bytearray()
            while piece := answer.read1(16_384):  # read1, so that an answer that trickles in ends with the time limit
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    raise self._failed("its answer is too large")
                if time.monotonic() > end:
                    raise self._late()
        except TimeoutError:
            raise self._late() from None
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(getattr(error, "strerror", None) or type(error).__name__) from None
        finally:
            make.close()
        if answer.status != 200:
            raise self._failed(f"it answered with status {answer.status}")
        return bytes(body)


def _bytes(answer: dict[str, Any], name: str) -> bytes | None:
    text = answer.get(name)
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except binascii.Error:
        return None


def fingerprint(key: bytes) -> str:
    """Eight bytes that name a key without giving it away, hexadecimal."""
    return hashlib.sha256(b"tranship masking key 1" + key).hexdigest()[:16]
