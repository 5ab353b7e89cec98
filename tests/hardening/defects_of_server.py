"""Defects of the server of this package, each with the tests that must fail because of it."""

import io
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import httptools

from tests import test_server as tests
from tests.hardening.planting import Plant, Planting, after, by, defect, instead, read_as, runs_by_itself
from tests.raw_http import chunked, get, post
from tiledesk_fake.errors import MisuseError
from tiledesk_fake.serving import gateway, reader, server
from tiledesk_fake.serving.connection import Connection, Service
from tiledesk_fake.serving.delivery import KEY, Delivery
from tiledesk_fake.serving.gateway import Answer, Gateway
from tiledesk_fake.serving.loop import Loop
from tiledesk_fake.serving.reader import Limits, Request, RequestReader
from tiledesk_fake.serving.server import Server


def limits(**values: float) -> Plant:
    """Serve with other limits than are documented."""
    return instead("tests.test_server.LIMITS", replace(Limits(), **values))  # type: ignore[arg-type]


def in_scripts(code: str) -> Plant:
    """Plant a defect into the processes that tests start."""

    def plant(planting: Planting) -> None:
        planted = f"{tests.PREAMBLE}\nfrom tiledesk_fake.serving import loop, server\n{dedent(code)}\n"
        planting.patch.setattr(tests, "PREAMBLE", runs_by_itself(planted))
        planting.patch.setattr(tests, "SCRIPT_PATIENCE_S", 1.0)

    return plant


def received(change: Callable[[bytes], bytes]) -> Plant:
    """Read something else than is sent."""

    def plant(planting: Planting) -> None:
        feed = RequestReader.feed
        planting.patch.setattr(RequestReader, "feed", lambda self, data: feed(self, memoryview(change(bytes(data)))))

    return plant


# --- start and stop ----------------------------------------------------------------------------------------------


def keeping_a_descriptor(planting: Planting) -> None:
    def keep(_: Server) -> None:
        planting.over.callback(os.close, os.dup(0))

    after(Server, "stop", keep)(planting)


def keeping_a_thread(planting: Planting) -> None:
    done = threading.Event()

    def keep(_: Server) -> None:
        thread = threading.Thread(target=done.wait, daemon=True)
        thread.start()
        planting.over.callback(thread.join)
        planting.over.callback(done.set)

    after(Server, "stop", keep)(planting)


def keeping_its_port(planting: Planting) -> None:
    class Kept(socket.socket):
        def __exit__(self, *_: object) -> None:
            pass

    bind = server._bind
    planting.patch.setattr(server, "_bind", lambda *address: Kept(fileno=bind(*address).detach()))


def leaving_clients(planting: Planting) -> None:
    left: list[Any] = []

    def cut_off(self: Service) -> None:
        left.extend(connection._stream for connection in self.open)
        self.open.clear()

    planting.patch.setattr(Service, "cut_off", cut_off)
    # Their loop is closed by then, so that they cannot be closed in order.
    planting.over.callback(lambda: [stream._socket.close() for stream in left])


def deaf_until_later(planting: Planting) -> None:
    planting.patch.setattr(socket.socket, "listen", lambda self, backlog: None)


def anywhere(host: str, port: int, *, bind: Any = server._bind) -> socket.socket:
    listener: socket.socket = bind("0.0.0.0", port)
    return listener


def somewhere(host: str, port: int, *, bind: Any = server._bind) -> socket.socket:
    listener: socket.socket = bind("127.0.0.1", 0)
    return listener


def with_delays(host: str, port: int, *, bind: Any = server._bind) -> socket.socket:
    listener: socket.socket = bind(host, port)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    return listener


def no_second_start(planting: Planting) -> None:
    def start(self: Server, *, start: Any = Server.start) -> None:
        if hasattr(self, "_started"):
            raise MisuseError("it has been started already")
        vars(self)["_started"] = True
        start(self)

    planting.patch.setattr(Server, "start", start)


def start_over(self: Server, *, start: Any = Server.start) -> None:
    self._listening = None
    start(self)


