"""A tiny SMTP server with STARTTLS and a tiny HTTP server, on loopback, that write down what they get."""

import asyncio
import base64
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of its own for 127.0.0.1: the file to trust it by, and a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return path, context


class MailServer:
    """Speaks enough SMTP for one letter. `refuse`: the answer to RCPT instead of 250."""

    def __init__(self, context: ssl.SSLContext | None = None, refuse: str = "") -> None:
        self.context, self.refuse = context, refuse
        self.letters: list[str] = []
        self.recipients: list[str] = []
        self.users: list[str] = []
        self.encrypted = False
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"220 ready\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                verb = line.partition(" ")[0].upper()
                if verb == "EHLO":
                    tls = b"250-STARTTLS\r\n" if self.context and not self.encrypted else b""
                    writer.write(b"250-here\r\n" + tls + b"250 AUTH PLAIN\r\n")
                elif verb == "STARTTLS" and self.context:
                    writer.write(b"220 go\r\n")
                    await writer.drain()
                    await writer.start_tls(self.context)
                    self.encrypted = True
                elif verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    self.letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                    writer.write(b"250 taken\r\n")
                elif verb == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(self.answer(verb, line))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left: a refused certificate

    def answer(self, verb: str, line: str) -> bytes:
        """The plain commands."""
        if verb == "AUTH":
            self.users.append(base64.b64decode(line.rsplit(maxsplit=1)[-1]).decode().split("\0")[1])
            return b"235 welcome\r\n"
        if verb == "RCPT":
            if self.refuse:
                return self.refuse.encode() + b"\r\n"
            self.recipients.append(line)
        return b"250 ok\r\n" if verb in {"MAIL", "RCPT", "RSET", "NOOP"} else b"502 what\r\n"


class WebServer:
    """Answers every request with one status, or never, and keeps head and body."""

    def __init__(self, status: int = 200, *, hang: bool = False) -> None:
        self.status, self.hang = status, hang
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((headers, body))
        if self.hang:
            await reader.read()  # until the client gives up
        else:
            location = "Location: http://127.0.0.1:1/\r\n" if self.status == 302 else ""
            writer.write(
                f"HTTP/1.1 {self.status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()


@asynccontextmanager
async def serving(one: MailServer | WebServer) -> AsyncIterator[MailServer | WebServer]:
    """The server on a free port of loopback."""
    talks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await one.talk(reader, writer)
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one
        _, still = await asyncio.wait(talks, timeout=1) if talks else (set(), set())
        for task in still:
            task.cancel()
