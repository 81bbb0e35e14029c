"""Alerts reach real servers on loopback, signed or encrypted, and what fails says why without an address, a URL or a key."""

import asyncio
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from tests.connectors.alerts.servers import MailServer, WebServer, certificate, serving
from tranship.connectors.alerts import NotDeliveredError, post_webhook, send, send_email
from tranship.connectors.alerts.mail import Server
from tranship.core.alerts import Alerts, Contact
from tranship.dispatch.alerting import Message

MESSAGE = Message("ops", "critical", "breaker_opened: amazon", "amazon gets no new work.", (7,), 0, 0)
AT = 1_800_000_000_000_000
KEY = "a-key-of-the-test"


def test_a_webhook_is_signed_json() -> None:
    """The receiver gets the message and can check who sent it, and when, with the shared key."""

    async def run() -> WebServer:
        async with serving(WebServer()) as web:
            await post_webhook(f"http://127.0.0.1:{web.port}/x", KEY, MESSAGE, "acme", AT)
        assert isinstance(web, WebServer)
        return web

    ((headers, body),) = asyncio.run(run()).requests
    seconds, _, given = headers["tranship-signature"].partition(",v1=")
    assert seconds == f"t={AT // 1_000_000}"
    assert given == hmac.new(KEY.encode(), f"{AT // 1_000_000}.".encode() + body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert told["level"] == "critical" and told["alerts"] == [7] and told["party"] == "acme"


@pytest.mark.parametrize(("status", "why"), [(500, "answered 500"), (302, "answered 302"), (404, "answered 404")])
def test_anything_but_success_is_no_delivery(status: int, why: str) -> None:
    """An error or a redirect is not followed and not believed."""

    async def run() -> None:
        async with serving(WebServer(status)) as web:
            await post_webhook(f"http://127.0.0.1:{web.port}/{KEY}", KEY, MESSAGE, "acme", AT)

    with pytest.raises(NotDeliveredError, match=why) as raised:
        asyncio.run(run())
    assert KEY not in str(raised.value)


def test_a_webhook_that_never_answers_is_given_up() -> None:
    """A hanging receiver costs its time limit and no more."""

    async def run() -> None:
        async with serving(WebServer(hang=True)) as web:
            await post_webhook(f"http://127.0.0.1:{web.port}/", KEY, MESSAGE, "acme", AT, timeout_s=0.1)

    with pytest.raises(NotDeliveredError, match="no answer within"):
        asyncio.run(run())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret-path", "nonsense"])
def test_a_webhook_that_cannot_be_reached_does_not_name_its_url(url: str) -> None:
    """The URL often is the secret: it is in no error."""
    with pytest.raises(NotDeliveredError) as raised:
        asyncio.run(post_webhook(url, KEY, MESSAGE, "acme", AT))
    assert url not in str(raised.value) and "secret-path" not in str(raised.value)


def test_an_email_goes_out_encrypted(tmp_path: Path) -> None:
    """STARTTLS first, then user and letter; the text arrives as it was."""
    trusted, context = certificate(tmp_path)

    async def run() -> MailServer:
        async with serving(MailServer(context)) as mail:
            server = Server("127.0.0.1", mail.port, "from@example.com", "user", "word", ca_file=str(trusted))
            await send_email(server, "ops@example.com", MESSAGE, "acme", AT)
        assert isinstance(mail, MailServer)
        return mail

    mail = asyncio.run(run())
    assert mail.encrypted and mail.users == ["user"]
    (letter,) = mail.letters
    assert "Subject: [acme] critical: breaker_opened: amazon" in letter
    assert "Auto-Submitted: auto-generated" in letter and "amazon gets no new work." in letter
    assert "ops@example.com" in mail.recipients[0]


@pytest.mark.parametrize(("tls", "trusted"), [(True, False), (False, False)], ids=["unknown certificate", "no TLS"])
def test_without_trusted_tls_nothing_is_sent(tmp_path: Path, tls: bool, trusted: bool) -> None:
    """A server that cannot encrypt, or that nobody vouches for, gets neither password nor letter."""
    _, context = certificate(tmp_path)

    async def run(mail: MailServer) -> None:
        async with serving(mail):
            server = Server("127.0.0.1", mail.port, "from@example.com", "user", "word")
            await send_email(server, "ops@example.com", MESSAGE, "acme", AT)

    mail = MailServer(context if tls else None)
    with pytest.raises(NotDeliveredError):
        asyncio.run(run(mail))
    assert not mail.users and not mail.letters


def test_a_refused_recipient_is_not_named() -> None:
    """The server's answer may repeat the address: only its code is passed on."""

    async def run(mail: MailServer) -> None:
        async with serving(mail):
            server = Server("127.0.0.1", mail.port, "from@example.com", starttls=False)
            await send_email(server, "ops@example.com", MESSAGE, "acme", AT)

    with pytest.raises(NotDeliveredError) as raised:
        asyncio.run(run(MailServer(refuse="550 no ops@example.com here")))
    assert "ops@example.com" not in str(raised.value)


def test_a_line_break_in_an_address_is_refused() -> None:
    """Headers cannot be smuggled in through an address or a title."""
    server = Server("127.0.0.1", 1, "from@example.com", starttls=False)
    with pytest.raises(NotDeliveredError, match="address"):
        asyncio.run(send_email(server, "a@example.com\nBcc: b@example.com", MESSAGE, "acme", AT))


def settings(monkeypatch: pytest.MonkeyPatch, web: int, mail: int) -> Alerts:
    """A contact with both ways, its references set."""
    values = {"HOOK": f"http://127.0.0.1:{web}/", "KEY": KEY, "TO": "ops@example.com", "FROM": "from@example.com"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    contact = Contact("ops", "env:HOOK", "env:KEY", "env:TO")
    return Alerts((contact,), smtp_host="127.0.0.1", smtp_port=mail, smtp_starttls=False, smtp_sender="env:FROM")


@pytest.mark.parametrize(("status", "refuse"), [(200, "550 no"), (500, ""), (200, "")])
def test_one_way_that_works_is_enough(monkeypatch: pytest.MonkeyPatch, status: int, refuse: str) -> None:
    """Webhook and e-mail are both tried; one that gets through is a delivery."""

    async def run() -> None:
        async with serving(WebServer(status)) as web, serving(MailServer(refuse=refuse)) as mail:
            await send(settings(monkeypatch, web.port, mail.port), "acme", MESSAGE, AT)
            assert isinstance(web, WebServer) and isinstance(mail, MailServer)
            assert len(web.requests) == 1 and len(mail.letters) == (not refuse)

    asyncio.run(run())


def test_no_way_that_works_says_all_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing gets through, or a secret is not there, the caller is told why."""
    alerts = settings(monkeypatch, 1, 1)
    with pytest.raises(NotDeliveredError, match=r"webhook: .*; e-mail: "):
        asyncio.run(send(alerts, "acme", MESSAGE, AT))
    monkeypatch.delenv("KEY")
    with pytest.raises(NotDeliveredError, match="environment variable KEY is not set"):
        asyncio.run(send(alerts, "acme", MESSAGE, AT))