def stop_once(self: Server, *, stop: Any = Server.stop) -> None:
    if not self.listening:
        raise MisuseError("it does not listen")
    stop(self)


def forget_to_stop(self: Server) -> None:
    self._listening = None


def in_the_thread_alone(self: Loop, action: Callable[[], object], *, do: Any = Loop.do) -> None:
    if self.alive:
        do(self, action)


OF_LIVES = [
    defect(
        "has a thread each",
        after(Server, "__init__", lambda self: setattr(self, "_beside", None)),
        tests.test_a_server_may_share_the_thread_of_another,
    ),
    defect(
        "says that it stops soon",
        instead("tiledesk_fake.serving.server._Listening.end_soon", lambda self: None),
        tests.test_a_server_that_is_to_stop_soon_stops_without_being_waited_for,
    ),
    defect(
        "cannot stop when its thread has ended",
        instead("tiledesk_fake.serving.loop.Loop.do", in_the_thread_alone),
        tests.test_a_server_stops_though_the_one_whose_thread_it_shares_has_stopped_first,
    ),
    defect(
        "keeps a descriptor",
        keeping_a_descriptor,
        by(tests.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=False),
    ),
    defect(
        "keeps a thread",
        keeping_a_thread,
        by(tests.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=True),
    ),
    defect(
        "stops slowly",
        after(Server, "stop", lambda _: time.sleep(0.3)),
        by(tests.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=False),
    ),
    defect(
        "leaves clients connected",
        leaving_clients,
        by(tests.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=True),
        tests.test_nothing_is_answered_after_stop,
        tests.test_a_held_connection_does_not_hold_up_stop,
    ),
    defect(
        "does not stop",
        instead("tiledesk_fake.serving.server.Server.stop", forget_to_stop),
        tests.test_nothing_is_answered_after_stop,
        tests.test_a_fixed_port_is_free_again_after_stop,
        tests.test_a_held_connection_does_not_hold_up_stop,
        tests.test_the_app_cannot_stop_the_server_it_answers_for,
        by(tests.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=False),
    ),
    defect(
        "says that it listens when it has stopped",
        instead("tiledesk_fake.serving.server.Server.listening", True),
        tests.test_two_threads_may_stop_it_at_once,
        tests.test_stopping_twice_or_before_start_is_fine,
    ),
    defect("listens later", deaf_until_later, tests.test_clients_are_answered_as_soon_as_start_returns),
    defect(
        "takes another address",
        instead("tiledesk_fake.serving.server._bind", somewhere),
        tests.test_a_taken_port_is_refused_at_once_with_what_to_do,
        by(tests.test_an_impossible_address_is_refused, host="192.0.2.1", port=0),
    ),
    defect(
        "listens on all addresses",
        instead("tiledesk_fake.serving.server._bind", anywhere),
        tests.test_it_listens_on_the_given_host_only,
    ),
    defect(
        "starts twice",
        instead("tiledesk_fake.serving.server.Server.start", start_over),
        tests.test_starting_twice_is_misuse,
    ),
    defect(
        "stops once",
        instead("tiledesk_fake.serving.server.Server.stop", stop_once),
        tests.test_stopping_twice_or_before_start_is_fine,
    ),
    defect("starts once", no_second_start, tests.test_a_stopped_server_can_be_started_again),
    defect(
        "makes up a port",
        instead("tiledesk_fake.serving.server.Server.port", 8000),
        tests.test_a_server_that_does_not_listen_has_no_port,
    ),
    defect(
        "does not reuse its address",
        instead("socket.SO_REUSEADDR", socket.SO_KEEPALIVE),
        tests.test_a_fixed_port_is_free_again_after_stop,
    ),
    defect(
        "keeps the port of a start that failed", keeping_its_port, tests.test_a_start_that_fails_half_way_keeps_no_port
    ),
    defect(
        "spells IPv6 like IPv4",
        instead("tiledesk_fake.serving.server._spell", "{}:{}".format),
        tests.test_it_listens_on_ipv6,
    ),
    defect(
        "keeps its sockets in a child",
        in_scripts("server._let_forks_go = lambda: None"),
        tests.test_a_forked_child_holds_neither_the_port_nor_a_connection,
    ),
    defect(
        "hooks forks at import",
        in_scripts("server._let_forks_go()"),
        tests.test_forks_are_hooked_once_and_not_at_import,
    ),
    defect(
        "has a thread that must end",
        in_scripts("""
real = threading.Thread
server.threading.Thread = lambda **named: real(**named | {"daemon": False})"""),
        tests.test_a_running_server_does_not_keep_the_interpreter_from_ending,
    ),
    defect(
        "says what it does",
        in_scripts("""
        turn = loop.Loop._turn
        loop.Loop._turn = lambda self: (print("a turn", file=sys.stderr) if self._timers else None, turn(self))
        """),
        tests.test_a_slow_app_makes_no_noise_in_development_mode,
    ),
    defect(
        "changes the process when it is imported",
        in_scripts("import logging; logging.basicConfig()"),
        tests.test_importing_it_starts_nothing_and_changes_nothing,
    ),
]


