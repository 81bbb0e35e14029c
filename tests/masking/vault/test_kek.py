import base64
import json
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.masking.vault.vaults import Ground
from tranship.core.errors import InputError, UnavailableError
from tranship.masking.tokens import Found
from tranship.masking.vault.kek import CommandKek, HttpKek, LocalKek, Wrapped
from tranship.store.vaulting import kek_of

KEY = bytes(range(32))
Answer = Callable[[dict[str, str]], tuple[int, bytes]]

HOOK = """
import base64, json, sys
asked = json.load(sys.stdin)
{rule}
flip = lambda data: bytes(byte ^ 0x5A for byte in base64.b64decode(data))
if asked["op"] == "wrap":
    answer = {{"wrapped": base64.b64encode(flip(asked["key"]) + asked["context"].encode()).decode(), "kek_id": "alias/demo"}}
else:
    held = base64.b64decode(asked["wrapped"])
    assert held[32:].decode() == asked["context"] and asked["kek_id"] == "alias/demo"
    answer = {{"key": base64.b64encode(flip(base64.b64encode(held[:32]))).decode()}}
print(json.dumps(answer))
"""


def hook(folder: Path, rule: str = "") -> str:
    """A command that answers as a key service would; `rule` comes first."""
    path = folder / "hook.py"
    path.write_text(HOOK.format(rule=textwrap.dedent(rule)))
    return f"{sys.executable} {path}"


def test_a_local_key_wraps_and_unwraps() -> None:
    """What it wrapped comes back in the same context; in another one, changed or by another key it does not."""
    kek, other = LocalKek(b"a" * 32, "key file"), LocalKek(b"b" * 32, "key file")
    wrapped = kek.wrap(KEY, "here")
    assert kek.unwrap(wrapped, "here") == KEY and KEY not in wrapped.data
    with pytest.raises(UnavailableError, match="bring the right one back"):
        other.unwrap(wrapped, "here")
    for data, context in ((wrapped.data, "there"), (wrapped.data[:-1], "here"), (b"", "here")):
        with pytest.raises(UnavailableError, match="changed after it was wrapped"):
            kek.unwrap(wrapped._replace(data=data), context)
    with pytest.raises(InputError, match="5 bytes"):
        LocalKek(b"short", "variable X")


def test_a_command_is_asked(tmp_path: Path) -> None:
    """A vault behind a command keeps tokens; the keys in the store are those that the command wrapped."""
    ground = Ground(CommandKek(hook(tmp_path)))
    session = ground.vault.session("AMZ")
    token = session.token("name", "O1", "Ada")
    ground.keep(session)
    assert {row.kek_id for row in ground.store.masking_keys()} == {"alias/demo"}
    assert ground.opened().session("AMZ").found(token) == Found("name", "O1", "Ada")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("import time; time.sleep(30)", "no answer within 0.5 s"),
        ("sys.exit(3)", "ended with status 3"),
        ("raise SystemExit(base64.b64decode(asked['key']).hex())", "ended with status 1"),
        ("print('{}'); sys.exit()", "its answer is not one"),
        ("print('[1]'); sys.exit()", "its answer is not one"),
        ("print('no json'); sys.exit()", "its answer is not one"),
        ('print(\'{"wrapped":"%%%"}\'); sys.exit()', "its answer is not one"),
        ("print('x' * 100000); sys.exit()", "too large"),
        ("while True: print('x' * 10000)", "too large"),
        ("sys.stderr.write('x' * 10**6); sys.exit(4)", "ended with status 4"),
        ("import os, time; os.close(1); time.sleep(30)", "no answer within 0.5 s"),
    ],
)
def test_a_command_that_fails_gives_no_tokens(tmp_path: Path, rule: str, said: str) -> None:
    """Slow, failing, or talking nonsense: nothing is masked, nothing is stored, and the error holds no key."""
    ground = Ground(CommandKek(hook(tmp_path, rule), timeout_s=0.5 if "0.5 s" in said else 20))
    with pytest.raises(UnavailableError, match=said) as told:
        ground.vault.session("AMZ").token("name", "O1", "Ada")
    assert "nothing leaves" in str(told.value) and ground.store.masking_keys() == [] and ground.store.known == {}


