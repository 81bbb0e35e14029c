"""What a client is told where nothing is passed on: RFC 9457 problem details that name what and why, never a value."""

import msgspec

MEDIA_TYPE = b"application/problem+json"

_encode = msgspec.json.Encoder().encode


class RefusedError(Exception):
    """A message that is not passed on. `sent` says what became of the request: no | maybe | yes.

    `leaf` is the place in the message, `why` a sentence of ours: neither ever holds anything of the message itself.
    """

    def __init__(
        self, status: int, name: str, why: str, *, leaf: str = "", sent: str = "no", retry_after_s: int = 0, close: bool = False
    ) -> None:  # fmt: skip
        self.status, self.name, self.why, self.leaf = status, name, why, leaf
        self.sent, self.retry_after_s, self.close = sent, retry_after_s, close
        super().__init__(f"{status} {name}: {leaf}: {why}" if leaf else f"{status} {name}: {why}")

    def body(self) -> bytes:
        """The problem document."""
        problem: dict[str, object] = {
            "type": f"urn:tranship:problem:proxy:{self.name}",
            "title": TITLES[self.name],
            "status": self.status,
            "detail": self.why,
            "sent": self.sent,
        }
        if self.leaf:
            problem["leaf"] = self.leaf
        return _encode(problem)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Its headers, without the length."""
        found = [(b"content-type", MEDIA_TYPE), (b"cache-control", b"no-store")]
        if self.retry_after_s:
            found.append((b"retry-after", str(self.retry_after_s).encode()))
        if self.close:
            found.append((b"connection", b"close"))
        if self.status == 401:
            found.append((b"www-authenticate", b'Bearer realm="tranship proxy"'))
        return found


TITLES = {
    "not-http": "The request is not one that can be read in one way only",
    "no-route": "The policy knows no such operation",
    "unauthorized": "A token is needed",
    "host": "This is not the host that was meant",
    "header": "A header cannot be taken",
    "content-type": "The content type is not one that is read here",
    "encoding": "Compressed bodies are not read here",
    "too-large": "The body is too large",
    "too-slow": "The body did not arrive",
    "busy": "Not now",
    "masking": "The message cannot be masked",
    "unknown-order": "There is no such order here",
    "vault": "The vault cannot be used",
    "not-sent": "The network could not be reached",
    "lost": "The network's answer was lost",
    "document": "The document was not passed on",
    "quarantine": "The network's answer was not passed on",
    "internal": "A fault of the proxy",
}
"""Every way in which the proxy says no, by the last word of the problem's type."""