# --- HTTP --------------------------------------------------------------------------------------------------------


def never(self: Any) -> None:
    return None


def ignored(self: Any, value: Any) -> None:
    pass


def remembering_who_is_gone(planting: Planting) -> None:
    def dismiss(self: Service, connection: Connection) -> None:
        planting.over.callback(self.open.discard, connection)

    planting.patch.setattr(Service, "dismiss", dismiss)


def waiting_for_ever(self: Connection) -> None:
    self._stream.end_writing()
    self.deadline = float("inf")


def stale_date(planting: Planting) -> None:
    class Once(dict[str, bytes]):
        pass

    once = Once()
    seal = Service.seal

    def sealed(self: Service, *answer: Any) -> bytes:
        whole = seal(self, *answer)
        date = once.setdefault("date", self._date)
        return whole.replace(self._date, date)

    planting.patch.setattr(Service, "seal", sealed)


def sealed_without(text: bytes, put: bytes = b"") -> Plant:
    def plant(planting: Planting) -> None:
        seal = Service.seal
        planting.patch.setattr(Service, "seal", lambda self, *answer: seal(self, *answer).replace(text, put))

    return plant


def in_two_pieces(self: Connection, request: Request, answer: Answer, drop: object) -> None:
    head, _, body = self._service.seal(answer, request).partition(b"\r\n\r\n")
    self._stream.write(head + b"\r\n\r\n")
    time.sleep(0.02)
    self._stream.write(body)


def the_last_first(planting: Planting) -> None:
    class Stack(list[Any]):
        def popleft(self) -> Any:
            return self.pop()

    after(RequestReader, "__init__", lambda self: setattr(self, "arrived", Stack()))(planting)


def last_header_counts(self: RequestReader, environ: dict[str, Any], *, add: Any = RequestReader._add_headers) -> None:
    self._headers = list({name.lower(): (name, value) for name, value in self._headers}.values())
    add(self, environ)


def blocking(self: Connection, request: Request) -> None:
    wish = request.environ[KEY] = Delivery()
    answer = self._service.gateway(request.environ)
    time.sleep(wish.delay_s)
    if answer:
        self._deliver(request, answer, wish.drop)


def keep_the_last_request(planting: Planting) -> None:
    complete = RequestReader.on_message_complete

    def kept(self: RequestReader) -> None:
        vars(self)["_last"] = self._body
        complete(self)

    planting.patch.setattr(RequestReader, "on_message_complete", kept)


def with_status(planting: Planting) -> None:
    answer = gateway._answer
    planting.patch.setattr(
        gateway, "_answer", lambda status, headers, body, method: answer("200 OK", headers, body or b"x", method)
    )


def to_any_method(planting: Planting) -> None:
    answer = gateway._answer
    planting.patch.setattr(gateway, "_answer", lambda status, headers, body, _: answer(status, headers, body, "GET"))


