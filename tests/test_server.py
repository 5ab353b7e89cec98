"""The listening server: HTTP as clients send it, limits and deadlines, and a life that leaves nothing behind."""

import contextlib
import dataclasses
import gc
import logging
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from tests.raw_http import PATIENCE_S, Client, chunked, get, post
from tiledesk_fake.errors import CannotListen, MisuseError, NoAnswer, NotListening
from tiledesk_fake.serving.connection import Service
from tiledesk_fake.serving.delivery import KEY, Delivery
from tiledesk_fake.serving.reader import Limits, RequestReader
from tiledesk_fake.serving.server import Server

LIMITS = Limits()
INTERNAL_ERROR = b'{"success":false,"msg":"Internal error in tiledesk-fake; this is a bug."}'


class Recorder:
    """An app that remembers each environ and body it got, and answers `GET /path` or what it is told to."""

    def __init__(self) -> None:
        self.environs: list[WSGIEnvironment] = []
        self.bodies: list[bytes] = []
        self.status = "200 OK"
        self.headers = [("Content-Type", "text/plain")]
        self.body: bytes | None = None
        self.deliveries: dict[str, Delivery] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.environs.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        wanted = self.deliveries.get(environ["PATH_INFO"], Delivery())
        delivery: Delivery = environ[KEY]
        delivery.delay_s, delivery.drop = wanted.delay_s, wanted.drop
        start_response(self.status, list(self.headers))
        answer = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}".encode("latin-1")
        return [answer if self.body is None else self.body]

    @property
    def environ(self) -> WSGIEnvironment:
        """Of the one request there was."""
        (environ,) = self.environs
        return environ


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for an app, with the given limits; stopped after the test."""
    servers: list[Server] = []

    def start(app: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0, **limits: Any) -> Server:
        server = Server(app, host=host, port=port)
        server.limits = dataclasses.replace(LIMITS, **limits)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def app() -> Recorder:
    return Recorder()


@pytest.fixture
def client(serve: Serve, app: Recorder) -> Iterator[Client]:
    """Connected to a server of `app`."""
    with Client(serve(app).port) as client:
        yield client


@pytest.fixture
def hurried(serve: Serve, app: Recorder) -> Server:
    """A server of `app` whose deadlines are short."""
    return serve(app, request_s=0.5, idle_s=0.6, write_s=0.5, linger_s=0.5)


def answers(status: str = "200 OK", body: bytes = b"fine") -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [])
        return [body]

    return app


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def open_connections(server: Server) -> int:
    assert server._listening
    return len(server._listening.service.open)


PREAMBLE = """
import os, socket, sys, threading, time
from tiledesk_fake.serving.server import Server

def app(environ, start_response):
    start_response("200 OK", [])
    return [b"fine"]

