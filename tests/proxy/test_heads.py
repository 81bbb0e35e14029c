"""The head of a request has one reading, or it is refused; only a list of headers passes, in either direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.proxy import heads
from tranship.proxy.refusal import RefusedError

HOST = (b"host", b"localhost")


def refused(*more: tuple[bytes, bytes], path: bytes = b"/a", query: bytes = b"", method: str = "GET") -> RefusedError:
    """The refusal of a head."""
    with pytest.raises(RefusedError) as caught:
        heads.read(method, path, query, [HOST, *more])
    return caught.value


@pytest.mark.parametrize("name", sorted(heads.ONCE))
def test_a_header_that_counts_may_be_there_once(name: bytes):
    """Two readers may take different ones."""
    found = refused((name, b"x"), (name, b"y"))
    assert found.status == 400 and found.leaf == name.decode()


@pytest.mark.parametrize(
    "path",
    [
        b"/a/../b", b"/a/./b", b"/a/%2e%2e/b", b"/a/%2E./b", b"/a%2fb", b"/a%5cb", b"/a\\b", b"//a", b"/a//b", b"/", b"", b"a",
        b"/a/", b"/%", b"/%zz", b"/%00", b"/%0a", b"/%ff", b"/%c3%28", b"/a b", b"/" + b"a/" * 80 + b"a", b"/%e2%80%ae",
    ],
)  # fmt: skip
def test_a_path_that_climbs_or_hides_is_refused(path: bytes):
    """Traversal, hidden slashes, broken escapes, bytes that are no UTF-8, signs that cannot be printed."""
    assert refused(path=path).name == "not-http"


@pytest.mark.parametrize(
    "query", [b"a=1&a=2", b"a", b"=1", b"a=%ff", b"a=%0d%0a", b"a=<b>", b"a=1&", b"%61=1&a=2", b"a=%"]
)
def test_a_query_that_could_be_read_twice_is_refused(query: bytes):
    """Names twice (also when one is escaped), names without a value, escapes that are none."""
    assert refused(query=query).name == "not-http"


def test_lengths_may_not_contradict():
    """The classical smuggling headers."""
    assert refused((b"content-length", b"3"), (b"transfer-encoding", b"chunked")).leaf == "transfer-encoding"
    assert refused((b"transfer-encoding", b"gzip, chunked")).leaf == "transfer-encoding"
    assert refused((b"x-http-method-override", b"PUT")).leaf == "x-http-method-override"
    with pytest.raises(RefusedError):
        heads.read("GET", b"/a", b"", [])


def test_paths_and_queries_are_decoded_once():
    """An order id may hold a percent sign, a blank or an accent."""
    head = heads.read("GET", b"/a/%2525/%C3%A9%20x", b"q=a+b%2B&n=%26", [HOST])
    assert head.segments == ("a", "%25", "é x") and head.query == {"q": "a b+", "n": "&"}


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_comes_is_read_or_refused(path: bytes, query: bytes):
    """No other error, and no segment that a file system or another server would take for a way."""
    try:
        head = heads.read("GET", b"/" + path, query, [HOST])
    except RefusedError:
        return
    assert all(segment not in {".", ".."} and "/" not in segment and segment.isprintable() for segment in head.segments)


@pytest.mark.parametrize(
    "value", [b"Bearer x", b"Ada Byron", b"Atza|a b", b"Atza|\xc3\xa9", b"", b"Atza|" + b"x" * 5000, b"atza|x"]
)
def test_what_is_no_access_token_does_not_leave(value: bytes):
    """The one header of a client that leaves has to look like Amazon's."""
    with pytest.raises(RefusedError):
        heads.access_token({b"x-amz-access-token": value})


@pytest.mark.parametrize("value", [b"Atza|IwEBI", b"Atc|MQEB", b"Atz.sprdt|AYAB-_", b"Atza|x+/=."])
def test_access_tokens_pass(value: bytes):
    """Seller's, grantless, restricted data tokens."""
    assert heads.access_token({b"x-amz-access-token": value}) == (("x-amz-access-token", value.decode()),)


def test_only_listed_headers_come_back():
    """An answer's cookies, addresses and free texts stay here; a listed header that looks wrong as well."""
    answer = {
        "x-amzn-requestid": "a-1",
        "retry-after": "soon",
        "set-cookie": "a=b",
        "x-amzn-ratelimit-limit": "2.0",
        "location": "/x",
    }
    assert heads.back(answer) == [(b"x-amzn-requestid", b"a-1"), (b"x-amzn-ratelimit-limit", b"2.0")]


@pytest.mark.parametrize(
    "kind", [b"", b"text/json", b"application/json; charset=latin-1", b"application/x-www-form-urlencoded"]
)
def test_bodies_are_json(kind: bytes):
    """Nothing else is read."""
    with pytest.raises(RefusedError) as caught:
        heads.check_body({b"content-type": kind}, wanted=True)
    assert caught.value.status == 415


def test_compressed_bodies_are_refused():
    """Also where the operation has no body."""
    for wanted in (True, False):
        with pytest.raises(RefusedError) as caught:
            heads.check_body({b"content-type": b"application/json", b"content-encoding": b"gzip"}, wanted=wanted)
        assert caught.value.leaf == "content-encoding"
    heads.check_body(
        {b"content-type": b'application/json; charset="UTF-8"', b"content-encoding": b"identity"}, wanted=True
    )


def test_who_may_come_in():
    """The token as bearer or in its own header; in Amazon's where the proxy logs in itself."""
    token = b"0123456789abcdef"
    assert heads.admitted({}, b"", own_login=False)
    assert not heads.admitted({}, token, own_login=True)
    assert heads.admitted({b"authorization": b"bearer " + token}, token, own_login=False)
    assert heads.admitted({b"x-tranship-token": token}, token, own_login=False)
    assert not heads.admitted({b"x-amz-access-token": token}, token, own_login=False)
    assert heads.admitted({b"x-amz-access-token": token}, token, own_login=True)
    assert not heads.admitted({b"x-tranship-token": token[:-1]}, token, own_login=False)