def as_the_app_says(planting: Planting) -> None:
    answer = gateway._answer

    def trusting(status: str, headers: list[tuple[str, str]], body: bytes, method: str) -> Answer:
        said = dict(headers).get("content-length", "").encode()
        made = answer(status, headers, body, method)
        return made._replace(head=made.head.replace(b"Length: 5", b"Length: " + said)) if said else made

    planting.patch.setattr(gateway, "_answer", trusting)


def body_of_last_chunk(self: RequestReader, part: bytes) -> None:
    self._body = io.BytesIO(part)
    self._body.seek(0, 2)


def environ_lacking(key: str) -> Plant:
    def plant(planting: Planting) -> None:
        environ_for = Gateway.environ_for
        planting.patch.setattr(
            Gateway,
            "environ_for",
            lambda self, peer: {name: value for name, value in environ_for(self, peer).items() if name != key},
        )

    return plant


def decoded_target(environ: dict[str, Any], target: str, *, set: Any = reader._set_target) -> None:
    set(environ, target)
    environ["RAW_URI"] = environ["PATH_INFO"]


def host_of_header(environ: dict[str, Any], target: str, *, set: Any = reader._set_target) -> None:
    host = environ.get("HTTP_HOST", "")
    set(environ, target)
    environ["HTTP_HOST"] = host


def all_white_space(self: RequestReader, name: bytes, value: bytes) -> None:
    self._headers.append((name, value.decode("latin-1").strip().encode("latin-1")))


def deaf_to_writes(self: Any, status: str, headers: Any, exc_info: object = None, /) -> Callable[[bytes], object]:
    self._said = status, headers
    return len


def any_name(planting: Planting) -> None:
    def key(name: bytes) -> str:
        return "HTTP_" + name.decode().upper().replace("-", "_")

    planting.patch.setattr(reader, "_environ_key", key)


def short_names(planting: Planting) -> None:
    new = reader._new_environ_key
    planting.patch.setattr(reader, "_new_environ_key", lambda name: new(name[:60]))


def raising_out(planting: Planting) -> None:
    told = gateway._answer("500 Oops", [("Content-Type", "text/plain")], b"ZeroDivisionError: s3cret", "GET")
    planting.patch.setattr(gateway, "_INTERNAL_ERROR", told)


