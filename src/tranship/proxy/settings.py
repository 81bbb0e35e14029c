"""Settings of the proxy, each with its range. A limit on everything that comes from either side."""

from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from tranship.connectors.download import check_host
from tranship.connectors.settings import is_loopback
from tranship.core.errors import InputError
from tranship.wire.settings import TokenPlace, check_ranges, check_token

TOKEN = TokenPlace("TRANSHIP_PROXY_TOKEN", "TRANSHIP_PROXY_TOKEN_FILE")
DOCUMENT_HOSTS = (
    "tortuga-prod-na.s3-external-1.amazonaws.com", "tortuga-prod-na.s3.amazonaws.com", "tortuga-prod-eu.s3-eu-west-1.amazonaws.com",
)  # fmt: skip
"""Where Amazon's reports lie, as far as public code and issues name the place; `--document-host` adds others."""


@dataclass(frozen=True)
class ProxySettings:
    """Where the proxy listens, the one address it talks to, and what it lets through at a time."""

    upstream: str  # https://HOST[:PORT]; http:// on loopback only
    host: str = "127.0.0.1"  # a loopback address, unless there is a token
    port: int = 8100  # 0 .. 65,535; 0: any free one
    token: str = ""  # what clients must show; at least 16 characters; empty: on loopback only
    certificate: str = ""  # PEM file of the proxy's own certificate and chain; empty: plain HTTP in
    certificate_key: str = ""  # PEM file of its key; empty: in the same file
    body_bytes_max: int = 1_048_576  # 1,024 .. 1 MiB: a request's body
    body_timeout_s: float = 20  # 0.1 .. 600: for a whole body
    head_bytes_max: int = 32_768  # 1,024 .. 1 MiB: request line and headers
    head_timeout_s: float = 10  # 0.1 .. 600: for the same
    answer_bytes_max: int = 4_194_304  # 1,024 .. 64 MiB: an upstream's answer, after decompression
    upstream_timeout_s: float = 15  # 0.1 .. 600: for a whole exchange with the upstream
    requests_max: int = 64  # 1 .. 10,000: under way at a time, and connections to the upstream
    waiting_max: int = 256  # 0 .. 100,000: that wait for one of those; above, 503
    waiting_timeout_s: float = 10  # 0.1 .. 600: that a request waits for its turn
    vault_timeout_s: float = 10  # 0.1 .. 600: for the vault's answer; then nothing is sent
    orders_cached: int = 10_000  # 0 .. 1,000,000: orders whose keys and tokens are kept in memory
    document_bytes_max: int = 268_435_456  # 1,024 .. 4 GiB: a report's document, after decompression
    document_timeout_s: float = 120  # 0.1 .. 3,600: for fetching one, and again for handing it out
    document_hosts: tuple[str, ...] = DOCUMENT_HOSTS  # where documents may be fetched from, over https
    token_days: int = 180  # 0 .. 3,650: after an order is over, until what its tokens stand for is forgotten; 0: never

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_address(self.upstream, "--upstream")
        for host in self.document_hosts:
            check_host(host, "--document-host")
        check_token(self.token, self.host, TOKEN)
        if self.certificate_key and not self.certificate:
            raise InputError("certificate_key without a certificate", where="settings", hint="Name both.")

    def __repr__(self) -> str:
        return f"ProxySettings({self.host}:{self.port} -> {self.upstream})"  # the token stays out of it


_RANGES: dict[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "body_bytes_max": (1_024, 1_048_576),
    "body_timeout_s": (0.1, 600),
    "head_bytes_max": (1_024, 1_048_576),
    "head_timeout_s": (0.1, 600),
    "answer_bytes_max": (1_024, 64 * 1_048_576),
    "upstream_timeout_s": (0.1, 600),
    "requests_max": (1, 10_000),
    "waiting_max": (0, 100_000),
    "waiting_timeout_s": (0.1, 600),
    "vault_timeout_s": (0.1, 600),
    "orders_cached": (0, 1_000_000),
    "document_bytes_max": (1_024, 4 * 1_073_741_824),
    "document_timeout_s": (0.1, 3_600),
    "token_days": (0, 3_650),
}
_TEXTS = {"document_hosts", "upstream", "host", "token", "certificate", "certificate_key"}
assert {field.name for field in fields(ProxySettings)} == {*_RANGES, *_TEXTS}, "a setting without a range"


def check_address(url: str, where: str) -> None:
    """Whether an address may be talked to: https, or http on this machine. InputError where not, without the address itself."""
    parts = urlsplit(url)
    hint = "Write https://HOST or https://HOST:PORT, nothing behind it; http:// only for a host on this machine."
    try:
        known = parts.hostname is not None and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is none
        known = False
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
    if not known or more or parts.scheme not in {"http", "https"}:
        raise InputError("is not an address", where=where, hint=hint)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InputError("would be reached without TLS", where=where, hint=hint)
