"""HTTP as decent clients speak it."""

import re
import socket
from collections.abc import Mapping

import pytest

from tests.raw_http import Client, chunked, get, post
from tests.serving.apps import Recorder, answers
from tests.serving.servers import Serve, assert_refused
from tiledesk_fake.serving.connection import Connection
from tiledesk_fake.serving.delivery import Delivery
from tiledesk_fake.serving.service import Service


def without_date(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


def test_a_connection_is_kept_for_further_requests(client: Client, app: Recorder) -> None:
    for target in ("/one", "/two", "/three"):
        client.send(get(target))
        reply = client.reply()
        assert (reply.status, reply.body) == (200, f"GET {target}".encode())
        assert "connection" not in reply.headers
    assert len({environ["REMOTE_PORT"] for environ in app.environs}) == 1


def test_connection_close_is_obeyed_and_what_follows_is_not_answered(client: Client, app: Recorder) -> None:
    client.send(get("/last", "Connection: close") + get("/never"))

    assert client.reply().headers["connection"] == "close"
    assert client.rest() == b""
    assert app.environ["PATH_INFO"] == "/last"


def test_http_1_0_is_answered_and_closed_unless_it_asks_to_keep_alive(serve: Serve, app: Recorder) -> None:
    server = serve(app)

    with Client(server.port) as client:
        client.send(b"GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.reply().headers["connection"] == "keep-alive"
        client.send(b"GET /closed HTTP/1.0\r\n\r\n")
        assert client.reply().headers["connection"] == "close"
        assert client.rest() == b""
    assert [environ["SERVER_PROTOCOL"] for environ in app.environs] == ["HTTP/1.0", "HTTP/1.0"]
    assert "HTTP_HOST" not in app.environs[0]


def test_every_answer_is_dated_and_names_the_server_without_a_version(client: Client, app: Recorder) -> None:
    app.headers = [("Date", "never"), ("Server", "Werkzeug/3.1.9 Python/3.11")]
    client.send(get())
    client.send(b"nonsense\r\n\r\n")

    for status in (200, 400):
        reply = client.reply()
        assert reply.status == status
        assert reply.headers["server"] == "tiledesk-fake"
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.headers["date"])


def test_answers_are_dated_when_they_are_given(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for now, date in ((0.0, "Thu, 01 Jan 1970 00:00:00 GMT"), (86_400.9, "Fri, 02 Jan 1970 00:00:00 GMT")):
        monkeypatch.setattr(Service, "wall", staticmethod(lambda now=now: now))
        client.send(get())

        assert client.reply().headers["date"] == date


def test_head_gets_the_headers_of_get_and_no_body(client: Client, app: Recorder) -> None:
    app.body = b"12345"
    client.send(get("/x"))
    of_get = client.reply()
    client.send(get("/x", method="HEAD") + get("/next"))
    of_head = client.reply("HEAD")

    assert without_date(of_head.headers) == without_date(of_get.headers)
    assert (of_get.body, of_head.body) == (b"12345", b"")
    assert client.reply().body == b"12345"


def test_head_keeps_the_length_of_an_app_that_leaves_the_body_out(client: Client, app: Recorder) -> None:
    app.headers, app.body = [("Content-Length", "5")], b""
    client.send(get(method="HEAD"))

    assert client.reply("HEAD").headers["content-length"] == "5"


@pytest.mark.parametrize(("status", "length"), [("204 No Content", None), ("304 Not Modified", "5")])
def test_answers_that_cannot_have_a_body_have_none(
    client: Client, app: Recorder, status: str, length: str | None
) -> None:
    app.status, app.body = status, b"12345"
    client.send(get() + get("/next"))

    first = client.reply()

    assert (first.status, first.headers.get("content-length"), first.body) == (int(status[:3]), length, b"")
    assert client.reply().status == int(status[:3])


def test_the_length_on_the_wire_is_that_of_the_body_whatever_the_app_says(client: Client, app: Recorder) -> None:
    app.headers = [("content-length", "3"), ("Transfer-Encoding", "chunked"), ("Connection", "close")]
    app.body = b"12345"
    client.send(get() + get())

    for _ in range(2):
        reply = client.reply()
        assert (reply.headers["content-length"], reply.body) == ("5", b"12345")
        assert not {"transfer-encoding", "connection"} & set(reply.headers)


def test_head_and_body_of_an_answer_leave_together(serve: Serve) -> None:
    """One segment each, so no client waits for a second one that a delayed acknowledgement holds up."""
    with Client(serve(answers(body=b"x" * 1000)).port) as client:
        for _ in range(20):
            client.send(get())
            assert client.socket.recv(65_536).endswith(b"x" * 1000)


def test_answers_to_pipelined_requests_do_not_wait_for_acknowledgements(serve: Serve, app: Recorder) -> None:
    server = serve(app)
    with Client(server.port) as client:
        client.send(get())
        client.reply()

        assert server._listening
        (connection,) = server._listening.service.open
        assert isinstance(connection, Connection)
        assert connection._stream._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_pipelined_requests_are_answered_in_order(client: Client, app: Recorder) -> None:
    targets = [f"/{number}" for number in range(500)]
    client.send(b"".join(get(target) for target in targets))

    assert [client.reply().body.decode() for _ in targets] == [f"GET {target}" for target in targets]


def test_pipelined_requests_wait_for_a_delayed_answer_and_a_final_refusal_waits_too(
    client: Client, app: Recorder
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.2)
    client.send(get("/slow") + get("/quick") + b"nonsense\r\n\r\n" + get("/never"))

    assert [client.reply().body for _ in range(2)] == [b"GET /slow", b"GET /quick"]
    assert client.reply().status == 400
    assert client.rest() == b""


def test_a_client_that_pipelines_without_end_is_held_back(client: Client, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=30)
    client.send(get("/slow"))
    client.socket.settimeout(0.5)

    with pytest.raises(TimeoutError):
        client.send(post(b"x" * 500_000) * 100)  # more than fits into the buffers of a kernel
    assert len(app.environs) == 1


def test_a_request_may_come_byte_by_byte(serve: Serve, app: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiledesk_fake.serving.loop.READ_BYTES", 1)
    with Client(serve(app).port) as client:
        client.send(post(b"body", "X-A: b", target="/slow?x=y"))

        assert client.reply().body == b"POST /slow"
    assert (app.bodies, app.environ["HTTP_X_A"], app.environ["QUERY_STRING"]) == ([b"body"], "b", "x=y")


def test_line_ends_before_a_request_are_skipped(client: Client) -> None:
    client.send(b"\r\n\r\n" + get())

    assert client.reply().status == 200


def test_100_continue_is_sent_when_a_body_is_awaited(client: Client, app: Recorder) -> None:
    head, body = post(b"12345", "Expect: 100-continue")[:-5], b"12345"
    client.send(head)

    assert (client.line(), client.line()) == (b"HTTP/1.1 100 Continue\r\n", b"\r\n")
    client.send(body)
    assert client.reply().status == 200
    assert app.bodies == [body]


@pytest.mark.parametrize(
    "request_bytes",
    [get("/", "Expect: 100-continue"), post(b"", "Expect: 100-continue"), post(b"sent", "Expect: 100-continue")],
    ids=["none", "empty", "sent"],
)
def test_100_continue_is_not_sent_when_no_body_is_awaited(client: Client, request_bytes: bytes) -> None:
    client.send(request_bytes)

    assert client.line() == b"HTTP/1.1 200 OK\r\n"
    client.end_sending()
    assert b"100 Continue" not in client.rest()


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        (post(b"body", "Expect: 100-continue")[:-1], b"y"),
        (b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", b"body"),
    ],
    ids=["begun", "1.0"],
)
def test_100_continue_is_not_sent_to_who_does_not_wait_for_it(client: Client, begun: bytes, rest: bytes) -> None:
    client.send(begun)

    assert client.is_silent_for(0.1)
    client.send(rest)
    assert client.line() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("expectation", ["100-Continue", "x, 100-continue", '100-continue;a="b"'])
def test_100_continue_may_be_expected_beside_something_else(client: Client, expectation: str) -> None:
    client.send(post(b"12345", f"Expect: {expectation}")[:-5])

    assert client.line() == b"HTTP/1.1 100 Continue\r\n"


@pytest.mark.parametrize("expectation", ["x", "", "200-ok", "1100-continue", "100-continued", "100 continue"])
def test_any_other_expectation_is_a_417_at_once(client: Client, app: Recorder, expectation: str) -> None:
    client.send(post(b"12345", f"Expect: {expectation}")[:-5])

    assert assert_refused(client, 417).body == b""
    assert app.environs == []


def test_http_1_0_knows_no_expectations(client: Client, app: Recorder) -> None:
    client.send(b"GET / HTTP/1.0\r\nExpect: x\r\n\r\n")

    assert client.reply().status == 200


@pytest.mark.parametrize(("said", "length"), [("0", "0"), ("5", None)])
def test_an_answer_without_content_may_say_that_it_has_no_length(
    client: Client, app: Recorder, said: str, length: str | None
) -> None:
    app.status, app.headers, app.body = "204 No Content", [("Content-Length", said)], b""
    client.send(get() + get("/next"))

    assert [client.reply().headers.get("content-length") for _ in range(2)] == [length, length]


def test_100_continue_waits_for_the_answer_before(client: Client, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.2)
    client.send(get("/slow") + post(b"12345", "Expect: 100-continue")[:-5])

    assert client.reply().body == b"GET /slow"
    assert client.line() == b"HTTP/1.1 100 Continue\r\n"


def test_a_chunked_body_reaches_the_app_whole_with_its_length(client: Client, app: Recorder) -> None:
    client.send(chunked(b"one ", b"two ", b"three", trailers=("X-Trailer: no", "Host: elsewhere")) + get("/next"))

    assert [client.reply().body for _ in range(2)] == [b"POST /", b"GET /next"]
    assert app.bodies == [b"one two three", b""]
    assert app.environs[0]["CONTENT_LENGTH"] == "13"
    assert not {"HTTP_TRANSFER_ENCODING", "HTTP_X_TRAILER"} & set(app.environs[0])
    assert app.environs[1]["HTTP_HOST"] == "fake"


UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
WEBSOCKET = ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
OFFERS = {
    "h2c": UPGRADE,
    "websocket": ("Connection: Upgrade", "Upgrade: websocket", *WEBSOCKET),
    "of several": ("Connection: Upgrade", "Upgrade: websocket, h2c"),
    "in another case": ("CONNECTION: upGRADE", "UPGRADE: H2C"),
    "the other way round": ("Upgrade: h2c", "Connection: Upgrade"),
    "beside other tokens": ("Connection:  , keep-alive,\tupgrade ,", "Upgrade: h2c"),
    "in another line": ("Connection: keep-alive", "Connection: Upgrade", "Upgrade: h2c"),
    "before the end": ("Connection: close, Upgrade", "Upgrade: h2c"),
    "with an expectation": (*UPGRADE, "Expect: x"),
    "after 1000 headers": (*["X-A: 1"] * 1_200, *UPGRADE),
}
NO_OFFERS = {
    "no protocol": ("Connection: Upgrade",),
    "an empty one": ("Connection: Upgrade", "Upgrade:"),
    "not of the connection": ("Upgrade: h2c",),
    "beside keep-alive": ("Connection: keep-alive", "Upgrade: h2c"),
    "a longer token": ("Connection: upgraded", "Upgrade: h2c"),
    "a token with a parameter": ("Connection: upgrade;q=1", "Upgrade: h2c"),
    "a quoted token": ('Connection: "upgrade"', "Upgrade: h2c"),
    "a word of a token": ("Connection: keep-alive upgrade", "Upgrade: h2c"),
    "https": ("Connection: Upgrade", "Upgrade-Insecure-Requests: 1"),
}


def assert_upgrade_is_refused(client: Client, app: Recorder) -> None:
    reply = assert_refused(client, 400)
    assert (reply.headers["content-type"], reply.body) == ("text/html", b"Bad Request")
    assert app.environs == []


@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_to_upgrade_is_a_400_that_ends_the_connection(client: Client, app: Recorder, offer: str) -> None:
    client.send_despite_close(get("/", *OFFERS[offer]) + get("/never"))

    assert_upgrade_is_refused(client, app)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_offer_to_upgrade_is_a_400_whatever_is_asked(
    client: Client, app: Recorder, method: str, version: str
) -> None:
    client.send(get("/", *UPGRADE, method=method, version=version))

    assert_upgrade_is_refused(client, app)


@pytest.mark.parametrize(
    "request_bytes",
    [get("/", *UPGRADE, "Content-Length: 8", method="POST"), post(b"x" * 600_000, *UPGRADE), chunked(headers=UPGRADE)],
    ids=["still to come", "too large", "chunked"],
)
def test_an_offer_to_upgrade_is_refused_before_its_body(client: Client, app: Recorder, request_bytes: bytes) -> None:
    client.send_despite_close(request_bytes)

    assert_upgrade_is_refused(client, app)


def test_requests_before_an_offer_to_upgrade_are_answered(client: Client, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.1)
    client.send(get("/slow") + get("/", *UPGRADE))

    assert client.reply().body == b"GET /slow"
    assert assert_refused(client, 400).body == b"Bad Request"


@pytest.mark.parametrize("headers", NO_OFFERS)
def test_what_is_no_offer_to_upgrade_is_served_and_the_connection_kept(
    client: Client, app: Recorder, headers: str
) -> None:
    client.send(post(b"the body", *NO_OFFERS[headers]) + get("/next"))

    assert [client.reply().body for _ in range(2)] == [b"POST /", b"GET /next"]
    assert app.bodies == [b"the body", b""]