REQUEST = b"GET / HTTP/1.1\\r\\nHost: fake\\r\\n\\r\\n"
"""


def start_python(script: str, before: str = "") -> "subprocess.Popen[str]":
    """A script with an app to serve, in a process of its own where every warning is an error."""
    code = textwrap.dedent(before) + PREAMBLE + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclasses.dataclass(frozen=True)
class Ended:
    """What is left of a process."""

    returncode: int
    stderr: str


FINE = Ended(0, "")


# Many times what any script takes.
SCRIPT_PATIENCE_S = 60.0


def run_python(script: str, before: str = "") -> Ended:
    with start_python(script, before) as process:
        try:
            _, errors = process.communicate(timeout=SCRIPT_PATIENCE_S)
        finally:
            process.kill()
    return Ended(process.returncode, errors)


def without_date(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}


# Start and stop


def test_clients_are_answered_as_soon_as_start_returns(serve: Serve) -> None:
    server = serve(answers(body=b"hello"))

    with Client(server.port) as client:
        client.send(get())
        assert client.reply().body == b"hello"
    assert server.listening


def test_a_taken_port_is_refused_at_once_with_what_to_do(serve: Serve) -> None:
    taken = serve(answers()).port

    with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{taken}.*in use.*--port 0"):
        Server(answers(), port=taken).start()


@pytest.mark.parametrize(
    ("host", "port"), [("no-such-host.invalid", 0), ("a" * 300, 0), ("192.0.2.1", 0), ("127.0.0.1", 65_536), ("", -1)]
)
def test_an_impossible_address_is_refused(host: str, port: int) -> None:
    server = Server(answers(), host=host, port=port)

    with pytest.raises(CannotListen, match=r"cannot listen on .*127\.0\.0\.1"):
        server.start()
    assert not server.listening


def test_starting_twice_is_misuse(serve: Serve) -> None:
    server = serve(answers())

    with pytest.raises(MisuseError, match="listens already"):
        server.start()
    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200


def test_stopping_twice_or_before_start_is_fine(serve: Serve) -> None:
    Server(answers()).stop()
    server = serve(answers())

    server.stop()
    server.stop()

    assert not server.listening


def test_a_server_that_does_not_listen_has_no_port(serve: Serve) -> None:
    server = serve(answers())
    server.stop()

    for silent in (server, Server(answers(), port=8000)):
        with pytest.raises(NotListening, match="start"):
            _ = silent.port


def test_a_stopped_server_can_be_started_again(serve: Serve) -> None:
    server = serve(answers())
    server.stop()
    server.start()

    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200


def test_a_fixed_port_is_free_again_after_stop(serve: Serve) -> None:
    first = serve(answers())
    port = first.port
    with Client(port) as client:
        client.send(get())
        client.reply()
        first.stop()  # so that the server's side is the one in TIME_WAIT

    second = serve(answers(), port=port)

    assert second.port == port


def test_a_start_that_fails_half_way_keeps_no_port(serve: Serve) -> None:
    server = serve(answers())
    port = server.port
    server.stop()
    again = Server(answers(), port=port)

    with mock.patch("threading.Thread.start", side_effect=RuntimeError("can't start new thread")):
        with pytest.raises(RuntimeError):
            again.start()
        assert not again.listening
    again.start()
    again.stop()


def test_it_listens_on_the_given_host_only(serve: Serve) -> None:
    port = serve(answers()).port

    with pytest.raises(ConnectionRefusedError):
        Client(port, host="127.0.0.2")


def test_it_listens_on_ipv6(serve: Serve) -> None:
    try:
        server = serve(answers(), host="::1")
    except CannotListen as error:
        pytest.skip(str(error))

    with Client(server.port, host="::1") as client:
        client.send(get())
        assert client.reply().status == 200
    with pytest.raises(CannotListen, match=rf"\[::1\]:{server.port}"):
        Server(answers(), host="::1", port=server.port).start()


def test_nothing_is_answered_after_stop(serve: Serve, app: Recorder) -> None:
    app.deliveries["/late"] = Delivery(delay_s=0.2)
    server = serve(app)
    port = server.port
    idle, half_sent, delayed = clients = [Client(port) for _ in range(3)]
    idle.send(get())
    idle.reply()
    half_sent.send(get()[:-2])
    delayed.send(get("/late"))
    assert eventually(lambda: len(app.environs) == 2)

    server.stop()
    idle.send_despite_close(get())
    half_sent.send_despite_close(get()[-2:])

    assert [client.rest_or_reset() for client in clients] == [b"", b"", b""]
    assert len(app.environs) == 2
    with pytest.raises(ConnectionRefusedError):
        Client(port)
    for client in clients:
        client.close()


LIVES = 200


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors as Linux lists them")
@pytest.mark.parametrize("dirty", [False, True], ids=["clean", "dirty"])
def test_two_hundred_lives_leave_no_descriptor_and_no_thread(dirty: bool) -> None:
    server = Server(answers())

    def live() -> float:
        server.start()
        clients = [Client(server.port), Client(server.port)] if dirty else []
        if dirty:
            half_sent, idle = clients
            half_sent.send(get()[:-2])
            # So that both have been accepted.
            idle.send(get())
            idle.reply()
        began = time.perf_counter()
        server.stop()
        took = time.perf_counter() - began
        for client in clients:
            client.close()
        return took

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    live()
    before = held()
    stops = sorted(live() for _ in range(LIVES))

    assert held() == before
    assert stops[LIVES * 95 // 100 - 1] < 0.25  # seconds; a hundred times what it takes


def test_the_app_cannot_stop_the_server_it_answers_for(serve: Serve) -> None:
    def stopping(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with pytest.raises(MisuseError, match="another thread"):
            server.stop()
        start_response("200 OK", [])
        return [b"still here"]

    server = serve(stopping)

    with Client(server.port) as client:
        client.send(get())
        assert client.reply().body == b"still here"


def test_two_threads_may_stop_it_at_once(serve: Serve) -> None:
    server = serve(answers())
    stoppers = [threading.Thread(target=server.stop) for _ in range(8)]

    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join(PATIENCE_S)

    assert not any(stopper.is_alive() for stopper in stoppers)
    assert not server.listening


@pytest.fixture
def neighbour(serve: Serve, app: Recorder) -> Iterator[Server]:
    """A server of `app` that is served by the thread of another."""
    server = Server(app, beside=serve(answers()))
    server.start()
    yield server
    server.stop()


def test_a_server_may_share_the_thread_of_another(neighbour: Server) -> None:
    before = threading.active_count()
    for _ in range(2):
        with Client(neighbour.port) as client:
            client.send(get())
            assert client.reply().body == b"GET /"
        neighbour.stop()
        assert threading.active_count() == before
        neighbour.start()


def test_a_server_that_is_to_stop_soon_stops_without_being_waited_for(neighbour: Server) -> None:
    port = neighbour.port
    with Client(port) as client:
        client.send(get())
        client.reply()

        neighbour.stop_soon()

        assert not neighbour.listening
        assert client.rest_or_reset() == b""
    with pytest.raises(ConnectionRefusedError):
        Client(port)


def test_a_server_stops_though_the_one_whose_thread_it_shares_has_stopped_first(app: Recorder) -> None:
    host = Server(answers())
    host.start()
    neighbour = Server(app, beside=host)
    neighbour.start()
    port = neighbour.port
    with Client(port) as client:
        client.send(get())
        client.reply()
        host.stop()

        neighbour.stop()

        assert client.rest_or_reset() == b""
    with pytest.raises(ConnectionRefusedError):
        Client(port)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_holds_neither_the_port_nor_a_connection() -> None:
    script = """
    import gc, pathlib, warnings
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    server = Server(app)
    server.start()
    port = server.port
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999)
    forked, told = os.pipe(), os.pipe()
    locked, done = threading.Event(), threading.Event()

    def keep_locked():
        with server._lock:
            locked.set()
            done.wait()

    threading.Thread(target=keep_locked).start()
    locked.wait()
    child = os.fork()
    if child == 0:
        held = [path.readlink().name for path in pathlib.Path("/proc/self/fd").glob("*") if path.is_symlink()]
        os.write(forked[1], b"watching" if "anon_inode:[eventpoll]" in held else b"gone")
        assert not server.listening
        gc.collect()
        os.read(told[0], 1)
        server.stop()
        server.start()
        probe = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        probe.sendall(REQUEST)
        ok = b"fine" in probe.recv(9999)
        server.stop()
        probe.close()
        os._exit(0 if ok else 1)
    done.set()
    assert os.read(forked[0], 99) == b"gone"
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999), "the fork disturbed the parent"
    server.stop()
    assert client.recv(1) == b"", "the child keeps the connection open"
    client.close()
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10)
        raise SystemExit("the child holds the port")
    except ConnectionRefusedError:
        pass
    os.write(told[1], b"!")
    assert os.waitpid(child, 0)[1] == 0, "the child could not start a server of its own"
    """

    assert run_python(script) == FINE


def test_forks_are_hooked_once_and_not_at_import() -> None:
    script = """
    servers = [Server(app) for _ in range(3)]
    assert ours() == [], "hooked before the first start"
    for server in servers:
        server.start()
        server.stop()
    assert len(ours()) == 1, calls
    """
    before = """
    import os
    calls = []
    os.register_at_fork = lambda **hooks: calls.extend(hooks.values())
    ours = lambda: [hook for hook in calls if hook.__module__.startswith("tiledesk_fake")]
    """

    assert run_python(script, before) == FINE


def test_a_running_server_does_not_keep_the_interpreter_from_ending() -> None:
    script = """
    server = Server(app)
    server.start()
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999)
    client.close()
    """

    assert run_python(script) == FINE


def test_a_slow_app_makes_no_noise_in_development_mode() -> None:
    script = """
    def slow(environ, start_response):
        time.sleep(0.2)
        return app(environ, start_response)

    server = Server(slow)
    server.start()
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999)
    client.close()
    server.stop()
    """

    assert run_python(script) == FINE


def test_importing_it_starts_nothing_and_changes_nothing() -> None:
    script = """
    assert threading.active_count() == 1
    assert dict(os.environ) == environment
    assert logging.root.handlers == [] and logging.root.level == logging.WARNING
    assert signal.getsignal(signal.SIGINT) is interrupt
    """
    before = """
    import logging, os, signal
    environment, interrupt = dict(os.environ), signal.getsignal(signal.SIGINT)
    """

    assert run_python(script, before) == FINE


# HTTP as decent clients speak it


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


def test_an_offer_to_upgrade_is_ignored_and_the_connection_kept(client: Client, app: Recorder) -> None:
    client.send(get("/one", *UPGRADE) + get("/two", *UPGRADE) + get("/three"))

    assert [client.reply().body for _ in range(3)] == [b"GET /one", b"GET /two", b"GET /three"]
    client.send(get("/four"))
    assert client.reply().body == b"GET /four"


@pytest.mark.parametrize(
    "request_bytes",
    [post(b"the body", *UPGRADE), chunked(b"the ", b"body", headers=UPGRADE)],
    ids=["length", "chunked"],
)
def test_an_offer_to_upgrade_does_not_cost_a_request_its_body(
    client: Client, app: Recorder, request_bytes: bytes
) -> None:
    client.send(request_bytes[:-3])
    time.sleep(0.05)
    client.send(request_bytes[-3:] + get("/never"))

    assert client.reply().body == b"POST /"
    assert client.rest() == b""
    assert app.bodies == [b"the body"]
    assert app.environ["CONTENT_LENGTH"] == "8"


@pytest.mark.parametrize("before", [b"", get("/slow")], ids=["at-once", "paused"])
def test_a_client_may_go_on_sending_and_still_read_its_last_answer(
    client: Client, app: Recorder, before: bytes
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.2)
    client.send(before + get("/last", "Connection: close") + b"x" * 20_000_000)

    if before:
        assert client.reply().body == b"GET /slow"
    assert client.reply().body == b"GET /last"
    assert client.rest() == b""


def test_the_end_of_a_connection_is_told_at_once(serve: Serve, app: Recorder) -> None:
    with Client(serve(app, linger_s=60).port) as client:
        client.send(get("/", "Connection: close"))

        assert client.reply().status == 200
        assert client.rest() == b""


def test_a_client_that_does_not_close_is_not_waited_for(hurried: Server) -> None:
    with Client(hurried.port) as client:
        client.send(get("/", "Connection: close"))

        assert client.rest()
        assert eventually(lambda: open_connections(hurried) == 0)


def test_a_client_that_is_gone_before_the_goodbye_is_no_incident(
    client: Client, app: Recorder, logged: list[logging.LogRecord]
) -> None:
    """Its reset may come between the last write and the half-close, which then fails."""
    app.deliveries["/slow"] = Delivery(delay_s=0.1)
    with mock.patch("tiledesk_fake.serving.loop.Stream.end_writing", side_effect=OSError):
        client.send(get("/slow", "Connection: close"))
        assert client.reply().status == 200
        assert client.rest_or_reset() == b""

    assert logged == []


def test_a_client_that_gives_up_during_a_delay_is_forgotten(
    serve: Serve, app: Recorder, logged: list[logging.LogRecord]
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.3)
    server = serve(app)
    client = Client(server.port)
    client.send(get("/slow"))
    assert eventually(lambda: len(app.environs) == 1)
    client.reset()

    assert eventually(lambda: open_connections(server) == 0)
    time.sleep(0.4)
    assert logged == []


@pytest.mark.parametrize("targets", [["/slow"], ["/slow", "/quick"]], ids=["one", "two"])
def test_a_client_that_only_stops_sending_still_gets_its_answers(
    client: Client, app: Recorder, targets: list[str]
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.2)
    client.send(b"".join(get(target) for target in targets))
    client.end_sending()

    assert [client.reply().body for _ in targets] == [f"GET {target}".encode() for target in targets]
    assert client.rest() == b""


def test_an_idle_connection_keeps_nothing_of_its_last_request(serve: Serve) -> None:
    bodies: list[weakref.ref[Any]] = []

    def noting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        bodies.append(weakref.ref(environ["wsgi.input"]))
        return answers()(environ, start_response)

    with Client(serve(noting).port) as client:
        client.send(post(b"x" * 500_000))
        assert client.reply().status == 200

        assert eventually(lambda: bodies[0]() is None)


def test_a_closed_connection_is_freed_without_waiting_for_the_garbage_collector(serve: Serve, app: Recorder) -> None:
    server = serve(app)
    with without_garbage_collection():
        with Client(server.port) as client:
            client.send(post(b"x" * 500_000)[:-1])
            assert eventually(lambda: open_connections(server) == 1)
            connection, body = held_for_the_one_client_of(server)
            assert connection()
            assert body()
        assert eventually(lambda: not connection() and not body())


def held_for_the_one_client_of(server: Server) -> "list[weakref.ref[Any]]":
    assert server._listening
    (connection,) = server._listening.service.open
    reader = connection._reader
    assert eventually(lambda: reader.underway)
    return [weakref.ref(connection), weakref.ref(reader._body)]


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# What the app gets


def test_the_environ_is_valid_wsgi(serve: Serve) -> None:
    def reading(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(100)
        print("complaint", file=environ["wsgi.errors"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [body]

    with Client(serve(validator(reading)).port) as client:
        client.send(post(b"body", "Content-Type: text/plain", target="/a?b") + get("/", method="HEAD"))

        assert client.reply().body == b"body"
        assert client.reply("HEAD").status == 200


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v3/jwt/history?page=1", "/v3/jwt/history", "page=1"),
        ("/a%2Fb%20c/%C3%A9?q=%2F", "/a/b c/\u00c3\u00a9", "q=%2F"),
        ("/%zz%", "/%zz%", ""),
        ("//evil.example/x", "//evil.example/x", ""),
        ("/a//b/../c", "/a//b/../c", ""),
        ("/p?a=1?b#c?d", "/p", "a=1?b"),
        ("/?", "/", ""),
        ("*", "*", ""),
        ("http://fake/v3?x", "/v3", "x"),
        ("HTTP://fake", "/", ""),
        ("http://fake?x", "/", "x"),
    ],
)
def test_the_target_reaches_the_app_as_sent_and_in_parts(
    client: Client, app: Recorder, target: str, path: str, query: str
) -> None:
    client.send(get(target))

    assert client.reply().status == 200
    assert app.environ["RAW_URI"] == app.environ["REQUEST_URI"] == target
    assert (app.environ["PATH_INFO"], app.environ["QUERY_STRING"]) == (path, query)


def test_the_host_of_an_absolute_target_overrides_the_header(client: Client, app: Recorder) -> None:
    client.send(get("http://fake@evil.example:81/x"))

    assert client.reply().status == 200
    assert app.environ["HTTP_HOST"] == "evil.example:81"


def test_of_repeated_authorization_headers_the_first_counts(client: Client, app: Recorder) -> None:
    client.send(get("/", "Authorization: JWT first", "authorization: Basic second", "AUTHORIZATION: third"))

    assert client.reply().status == 200
    assert app.environ["HTTP_AUTHORIZATION"] == "JWT first"


def test_other_repeated_headers_are_joined(client: Client, app: Recorder) -> None:
    client.send(get("/", "X-A: 1", "Accept: x", "x-a: 2", "X-A: 3"))

    assert client.reply().status == 200
    assert app.environ["HTTP_X_A"] == "1,2,3"


@pytest.mark.parametrize("length", [64, 65, 8_000])
def test_headers_with_names_of_any_length_reach_the_app(client: Client, app: Recorder, length: int) -> None:
    client.send(get("/", f"{'x' * length}: y", f"{'x' * length}_: z"))

    assert client.reply().status == 200
    assert {key: value for key, value in app.environ.items() if "X" * length in key} == {"HTTP_" + "X" * length: "y"}


def test_space_around_header_values_is_trimmed_and_nothing_else(client: Client, app: Recorder) -> None:
    client.send(get("/", "Authorization: \t JWT  x \t ", "X-Nbsp: \xa0y\xa0", "X-Empty:", "X-Blank: \t "))

    assert client.reply().status == 200
    assert app.environ["HTTP_AUTHORIZATION"] == "JWT  x"
    assert app.environ["HTTP_X_NBSP"] == "\xa0y\xa0"
    assert (app.environ["HTTP_X_EMPTY"], app.environ["HTTP_X_BLANK"]) == ("", "")


def test_headers_that_could_pass_for_others_do_not_reach_the_app(client: Client, app: Recorder) -> None:
    client.send(
        get("/", "X_Real: a", "AUTHORIZATION_: b", "Content_Length: 5", "Proxy: http://evil", "SCRIPT_NAME: /e")
    )

    assert client.reply().status == 200
    assert app.environ["SCRIPT_NAME"] == ""
    assert {key for key in app.environ if key.startswith(("HTTP_", "CONTENT_"))} == {"HTTP_HOST"}


# What the app answers


class Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def listening_to(logger: logging.Logger) -> Iterator[list[logging.LogRecord]]:
    listener = Listener()
    logger.addHandler(listener)
    yield listener.records
    logger.removeHandler(listener)


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the package logs, for those who listen to it."""
    yield from listening_to(logging.getLogger("tiledesk_fake"))