OF_HTTP = [
    defect(
        "closes after each answer",
        instead("tiledesk_fake.serving.reader.Request", lambda environ, keep_alive: Request(environ, False)),
        tests.test_a_connection_is_kept_for_further_requests,
        tests.test_an_offer_to_upgrade_is_ignored_and_the_connection_kept,
    ),
    defect(
        "does not say that it closes",
        sealed_without(b"Connection: close\r\n"),
        tests.test_connection_close_is_obeyed_and_what_follows_is_not_answered,
    ),
    defect(
        "knows no HTTP/1.0",
        sealed_without(b"Connection: keep-alive\r\n"),
        tests.test_http_1_0_is_answered_and_closed_unless_it_asks_to_keep_alive,
    ),
    defect(
        "tells its version",
        sealed_without(b"Server: tiledesk-fake", b"Server: tiledesk-fake/0.1"),
        tests.test_every_answer_is_dated_and_names_the_server_without_a_version,
    ),
    defect("has a date of old", stale_date, tests.test_answers_are_dated_when_they_are_given),
    defect(
        "answers HEAD as GET",
        to_any_method,
        tests.test_head_gets_the_headers_of_get_and_no_body,
        tests.test_head_keeps_the_length_of_an_app_that_leaves_the_body_out,
    ),
    defect(
        "gives every answer a body",
        with_status,
        by(tests.test_answers_that_cannot_have_a_body_have_none, status="204 No Content", length=None),
    ),
    defect(
        "trusts the app", as_the_app_says, tests.test_the_length_on_the_wire_is_that_of_the_body_whatever_the_app_says
    ),
    defect(
        "sends head and body apart",
        instead("tiledesk_fake.serving.connection.Connection._deliver", in_two_pieces),
        tests.test_head_and_body_of_an_answer_leave_together,
    ),
    defect(
        "lets answers wait for acknowledgements",
        instead("tiledesk_fake.serving.server._bind", with_delays),
        tests.test_answers_to_pipelined_requests_do_not_wait_for_acknowledgements,
    ),
    defect("answers the last first", the_last_first, tests.test_pipelined_requests_are_answered_in_order),
    defect(
        "answers while an answer is held back",
        read_as(Connection, "_delayed", None),
        tests.test_pipelined_requests_wait_for_a_delayed_answer_and_a_final_refusal_waits_too,
        tests.test_a_client_that_pipelines_without_end_is_held_back,
        tests.test_100_continue_waits_for_the_answer_before,
    ),
    defect(
        "forgets the beginning of a target",
        instead("tiledesk_fake.serving.reader.RequestReader.on_url", lambda self, part: setattr(self, "_target", part)),
        tests.test_a_request_may_come_byte_by_byte,
    ),
    defect(
        "takes empty lines for requests",
        received(lambda data: data.replace(b"\r\n", b" \r\n", 1) if data.startswith(b"\r\n") else data),
        tests.test_line_ends_before_a_request_are_skipped,
    ),
    defect(
        "never says 100 Continue",
        instead("tiledesk_fake.serving.connection.CONTINUE", b""),
        tests.test_100_continue_is_sent_when_a_body_is_awaited,
    ),
    defect(
        "says 100 Continue to everybody",
        read_as(RequestReader, "awaits_continue", True),
        by(
            tests.test_100_continue_is_not_sent_when_no_body_is_awaited,
            request_bytes=post(b"sent", "Expect: 100-continue"),
        ),
        by(
            tests.test_100_continue_is_not_sent_to_who_does_not_wait_for_it,
            begun=post(b"body", "Expect: 100-continue")[:-1],
            rest=b"y",
        ),
    ),
    defect(
        "keeps the last chunk of a body",
        instead("tiledesk_fake.serving.reader.RequestReader.on_body", body_of_last_chunk),
        tests.test_a_chunked_body_reaches_the_app_whole_with_its_length,
    ),
    defect(
        "is afraid of upgrades",
        instead("httptools.HttpParserUpgrade", type("Unknown", (Exception,), {})),
        tests.test_an_offer_to_upgrade_is_ignored_and_the_connection_kept,
    ),
    defect(
        "loses the body behind an upgrade",
        instead("tiledesk_fake.serving.reader.RequestReader._read_body_despite_upgrade", never),
        by(
            tests.test_an_offer_to_upgrade_does_not_cost_a_request_its_body,
            request_bytes=post(b"the body", *tests.UPGRADE),
        ),
    ),
    defect(
        "resets whom it has answered",
        instead("tiledesk_fake.serving.connection.Connection._linger", Connection._reset),
        by(tests.test_a_client_may_go_on_sending_and_still_read_its_last_answer, before=b""),
    ),
    defect(
        "reads no further when it has refused",
        instead("tiledesk_fake.serving.connection.Connection._finish", lambda self: self._stream.pause()),
        tests.test_a_refusal_survives_data_that_is_never_read,
    ),
    defect(
        "does not tell the end of a connection",
        instead("tiledesk_fake.serving.connection.Connection._linger", never),
        tests.test_the_end_of_a_connection_is_told_at_once,
    ),
    defect(
        "waits for a client to close",
        instead("tiledesk_fake.serving.connection.Connection._linger", waiting_for_ever),
        tests.test_a_client_that_does_not_close_is_not_waited_for,
        patience_s=0.7,
    ),
    defect(
        "takes a failing goodbye for an incident",
        instead("tiledesk_fake.serving.connection.Connection._linger", lambda self: self._stream.end_writing()),
        tests.test_a_client_that_is_gone_before_the_goodbye_is_no_incident,
    ),
    defect(
        "does not forget who is gone",
        remembering_who_is_gone,
        tests.test_a_client_that_gives_up_during_a_delay_is_forgotten,
        tests.test_clients_that_reset_leave_nothing_behind,
        tests.test_connections_beyond_the_limit_are_told_to_come_back,
    ),
    defect(
        "takes a half-closed connection for a closed one",
        after(Connection, "ended", Connection._hang_up),
        by(tests.test_a_client_that_only_stops_sending_still_gets_its_answers, targets=["/slow"]),
    ),
    defect(
        "keeps its last request", keep_the_last_request, tests.test_an_idle_connection_keeps_nothing_of_its_last_request
    ),
    defect(
        "waits for the garbage collector",
        instead("tiledesk_fake.serving.reader.RequestReader.close", never),
        tests.test_a_closed_connection_is_freed_without_waiting_for_the_garbage_collector,
    ),
    defect("gives no wsgi.errors", environ_lacking("wsgi.errors"), tests.test_the_environ_is_valid_wsgi),
    defect(
        "decodes the target",
        instead("tiledesk_fake.serving.reader._set_target", decoded_target),
        by(tests.test_the_target_reaches_the_app_as_sent_and_in_parts, target="/a%2Fb", path="/a/b", query=""),
    ),
    defect(
        "prefers the Host header",
        instead("tiledesk_fake.serving.reader._set_target", host_of_header),
        tests.test_the_host_of_an_absolute_target_overrides_the_header,
    ),
    defect(
        "lets the last header count",
        instead("tiledesk_fake.serving.reader.RequestReader._add_headers", last_header_counts),
        tests.test_of_repeated_authorization_headers_the_first_counts,
        tests.test_other_repeated_headers_are_joined,
        by(tests.test_malformed_input_gets_one_empty_400_and_never_reaches_the_app, data=tests.MALFORMED["host-twice"]),
    ),
    defect("shortens names", short_names, by(tests.test_headers_with_names_of_any_length_reach_the_app, length=65)),
    defect(
        "trims all white space",
        instead("tiledesk_fake.serving.reader.RequestReader.on_header", all_white_space),
        tests.test_space_around_header_values_is_trimmed_and_nothing_else,
    ),
    defect(
        "takes one header for another", any_name, tests.test_headers_that_could_pass_for_others_do_not_reach_the_app
    ),
    defect(
        "tells why the app broke",
        raising_out,
        by(
            tests.test_an_app_that_breaks_is_a_500_that_tells_nothing_but_the_log_does,
            app=tests.raising(ZeroDivisionError()),
        ),
    ),
    defect(
        "logs to stderr unasked",
        instead("tiledesk_fake.log.log.handlers", []),
        tests.test_a_broken_app_is_silent_where_nobody_has_set_up_logging,
    ),
    defect(
        "keeps its failures to itself",
        instead("tiledesk_fake.log.log.exception", never),
        tests.test_a_failure_of_the_server_itself_costs_one_connection_and_is_logged,
    ),
    defect(
        "loses what an app reports",
        instead("tiledesk_fake.serving.gateway._ErrorsToLog.write", lambda self, text: len(text)),
        tests.test_what_an_app_reports_as_wsgi_error_is_logged,
    ),
    defect(
        "loses what an app writes",
        instead("tiledesk_fake.serving.gateway._StartResponse.__call__", deaf_to_writes),
        tests.test_an_app_may_write_generate_restart_and_is_closed,
    ),
]


