"""An alert as e-mail, handed to one SMTP server: over TLS or not at all, in a thread because smtplib waits."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import msgspec

from tranship.connectors.alerts.model import NotDeliveredError
from tranship.core.secret import Pii, Secret, revealed
from tranship.dispatch.alerting import Message

MICROS = 1_000_000


class Server(msgspec.Struct, frozen=True):
    """Where e-mail is handed in, with the secrets already read. `ca_file` is for a server with a certificate of its own."""

    host: str
    port: int
    sender: Pii | str
    user: Secret | str = ""
    password: Secret | str = ""
    starttls: bool = True
    ca_file: str = ""
    timeout_s: float = 20

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("hidden", "***")]


def letter(server: Server, to: Pii | str, message: Message, party: str, at: int) -> EmailMessage:
    """The e-mail: plain text, marked as automatic so that no absence note answers it."""
    mail = EmailMessage()
    mail["From"], mail["To"] = revealed(server.sender), revealed(to)
    mail["Subject"] = " ".join(f"[{party}] {message.level}: {message.title}".split())[:200]
    mail["Date"] = formatdate(at // MICROS)
    mail["Message-ID"] = make_msgid(domain="tranship.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail


async def send_email(server: Server, to: Pii | str, message: Message, party: str, at: int) -> None:
    """Hand one e-mail in. Raises NotDeliveredError, naming neither sender nor recipient."""
    try:
        mail = letter(server, to, message, party, at)
    except ValueError:  # a line break in an address
        raise NotDeliveredError("e-mail: an address cannot be used") from None
    await asyncio.to_thread(_hand_in, server, mail)


def _hand_in(server: Server, mail: EmailMessage) -> None:
    try:
        with smtplib.SMTP(server.host, server.port, timeout=server.timeout_s) as smtp:
            if server.starttls:
                smtp.starttls(context=ssl.create_default_context(cafile=server.ca_file or None))
            if server.user:
                smtp.login(revealed(server.user), revealed(server.password))
            smtp.send_message(mail)
    except smtplib.SMTPResponseException as error:  # its text may name the recipient
        raise NotDeliveredError(f"e-mail: the server answered {error.smtp_code}") from None
    except ssl.SSLError:
        raise NotDeliveredError("e-mail: no TLS that can be trusted") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotDeliveredError(f"e-mail: {type(error).__name__}") from None
