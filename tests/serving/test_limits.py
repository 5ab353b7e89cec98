"""What a client may ask, in bytes and connections."""

import sys
from collections.abc import Callable

import pytest

from tests.raw_http import Client, chunked, get, post
from tests.serving.apps import Ignoring, Recorder, answers
from tests.serving.processes import FINE, run_python
from tests.serving.servers import Serve, assert_refused, eventually, open_connections
from tiledesk_fake.serving import limits
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.server import Server


def head_of(size: int, *, lines: int = 1) -> bytes:
    """A request that is a head of exactly `size` bytes, most of them in so many headers."""
    names = [f"X-{number:04}: " for number in range(lines)]
    room = size - len(get("/", *names))
    fill = ["a" * (room // lines + (room % lines if number == 0 else 0)) for number in range(lines)]
    return get("/", *(name + value for name, value in zip(names, fill, strict=True)))


@pytest.mark.parametrize("lines", [1, 500])
def test_a_head_may_have_16384_bytes_and_no_more(serve: Serve, app: Recorder, lines: int) -> None:
    port = serve(app).port
    with Client(port) as client:
        assert len(head_of(16_384, lines=lines)) == 16_384
        client.send(get() + head_of(16_384, lines=lines) * 2)
        assert [client.reply().status for _ in range(3)] == [200, 200, 200]
        client.send(head_of(16_385, lines=lines) + get("/next"))
        assert_refused(client, 431)
    with Client(port) as client:
        client.send(get("/" + "a" * 16_384))
        assert_refused(client, 431)
    assert len(app.environs) == 3


@pytest.mark.parametrize(
    "endless",
    [
        b"A" * 1_000_000,
        b"GET /" + b"a" * 1_000_000,
        b"GET / HTTP/1.1\r\n" + b"X" * 1_000_000,
        b"GET / HTTP/1.1\r\nX-A:" + b" " * 1_000_000,
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * 1_000_000,
        b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 100_000,
        get("/", "Transfer-Encoding: chunked", method="POST") + b"0\r\nX-A: " + b"a" * 1_000_000,
        get("/", "Transfer-Encoding: chunked", method="POST") + b"0\r\n" + b"X-A: b\r\n" * 100_000,
        get("/", "Transfer-Encoding: chunked", method="POST") + b"4;x=" + b"a" * 1_000_000,
    ],
    ids=["method", "target", "name", "blanks", "value", "headers", "trailer", "trailers", "chunk-extension"],
)
def test_what_never_ends_is_cut_off(client: Client, app: Recorder, endless: bytes) -> None:
    client.send_despite_close(endless)

    assert client.reply().status == (400 if endless.startswith(b"A") else 431)
    assert client.rest() == b""
    assert app.environs == []


def test_trailers_count_as_head(serve: Serve, app: Recorder) -> None:
    port = serve(app).port
    for size, status in ((6_000, 200), (9_000, 431)):
        header, trailer = f"X-A: {'a' * 8_000}", f"X-B: {'b' * size}"
        with Client(port) as client:
            client.send(chunked(b"body", headers=(header,), trailers=(trailer,)))
            assert client.reply().status == status


@pytest.mark.parametrize(
    "framed", [post, lambda body: chunked(*(body[at : at + 999] for at in range(0, len(body), 999)))]
)
def test_a_body_may_have_512000_bytes_and_no_more(
    serve: Serve, app: Recorder, framed: Callable[[bytes], bytes]
) -> None:
    port = serve(app).port
    with Client(port) as client:
        client.send(framed(b"x" * 512_000))
        assert client.reply().status == 200
        assert app.bodies == [b"x" * 512_000]

        client.send_despite_close(framed(b"x" * 512_001) + get("/next"))
        reply = assert_refused(client, 413)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.body == b'{"err":"Request entity too large","limit":512000}'
    assert len(app.environs) == 1


@pytest.mark.parametrize(
    "framed",
    [
        lambda body: post(body, "Content-Type: text/plain"),
        lambda body: chunked(body[:600_000], body[600_000:], headers=("Content-Type: text/plain",)),
    ],
    ids=["length", "chunked"],
)
def test_a_body_that_the_app_ignores_may_have_any_size_and_is_cut_off(
    serve: Serve, framed: Callable[[bytes], bytes]
) -> None:
    app = Ignoring()
    port = serve(app).port
    with Client(port) as client:
        client.send(framed(b"x" * 3_000_000) + get("/next"))
        assert client.reply().status == 200
        assert client.reply().status == 200
        assert app.bodies == [b"x" * 512_000, b""]

        client.send_despite_close(post(b"x" * 512_001))
        assert_refused(client, 413)


def test_a_body_too_large_is_refused_when_it_is_announced(client: Client) -> None:
    client.send(get("/", f"Content-Length: {8 << 30}", "Expect: 100-continue", method="POST"))

    assert_refused(client, 413)


def test_a_refusal_survives_data_that_is_never_read(client: Client) -> None:
    client.send_despite_close(post(b"x" * 3_000_000))

    assert_refused(client, 413)


def test_connections_beyond_the_limit_are_told_to_come_back(serve: Serve, app: Recorder) -> None:
    server = serve(app, connections=3)
    within = [Client(server.port) for _ in range(3)]
    assert eventually(lambda: open_connections(server) == 3)

    with Client(server.port) as beyond:
        beyond.send(get())
        reply = assert_refused(beyond, 503)
    assert reply.headers["retry-after"] == "1"
    assert app.environs == []
    for client in within:
        client.send(get())
        assert client.reply().status == 200
        client.close()
    assert eventually(lambda: open_connections(server) == 0)
    with Client(server.port) as later:
        later.send(get())
        assert later.reply().status == 200


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are no descriptors there")
@pytest.mark.parametrize(
    ("descriptors", "connections"), [(40, 20), (256, 192), (1_024, 960), (20_000, 4_096), (-1, 4_096)]
)
def test_as_many_connections_are_served_as_descriptors_allow(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, connections: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda which: (descriptors, -1))

    assert limits.room_for(4_096) == connections


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are no descriptors there")
def test_a_program_may_raise_its_descriptors() -> None:
    script = """
    import resource
    from tiledesk_fake.serving.limits import raise_descriptors
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
    server = Server(app)
    server.start()
    server.stop()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (100, 200), "a server changes what is the program's"
    raise_descriptors()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (200, 200)
    """

    assert run_python(script) == FINE


def test_the_limits_are_the_documented_ones() -> None:
    documented = Limits(
        head_bytes=16_384, body_bytes=512_000, connections=4_096, request_s=30, idle_s=75, write_s=5, linger_s=2
    )

    assert Server(answers()).limits == documented