# --- how an answer is delivered ----------------------------------------------------------------------------------

OF_DELIVERY = [
    defect(
        "waits with everybody",
        instead("tiledesk_fake.serving.connection.Connection._answer", blocking),
        tests.test_a_delayed_answer_keeps_nobody_else_waiting,
        patience_s=0.7,
    ),
    defect(
        "has deadlines for its own delays",
        instead("tiledesk_fake.serving.connection.math", SimpleNamespace(inf=0.0)),
        tests.test_a_delayed_answer_outlasts_all_deadlines,
        by(tests.test_silence_is_held_past_all_deadlines_until_the_client_gives_up, silent="silence"),
        patience_s=1.5,
    ),
    defect(
        "closes where it should reset",
        instead("tiledesk_fake.serving.connection.Connection._reset", Connection._hang_up),
        tests.test_before_answer_resets_without_a_byte,
        by(tests.test_mid_body_sends_half_of_the_announced_body_and_resets, size=10),
        tests.test_mid_body_cuts_the_head_where_there_is_no_body,
    ),
    defect(
        "is not malformed on purpose",
        instead("tiledesk_fake.serving.connection.NOT_HTTP", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        tests.test_malformed_is_not_http_and_closes,
    ),
]


# --- what is not HTTP, limits and deadlines ----------------------------------------------------------------------


def the_time_of_the_tests() -> float:
    return time.monotonic()


def going_on(planting: Planting) -> None:
    def refuse(self: RequestReader, answer: Answer) -> None:
        self.arrived.append(answer)
        self.underway = False
        self._parser = httptools.HttpRequestParser(self)

    planting.patch.setattr(RequestReader, "refuse", refuse)
    planting.patch.setattr(Connection, "_finish", never)


def lenient(planting: Planting) -> None:
    """What llhttp lets through is let through."""
    planting.patch.setattr(RequestReader, "_fail", lambda self, verdict: None)


def one_more(planting: Planting) -> None:
    init = Service.__init__

    def generous(self: Service, gateway: Gateway, limits: Limits, loop: Any) -> None:
        init(self, gateway, replace(limits, connections=limits.connections + 1), loop)

    planting.patch.setattr(Service, "__init__", generous)


def close_unasked(self: Connection) -> None:
    self._half_closed = True
    self._hang_up()


def stretched(self: Connection, *, await_request: Any = Connection._await_request) -> None:
    self._timed_request = 0
    await_request(self)


def impatient(self: Connection, *, await_request: Any = Connection._await_request) -> None:
    await_request(self)
    if not self._reader.underway:
        self._give(self._service.limits.request_s, self._time_out)


def waiting_in_turn(planting: Planting) -> None:
    """A client that stalls is waited for."""
    over = threading.Event()
    await_request = Connection._await_request

    def wait(self: Connection) -> None:
        await_request(self)
        if self._reader.underway:
            over.wait(0.6)

    planting.patch.setattr(Connection, "_await_request", wait)
    # First of all, or else its server waits on when it is to end.
    planting.over.callback(over.set)


malformed = tests.test_malformed_input_gets_one_empty_400_and_never_reaches_the_app

OF_LIMITS = [
    defect(
        "lets through what llhttp lets through",
        lenient,
        *(
            by(malformed, data=tests.MALFORMED[name])
            for name in ("host-missing", "version-2.0", "coding-gzip, chunked", "coding-1.0", "connect-path")
        ),
    ),
    defect(
        "serves any target",
        instead(
            "tiledesk_fake.serving.reader.urlsplit",
            lambda _: SimpleNamespace(scheme="http", hostname="a", port=1, netloc="a", path="/"),
        ),
        *(by(malformed, data=tests.MALFORMED[f"target-{name}"]) for name in ("port", "bracket", "no-host", "scheme")),
    ),
    defect(
        "repairs what is malformed",
        received(lambda data: data.replace(b"a\nX-B", b"a\r\nX-B").replace(b"get /", b"GET /").replace(b"+4", b"4")),
        *(by(malformed, data=tests.MALFORMED[name]) for name in ("bare-lf", "method-lower", "length-+4", "chunk-plus")),
    ),
    defect(
        "goes on after a refusal",
        going_on,
        by(malformed, data=tests.MALFORMED["not-http"]),
        by(malformed, data=tests.MALFORMED["length-and-chunked"]),
    ),
    defect(
        "says nothing to who ends in the middle",
        instead("tiledesk_fake.serving.connection.Connection.ended", close_unasked),
        tests.test_input_that_ends_in_the_middle_is_malformed_too,
    ),
    defect(
        "knows no body of a GET",
        received(lambda data: data.replace(b"Content-Length", b"X-Content-Lengt")),
        tests.test_a_body_never_becomes_a_request,
    ),
    defect(
        "takes a byte more of a head",
        limits(head_bytes=16_385),
        *(by(tests.test_a_head_may_have_16384_bytes_and_no_more, lines=lines) for lines in (1, 500)),
    ),
    defect(
        "takes a byte less of a head",
        limits(head_bytes=16_383),
        by(tests.test_a_head_may_have_16384_bytes_and_no_more, lines=1),
    ),
    defect(
        "reads on and on",
        limits(head_bytes=10**9),
        *(
            by(tests.test_what_never_ends_is_cut_off, endless=get()[:-2] + line)
            for line in (b"X-A: " + b"a" * 50_000, b"X-A: b\r\n" * 9_000)
        ),
        patience_s=0.3,
    ),
    defect(
        "does not count trailers",
        instead("tiledesk_fake.serving.reader.RequestReader._check_head_size", never),
        tests.test_trailers_count_as_head,
    ),
    defect(
        "takes a byte more of a body",
        limits(body_bytes=512_001),
        *(by(tests.test_a_body_may_have_512000_bytes_and_no_more, framed=framed) for framed in (post, chunked)),
    ),
    defect(
        "takes a byte less of a body",
        limits(body_bytes=511_999),
        by(tests.test_a_body_may_have_512000_bytes_and_no_more, framed=post),
    ),
    defect(
        "takes any body",
        limits(body_bytes=10**12),
        tests.test_a_body_too_large_is_refused_when_it_is_announced,
        patience_s=0.3,
    ),
    defect("takes a connection more", one_more, tests.test_connections_beyond_the_limit_are_told_to_come_back),
    defect(
        "has another limit than is documented",
        instead("tiledesk_fake.serving.server.Limits", partial(Limits, request_s=6)),
        tests.test_the_limits_are_the_documented_ones,
    ),
    defect(
        "knows no deadlines",
        instead("tiledesk_fake.serving.loop.Loop._look_at_deadlines", never),
        by(tests.test_a_request_that_does_not_arrive_in_time_is_a_408, unfinished=get()[:-2]),
        by(tests.test_a_trickle_does_not_stretch_the_deadline, trickling=post(b"x" * 1_000)),
        tests.test_an_idle_connection_is_closed_without_a_word,
        tests.test_a_client_that_does_not_take_its_answer_is_cut_off,
        patience_s=0.7,
    ),
    defect(
        "starts again with each byte",
        instead("tiledesk_fake.serving.connection.Connection._await_request", stretched),
        by(tests.test_a_trickle_does_not_stretch_the_deadline, trickling=get("/" + "a" * 1_000)),
    ),
    defect(
        "takes an idle client for a slow one",
        instead("tiledesk_fake.serving.connection.Connection._await_request", impatient),
        tests.test_an_idle_connection_is_not_taken_for_a_slow_one,
    ),
    defect(
        "takes a slow reader for one that does not read",
        instead("tiledesk_fake.serving.connection.Connection._check_progress", Connection.cut_off),
        tests.test_a_client_that_takes_its_answer_slowly_gets_it_all,
    ),
    defect(
        "asks the clock of the tests",
        instead("tiledesk_fake.serving.loop.Loop.monotonic", staticmethod(the_time_of_the_tests)),
        tests.test_deadlines_hold_while_a_test_stops_the_clocks,
    ),
    defect("waits for each client in turn", waiting_in_turn, tests.test_stalled_clients_keep_nobody_waiting),
    defect(
        "tries again and again where there are no descriptors",
        in_scripts("server._Listening.ACCEPT_RETRY_S = 0"),
        tests.test_running_out_of_descriptors_neither_ends_nor_spins_the_server,
    ),
]

DEFECTS = [*OF_LIVES, *OF_HTTP, *OF_DELIVERY, *OF_LIMITS]
