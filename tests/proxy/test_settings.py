"""Every limit has a range, a place in the docs, and a refusal that names what is allowed."""

from dataclasses import fields

import pytest

from tests.support import ROOT
from tranship.core.errors import InputError
from tranship.proxy.settings import TOKEN, ProxySettings

UP = "https://network.example"
LIMITS = [field for field in fields(ProxySettings) if field.name.endswith(("_max", "_s", "_cached"))]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda field: field.name)
def test_a_limit_is_documented_and_has_a_range(limit: object):
    """Its default stands in the page, and neither end of the world is taken."""
    name, default = limit.name, limit.default  # type: ignore[attr-defined]
    page = (ROOT / "docs" / "proxy.md").read_text()
    assert f"| `{name}` | {default:,} |" in page
    for wrong in (-1, 10**12):
        with pytest.raises(InputError, match=name):
            ProxySettings(UP, **{name: wrong})


@pytest.mark.parametrize(
    "url",
    ["", "network.example", "ftp://network.example", "http://network.example", "https://network.example/path", "https://a:b@network.example",
     "https://network.example?x=1", "https://network.example:99999", "https://", "http://127.0.0.1.example.com"],
)  # fmt: skip
def test_only_a_plain_address_is_an_upstream(url: str):
    """No path, no password, no query; without TLS on this machine only. The address itself is not repeated."""
    with pytest.raises(InputError) as caught:
        ProxySettings(url)
    assert "a:b" not in str(caught.value)


def test_an_open_address_needs_a_token(monkeypatch: pytest.MonkeyPatch):
    """16 characters and more, from the environment; it is in no repr."""
    with pytest.raises(InputError, match="token"):
        ProxySettings(UP, "0.0.0.0")
    with pytest.raises(InputError, match="too short"):
        ProxySettings(UP, token="short")
    monkeypatch.setenv("TRANSHIP_PROXY_TOKEN", "0123456789abcdef")
    settings = ProxySettings(UP, "0.0.0.0", token=TOKEN.read())
    assert "0123456789abcdef" not in repr(settings)
