"""Input that is not HTTP, or not quite."""

import pytest

from tests.raw_http import Client, get
from tests.serving.apps import Recorder

HOST = b"Host: fake\r\n"
MALFORMED = {
    "not-http": b"nonsense\r\n\r\n",
    "tls": bytes.fromhex("16030100a5010000a10303") + b"\0" * 100,
    "method-lower": b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    "method-unknown": b"FROB / HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect": b"CONNECT fake:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect-path": b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n",
    "http-0.9": b"GET /\r\n\r\n",
    "version-0.9": b"GET / HTTP/0.9\r\n\r\n",
    "version-1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "version-2.0": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "version-extra": b"GET / HTTP/1.1 x\r\n" + HOST + b"\r\n",
    "h2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "target-relative": b"GET abc HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-nul": b"GET /a\0b HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-control": b"GET /a\x01b HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-port": b"GET http://fake:99999/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-bracket": b"GET http://[::1/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-no-host": b"GET http:///x HTTP/1.1\r\n" + HOST + b"\r\n",
    "target-scheme": b"GET gopher://fake/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "host-missing": b"GET / HTTP/1.1\r\n\r\n",
    "host-twice": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "bare-cr": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\rX-B: b\r\n\r\n",
    "bare-lf": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\nX-B: b\r\n\r\n",
    "fold": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\r\n b\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\0b\r\n\r\n",
    "control": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\x07b\r\n\r\n",
    "space-before-colon": b"GET / HTTP/1.1\r\n" + HOST + b"X-A : b\r\n\r\n",
    "no-colon": b"GET / HTTP/1.1\r\n" + HOST + b"X-A\r\n\r\n",
    "no-name": b"GET / HTTP/1.1\r\n" + HOST + b": b\r\n\r\n",
    "name-not-ascii": b"GET / HTTP/1.1\r\n" + HOST + b"X-\xe9: b\r\n\r\n",
    "length-and-chunked": get("/", "Content-Length: 5", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n",
    "chunked-and-length": get("/", "Transfer-Encoding: chunked", "Content-Length: 5", method="POST") + b"0\r\n\r\n",
    "length-twice": get("/", "Content-Length: 4", "Content-Length: 4", method="POST") + b"body",
    **{
        f"length-{value:.9}": get("/", f"Content-Length: {value}", method="POST") + b"body"
        for value in ("+4", "-4", "0x4", "4.0", "4,4", "4 4", "four", "", "1_0", "9" * 30, "0" * 5000 + "4")
    },
    **{
        f"coding-{value}": get("/", f"Transfer-Encoding: {value}", method="POST") + b"0\r\n\r\n"
        for value in ("identity", "gzip, chunked", "chunked, chunked", "chunked, identity", "xchunked", "", '"chunked"')
    },
    "coding-1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    **{
        f"chunk-{name}": get("/", "Transfer-Encoding: chunked", method="POST") + data
        for name, data in {
            "hex-prefix": b"0x4\r\nbody\r\n0\r\n\r\n",
            "plus": b"+4\r\nbody\r\n0\r\n\r\n",
            "minus": b"-4\r\nbody\r\n0\r\n\r\n",
            "no-size": b"\r\nbody\r\n0\r\n\r\n",
            "too-long": b"4\r\nbody!\r\n0\r\n\r\n",
            "too-short": b"5\r\nbody\r\n0\r\n\r\n",
            "bare-lf": b"4\nbody\n0\n\n",
            "huge": b"f" * 17 + b"\r\nbody\r\n0\r\n\r\n",
            "nul": b"4\0\r\nbody\r\n0\r\n\r\n",
            "request": get("/smuggled"),
            "trailing-length": b"0\r\nContent-Length: 4\r\n\r\n",
        }.items()
    },
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_input_gets_one_empty_400_and_never_reaches_the_app(
    client: Client, app: Recorder, data: bytes
) -> None:
    client.send(data + get("/next"))

    reply = client.reply()
    assert (reply.status, reply.body) == (400, b"")
    assert set(reply.headers) == {"content-length", "connection", "date", "server"}
    assert reply.headers["connection"] == "close"
    assert client.rest() == b""
    assert app.environs == []


def test_input_that_ends_in_the_middle_is_malformed_too(client: Client, app: Recorder) -> None:
    client.send(get()[:-2])
    client.end_sending()

    assert client.reply().status == 400
    assert client.rest() == b""
    assert app.environs == []


def test_a_body_never_becomes_a_request(client: Client, app: Recorder) -> None:
    smuggled = get("/smuggled")
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE"):
        client.send(get("/", f"Content-Length: {len(smuggled)}", method=method) + smuggled)
        assert client.reply(method).status == 200

    assert {environ["PATH_INFO"] for environ in app.environs} == {"/"}