def test_a_service_that_hangs_is_not_waited_for_by_everyone_in_turn(tmp_path: Path) -> None:
    """After one late answer the next callers are refused at once, for as long as an answer may take; then it is asked again."""
    asked = tmp_path / "asked"
    kek = CommandKek(hook(tmp_path, f"open({str(asked)!r}, 'a').write('x'); import time; time.sleep(30)"), timeout_s=2)
    for _ in range(5):
        with pytest.raises(UnavailableError, match="no answer within 2 s"):
            kek.wrap(KEY, "here")
    assert asked.read_text() == "x"


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No such program, or nothing in the setting."""
    with pytest.raises(UnavailableError, match="No such file"):
        CommandKek(str(tmp_path / "nothing")).wrap(KEY, "here")
    for text in ("", "  ", "'open"):
        with pytest.raises(InputError, match="names no command"):
            CommandKek(text)


class Service:
    """A key service on loopback whose answers a test chooses."""

    def __init__(self) -> None:
        self.answer: Answer = self.right
        self.heads: list[dict[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.heads.append(dict(self.headers))
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = service.answer(asked)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                for k in range(0, len(body), 10):
                    self.wfile.write(body[k : k + 10])

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def right(self, asked: dict[str, str]) -> tuple[int, bytes]:
        """As a service should answer."""
        if asked["op"] == "wrap":
            held = base64.b64decode(asked["key"])[::-1]
            return 200, json.dumps({"wrapped": base64.b64encode(held).decode(), "kek_id": "k1"}).encode()
        key = base64.b64decode(asked["wrapped"])[::-1]
        return 200, json.dumps({"key": base64.b64encode(key).decode()}).encode()

    def close(self) -> None:
        """Stop it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    """A key service."""
    found = Service()
    yield found
    found.close()


def test_a_service_is_asked(service: Service) -> None:
    """A vault behind an address keeps tokens; the bearer token goes along."""
    kek = HttpKek(service.url, token="let-me-in")
    ground = Ground(kek)
    token = ground.token("name", "O1", "Ada")
    assert ground.opened().session("AMZ").found(token) == Found("name", "O1", "Ada")
    assert {head["Authorization"] for head in service.heads} == {"Bearer let-me-in"}
    assert "let-me-in" not in repr(kek) + kek.name


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: (500, b"{}"), "answered with status 500"),
        (lambda _: (302, b"{}"), "answered with status 302"),
        (lambda _: (200, b"{}"), "its answer is not one"),
        (lambda _: (200, b'{"key":"AAAA"}'), "its answer is not one"),
        (lambda _: (200, b"x" * 70_000), "too large"),
    ],
    ids=["error", "redirect", "empty", "short", "large"],
)
def test_a_service_that_answers_wrongly_opens_nothing(service: Service, answer: Answer, said: str) -> None:
    """Any answer but a key is a failure: no redirect is followed, no status is forgiven."""
    service.answer = answer
    with pytest.raises(UnavailableError, match=said):
        HttpKek(service.url).unwrap(Wrapped(KEY, "k1"), "here")


def test_a_service_that_trickles_ends_with_the_time_limit(service: Service) -> None:
    """The limit is for the whole answer, not for each piece of it."""
    over = threading.Event()

    def slowly(_: dict[str, str]) -> tuple[int, bytes]:
        over.wait(5)
        return 200, b"{}"

    service.answer = slowly
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"no answer within 0.2 s|time"):
        HttpKek(service.url, 0.2).unwrap(Wrapped(KEY, "k1"), "here")
    assert time.monotonic() - began < 4
    over.set()


def test_keys_go_to_safe_addresses_only() -> None:
    """Https anywhere, http on this machine; no password in the address, no time limit out of range."""
    for bad in (
        "http://keys.example.com/",
        "ftp://127.0.0.1/",
        "https://user:pw@keys.example.com/",
        "https://",
        "http://10.0.0.1/",
    ):
        with pytest.raises(InputError):
            HttpKek(bad)
    assert HttpKek("https://keys.example.com/v1?x=1").name == "https://keys.example.com"
    with pytest.raises(InputError, match="time limit"):
        HttpKek("https://keys.example.com/", 1000)


def test_the_environment_says_who_wraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of setting gives its kind of key; what is wrong with one is told without showing it."""
    monkeypatch.delenv("TRANSHIP_KEY_FILE", raising=False)
    with pytest.raises(UnavailableError, match="key file"):
        kek_of(tmp_path)
    monkeypatch.setenv("MY_KEY", "ab" * 32)
    monkeypatch.setenv("TRANSHIP_MASKING_KEY", "env:MY_KEY")
    assert kek_of(tmp_path).unwrap(kek_of(tmp_path).wrap(KEY, "x"), "x") == KEY
    monkeypatch.setenv("MY_KEY", "secret-but-no-key")
    with pytest.raises(UnavailableError, match="variable MY_KEY does not hold a key") as told:
        kek_of(tmp_path)
    assert "secret" not in str(told.value)
    assert isinstance(kek_of(tmp_path, "command:true"), CommandKek)
    assert isinstance(kek_of(tmp_path, "https://keys.example.com/"), HttpKek)
    for said in ("vault:x", "ab" * 32):
        with pytest.raises(InputError, match="names no kind of key") as told:
            kek_of(tmp_path, said)
        assert "vault" not in str(told.value) and "abab" not in str(told.value), "it may be the key itself"
    monkeypatch.setenv("TRANSHIP_MASKING_KEY_TIMEOUT_S", "soon")
    with pytest.raises(InputError, match="no number of seconds"):
        kek_of(tmp_path, "command:true")