def raising(error: BaseException, *, late: bool = False) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if late:
            start_response("200 OK", [])
            yield b"half of it"
        raise error

    def eager(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return list(app(environ, start_response))

    return app if late else eager


@pytest.mark.parametrize(
    "app",
    [
        raising(ZeroDivisionError("s3cret")),
        raising(SystemExit("s3cret")),
        raising(ZeroDivisionError("s3cret"), late=True),
        answers(status="200 OK\r\nX-Injected: s3cret"),
        answers(status="200 \u20ac s3cret"),
        answers(body="s3cret"),  # type: ignore[arg-type]
        lambda environ, start_response: [b"s3cret, and never started"],
    ],
    ids=["raises", "exits", "raises-late", "splits", "not-latin", "not-bytes", "never-starts"],
)
def test_an_app_that_breaks_is_a_500_that_tells_nothing_but_the_log_does(
    serve: Serve, app: WSGIApplication, logged: list[logging.LogRecord]
) -> None:
    with Client(serve(app).port) as client:
        for method in ("GET", "HEAD"):
            client.send(get(method=method))
            reply = client.reply(method)
            assert (reply.status, reply.headers["content-type"]) == (500, "application/json; charset=utf-8")
            assert reply.headers["content-length"] == str(len(INTERNAL_ERROR))
            assert reply.body == (INTERNAL_ERROR if method == "GET" else b"")
    assert [record.exc_info is not None for record in logged] == [True, True]


def test_a_broken_app_is_silent_where_nobody_has_set_up_logging(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    with Client(serve(raising(ZeroDivisionError())).port) as client:
        client.send(get())
        assert client.reply().status == 500

    assert capfd.readouterr() == ("", "")


def test_a_failure_of_the_server_itself_costs_one_connection_and_is_logged(
    serve: Serve, logged: list[logging.LogRecord]
) -> None:
    server = serve(answers())
    with mock.patch.object(RequestReader, "feed", side_effect=ZeroDivisionError), Client(server.port) as client:
        client.send(get())
        assert client.rest_or_reset() == b""

    assert [record.exc_info is not None for record in logged] == [True]
    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200


def test_what_an_app_reports_as_wsgi_error_is_logged(serve: Serve, logged: list[logging.LogRecord]) -> None:
    def complaining(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        print("oh no", file=environ["wsgi.errors"], flush=True)
        return answers()(environ, start_response)

    with Client(serve(complaining).port) as client:
        client.send(get())
        client.reply()

    assert [record.getMessage() for record in logged] == ["oh no"]


def test_an_app_may_write_generate_restart_and_is_closed(serve: Serve) -> None:
    closed = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def old_fashioned(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        write = start_response("201 Created", [("X-A", "b")], None)
        write(b"one ")
        write(b"two ")
        return Body([b"three ", b"four"])

    with Client(serve(old_fashioned).port) as client:
        client.send(get())
        reply = client.reply()

    assert (reply.status, reply.headers["x-a"], reply.body) == (201, "b", b"one two three four")
    assert closed == [True]


# How an answer is delivered


def test_a_delayed_answer_keeps_nobody_else_waiting(serve: Serve, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.4)
    port = serve(app).port
    with Client(port) as slow, Client(port) as quick:
        began = time.monotonic()
        slow.send(get("/slow"))
        assert slow.is_silent_for(0.05)
        quick.send(get("/quick"))

        assert quick.reply().body == b"GET /quick"
        assert slow.is_silent_for(0.05)
        assert slow.reply().body == b"GET /slow"
        assert time.monotonic() - began >= 0.4
        slow.send(get("/next"))
        assert slow.reply().body == b"GET /next"


def test_a_delayed_answer_outlasts_all_deadlines(hurried: Server, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.9)
    with Client(hurried.port) as client:
        client.send(get("/slow"))

        assert client.reply().body == b"GET /slow"


def test_before_answer_resets_without_a_byte(client: Client, app: Recorder) -> None:
    app.deliveries["/"] = Delivery(drop="before-answer")
    client.send(get())

    with pytest.raises(ConnectionResetError):
        client.rest()


@pytest.mark.parametrize("size", [1, 10, 11, 3_000_000])
def test_mid_body_sends_half_of_the_announced_body_and_resets(client: Client, app: Recorder, size: int) -> None:
    app.deliveries["/"] = Delivery(drop="mid-body")
    app.body = b"x" * size
    client.send(get())

    head, body = client.until_reset().split(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % size in head
    assert body == b"x" * (size // 2)


def test_mid_body_cuts_the_head_where_there_is_no_body(client: Client, app: Recorder) -> None:
    app.deliveries["/"] = Delivery(drop="mid-body")
    app.body = b""
    client.send(get())

    received = client.until_reset()
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in received


def test_malformed_is_not_http_and_closes(client: Client, app: Recorder) -> None:
    app.deliveries["/"] = Delivery(drop="malformed")
    client.send(get() + get("/never"))

    received = client.rest()
    assert received
    assert b"HTTP/" not in received
    assert len(app.environs) == 1


@pytest.mark.parametrize("silent", ["silence", "raises"])
def test_silence_is_held_past_all_deadlines_until_the_client_gives_up(serve: Serve, silent: str) -> None:
    recorder = Recorder()
    recorder.deliveries["/"] = Delivery(drop="silence")
    app = recorder if silent == "silence" else raising(NoAnswer("as the real server"))
    server = serve(app, request_s=0.3, idle_s=0.3, write_s=0.3, linger_s=0.3)
    with Client(server.port) as client:
        client.send(get() + get("/never"))

        assert client.is_silent_for(0.5)
        client.send(get("/neither"))
        assert open_connections(server) == 1
    assert eventually(lambda: open_connections(server) == 0)
    assert len(recorder.environs) in (0, 1)


def test_a_held_connection_does_not_hold_up_stop(serve: Serve) -> None:
    server = serve(raising(NoAnswer("as the real server")))
    with Client(server.port) as client:
        client.send(get())
        assert client.is_silent_for(0.05)
        server.stop()
        assert client.rest_or_reset() == b""


# Input that is not HTTP, or not quite

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


# Limits


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


def test_a_body_too_large_is_refused_when_it_is_announced(client: Client) -> None:
    client.send(get("/", f"Content-Length: {8 << 30}", "Expect: 100-continue", method="POST"))

    assert_refused(client, 413)


def test_a_refusal_survives_data_that_is_never_read(client: Client) -> None:
    client.send_despite_close(post(b"x" * 3_000_000))

    assert_refused(client, 413)


def assert_refused(client: Client, status: int) -> Any:
    """The next answer has this status and is the last one."""
    reply = client.reply()
    assert (reply.status, reply.headers["connection"]) == (status, "close")
    assert client.rest() == b""
    return reply


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


def test_the_limits_are_the_documented_ones() -> None:
    documented = Limits(
        head_bytes=16_384, body_bytes=512_000, connections=1_000, request_s=5, idle_s=75, write_s=5, linger_s=2
    )

    assert Server(answers()).limits == documented


# Deadlines


@pytest.mark.parametrize(
    "unfinished",
    [b"G", get()[:-2], post(b"body")[:-1], chunked(b"body")[:-2], get() + get()[:-2]],
    ids=["first-byte", "head", "body", "chunks", "second"],
)
def test_a_request_that_does_not_arrive_in_time_is_a_408(hurried: Server, app: Recorder, unfinished: bytes) -> None:
    with Client(hurried.port) as client:
        client.send(unfinished)

        if unfinished.startswith(get()):
            assert client.reply().status == 200
        assert assert_refused(client, 408).body == b""


@pytest.mark.parametrize("trickling", [get("/" + "a" * 1000), post(b"x" * 1000)], ids=["head", "body"])
def test_a_trickle_does_not_stretch_the_deadline(hurried: Server, app: Recorder, trickling: bytes) -> None:
    with Client(hurried.port) as client:
        client.send(trickling[:-40])
        for byte in trickling[-40:]:
            client.send_despite_close(bytes([byte]))
            if not client.is_silent_for(0.02):
                break

        assert_refused(client, 408)
    assert app.environs == []


def test_an_idle_connection_is_closed_without_a_word(hurried: Server) -> None:
    with Client(hurried.port) as fresh, Client(hurried.port) as used:
        used.send(get())
        assert used.reply().status == 200

        assert fresh.rest() == b""
        assert used.rest() == b""


def test_an_idle_connection_is_not_taken_for_a_slow_one(serve: Serve, app: Recorder) -> None:
    server = serve(app, request_s=0.1)
    with Client(server.port) as client:
        assert client.is_silent_for(0.3)
        client.send(get())
        assert client.reply().status == 200
        assert client.is_silent_for(0.3)
        client.send(get())
        assert client.reply().status == 200


def test_a_client_that_does_not_take_its_answer_is_cut_off(hurried: Server, app: Recorder) -> None:
    app.body = b"x" * 50_000_000
    with Client(hurried.port) as client:
        client.send(get() + get("/next"))

        assert eventually(lambda: open_connections(hurried) == 1)
        assert eventually(lambda: open_connections(hurried) == 0)
        assert len(client.rest_or_reset()) < 50_000_000
    assert len(app.environs) == 1


def test_a_client_that_takes_its_answer_slowly_gets_it_all(hurried: Server, app: Recorder) -> None:
    app.body = b"x" * 30_000_000
    with Client(hurried.port) as client:
        client.send(get() + get("/next"))

        received = 0
        began = time.monotonic()
        while part := client.socket.recv(1_000_000):
            received += len(part)
            if time.monotonic() - began < 0.8:  # more than any deadline
                time.sleep(0.1)
            elif received > 60_000_000:
                break
    assert received > 60_000_000
    assert [environ["PATH_INFO"] for environ in app.environs] == ["/", "/next"]


def test_deadlines_hold_while_a_test_stops_the_clocks(serve: Serve, app: Recorder) -> None:
    with contextlib.ExitStack() as stopped:
        for name in ("time", "monotonic", "perf_counter", "sleep"):
            stopped.enter_context(mock.patch(f"time.{name}", return_value=1_000_000_000.0))  # in 2001
        server = serve(app, request_s=0.3)
        app.deliveries["/slow"] = Delivery(delay_s=0.1)
        with Client(server.port) as client:
            client.send(get("/slow") + get()[:-2])
            reply = client.reply()
            assert reply.body == b"GET /slow"
            assert "2001" not in reply.headers["date"]
            assert_refused(client, 408)


# Many clients


def test_stalled_clients_keep_nobody_waiting(serve: Serve, app: Recorder) -> None:
    app.deliveries["/silence"] = Delivery(drop="silence")
    server = serve(app)
    stalled = [get()[:-2], post(b"body")[:-1], b"", get("/silence")]
    clients = []
    for data in stalled * 16:
        client = Client(server.port)
        client.send(data)
        clients.append(client)
    assert eventually(lambda: open_connections(server) == 64)

    with Client(server.port) as client:
        client.socket.settimeout(0.5)
        client.send(get())
        assert client.reply().status == 200
    for client in clients:
        client.close()


def test_clients_that_reset_leave_nothing_behind(serve: Serve, app: Recorder, logged: list[logging.LogRecord]) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.05)
    server = serve(app)
    for data in (b"", get(), get() * 20, get("/slow"), get("/", "Connection: close"), b"nonsense\r\n\r\n", get()[:-2]):
        for _ in range(30):
            client = Client(server.port)
            client.send(data)
            client.reset()

    assert eventually(lambda: open_connections(server) == 0)
    time.sleep(0.1)  # past the delay
    assert [record.getMessage() for record in logged] == []
    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200


WATCHED_S = 0.6


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="limits and measures a process as Linux does")
def test_running_out_of_descriptors_neither_ends_nor_spins_the_server() -> None:
    script = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    server = Server(app)
    server.start()
    print(server.port, flush=True)
    sys.stdin.readline()
    """
    process = start_python(script)
    try:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        clients = [Client(port) for _ in range(60)]
        time.sleep(0.2)
        before, until = cpu_s(process.pid), time.monotonic() + WATCHED_S
        while time.monotonic() < until:
            time.sleep(0.05)
            assert cpu_s(process.pid) - before < 0.2

        for client in clients:
            client.close()
        with Client(port) as client:
            client.send(get())
            assert client.reply().status == 200
        _, errors = process.communicate("\n", timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
