"""Defects in the HTTP of the server, and in what an app gets and answers."""

import io
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import httptools

from tests.hardening.planting import Plant, Planting, after, by, defect, instead, read_as
from tests.hardening.planting_in_server import conduct, never, received
from tests.raw_http import get, post
from tests.serving import apps
from tests.serving import test_app as app
from tests.serving import test_ends_of_connections as ends
from tests.serving import test_environ as environs
from tests.serving import test_http as http
from tests.serving import test_limits as bounds
from tests.serving import test_malformed as malformed
from tests.serving import test_many_clients as crowds
from tests.serving import test_rejections as rejections
from tiledesk_fake.serving import gateway, reader
from tiledesk_fake.serving.binding import bind
from tiledesk_fake.serving.connection import Connection, State
from tiledesk_fake.serving.gateway import Gateway, Outgoing
from tiledesk_fake.serving.reader import Incoming, RequestReader
from tiledesk_fake.serving.rejection import UPGRADE_REFUSED
from tiledesk_fake.serving.service import Service


def ignored(self: Any, value: Any) -> None:
    pass


def remembering_who_is_gone(planting: Planting) -> None:
    def dismiss(self: Service, connection: Connection) -> None:
        planting.over.callback(self.open.discard, connection)

    planting.patch.setattr(Service, "dismiss", dismiss)


def stale_date(planting: Planting) -> None:
    class Once(dict[str, bytes]):
        pass

    once = Once()
    seal = Service.seal

    def sealed(self: Service, *answer: Any) -> bytes:
        whole = seal(self, *answer)
        (date,) = re.findall(rb"Date: .*", whole)
        return whole.replace(date, once.setdefault("date", date))

    planting.patch.setattr(Service, "seal", sealed)


def sealed_without(text: bytes, put: bytes = b"") -> Plant:
    def plant(planting: Planting) -> None:
        seal = Service.seal
        planting.patch.setattr(Service, "seal", lambda self, *answer: seal(self, *answer).replace(text, put))

    return plant


def in_two_pieces(self: Connection, request: Incoming, answer: Outgoing, drop: object) -> None:
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


def keep_the_last_request(planting: Planting) -> None:
    complete = RequestReader.on_message_complete

    def kept(self: RequestReader) -> None:
        vars(self)["_last"] = self._body
        complete(self)

    planting.patch.setattr(RequestReader, "on_message_complete", kept)


def with_status(planting: Planting) -> None:
    answer = gateway.outgoing
    planting.patch.setattr(
        gateway, "outgoing", lambda status, headers, body, method: answer("200 OK", headers, body or b"x", method)
    )


def to_any_method(planting: Planting) -> None:
    answer = gateway.outgoing
    planting.patch.setattr(gateway, "outgoing", lambda status, headers, body, _: answer(status, headers, body, "GET"))


def as_the_app_says(planting: Planting) -> None:
    answer = gateway.outgoing

    def trusting(status: str, headers: list[tuple[str, str]], body: bytes, method: str) -> Outgoing:
        said = dict(headers).get("content-length", "").encode()
        made = answer(status, headers, body, method)
        return made._replace(head=made.head.replace(b"Length: 5", b"Length: " + said)) if said else made

    planting.patch.setattr(gateway, "outgoing", trusting)


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
    new = reader._environ_key
    planting.patch.setattr(reader, "_environ_key", lambda name: new(name[:60]))


def raising_out(planting: Planting) -> None:
    told = gateway.outgoing("500 Oops", [("Content-Type", "text/plain")], b"ZeroDivisionError: s3cret", "GET")
    planting.patch.setattr(Gateway, "rejecting", lambda self, rejection, method: told)


def with_delays(host: str, port: int, *, bind: Any = bind) -> list[socket.socket]:
    listeners: list[socket.socket] = bind(host, port)
    for listener in listeners:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    return listeners


def afraid_of_upgrades(self: RequestReader, *, complete: Any = RequestReader.on_headers_complete) -> None:
    if any(b"upgrade" in (name + value).lower() for name, value in self._headers):
        self._fail(UPGRADE_REFUSED)
    complete(self)


_PARSER = httptools.HttpRequestParser


class WithoutUpgrades:
    """The parser, which says of no request that it offers an upgrade."""

    def __init__(self, reader: RequestReader) -> None:
        self._parser = _PARSER(reader)

    def should_upgrade(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


DEFECTS = [
    defect(
        "closes after each answer",
        instead("tiledesk_fake.serving.reader.Incoming", lambda environ, keep_alive: Incoming(environ, False)),
        http.test_a_connection_is_kept_for_further_requests,
        by(http.test_what_is_no_offer_to_upgrade_is_served_and_the_connection_kept, headers="no protocol"),
    ),
    defect(
        "does not say that it closes",
        sealed_without(b"Connection: close\r\n"),
        http.test_connection_close_is_obeyed_and_what_follows_is_not_answered,
    ),
    defect(
        "knows no HTTP/1.0",
        sealed_without(b"Connection: keep-alive\r\n"),
        http.test_http_1_0_is_answered_and_closed_unless_it_asks_to_keep_alive,
    ),
    defect(
        "tells its version",
        sealed_without(b"Server: tiledesk-fake", b"Server: tiledesk-fake/0.1"),
        http.test_every_answer_is_dated_and_names_the_server_without_a_version,
    ),
    defect("has a date of old", stale_date, http.test_answers_are_dated_when_they_are_given),
    defect(
        "answers HEAD as GET",
        to_any_method,
        http.test_head_gets_the_headers_of_get_and_no_body,
        http.test_head_keeps_the_length_of_an_app_that_leaves_the_body_out,
    ),
    defect(
        "gives every answer a body",
        with_status,
        by(http.test_answers_that_cannot_have_a_body_have_none, status="204 No Content", length=None),
    ),
    defect(
        "trusts the app",
        as_the_app_says,
        http.test_the_length_on_the_wire_is_that_of_the_body_whatever_the_app_says,
    ),
    defect(
        "sends head and body apart",
        instead("tiledesk_fake.serving.connection.Connection._deliver", in_two_pieces),
        http.test_head_and_body_of_an_answer_leave_together,
    ),
    defect(
        "lets answers wait for acknowledgements",
        instead("tiledesk_fake.serving.server.bind", with_delays),
        http.test_answers_to_pipelined_requests_do_not_wait_for_acknowledgements,
    ),
    defect("answers the last first", the_last_first, http.test_pipelined_requests_are_answered_in_order),
    defect(
        "answers while an answer is held back",
        conduct(State.DELAYING, answers=True),
        http.test_pipelined_requests_wait_for_a_delayed_answer_and_a_final_refusal_waits_too,
        http.test_a_client_that_pipelines_without_end_is_held_back,
        http.test_100_continue_waits_for_the_answer_before,
    ),
    defect(
        "forgets the beginning of a target",
        instead("tiledesk_fake.serving.reader.RequestReader.on_url", lambda self, part: setattr(self, "_target", part)),
        http.test_a_request_may_come_byte_by_byte,
    ),
    defect(
        "takes empty lines for requests",
        received(lambda data: data.replace(b"\r\n", b" \r\n", 1) if data.startswith(b"\r\n") else data),
        http.test_line_ends_before_a_request_are_skipped,
    ),
    defect(
        "never says 100 Continue",
        instead("tiledesk_fake.serving.connection.CONTINUE", b""),
        http.test_100_continue_is_sent_when_a_body_is_awaited,
    ),
    defect(
        "says 100 Continue to everybody",
        read_as(RequestReader, "awaits_continue", True),
        by(
            http.test_100_continue_is_not_sent_when_no_body_is_awaited,
            request_bytes=post(b"sent", "Expect: 100-continue"),
        ),
        by(
            http.test_100_continue_is_not_sent_to_who_does_not_wait_for_it,
            begun=post(b"body", "Expect: 100-continue")[:-1],
            rest=b"y",
        ),
    ),
    defect(
        "keeps the last chunk of a body",
        instead("tiledesk_fake.serving.reader.RequestReader.on_body", body_of_last_chunk),
        http.test_a_chunked_body_reaches_the_app_whole_with_its_length,
    ),
    defect(
        "is afraid of every word of an upgrade",
        instead("tiledesk_fake.serving.reader.RequestReader.on_headers_complete", afraid_of_upgrades),
        *(
            by(http.test_what_is_no_offer_to_upgrade_is_served_and_the_connection_kept, headers=headers)
            for headers in ("no protocol", "not of the connection", "a longer token")
        ),
    ),
    defect(
        "sees no offer to upgrade",
        instead("httptools.HttpRequestParser", WithoutUpgrades),
        by(http.test_an_offer_to_upgrade_is_a_400_that_ends_the_connection, offer="h2c"),
        by(http.test_an_offer_to_upgrade_is_a_400_whatever_is_asked, method="DELETE", version="1.0"),
        by(
            http.test_an_offer_to_upgrade_is_refused_before_its_body,
            request_bytes=get("/", *http.UPGRADE, "Content-Length: 8", method="POST"),
        ),
        http.test_requests_before_an_offer_to_upgrade_are_answered,
    ),
    defect(
        "resets whom it has answered",
        conduct(State.FINISHING, on_flushed=Connection._reset),
        by(ends.test_a_client_may_go_on_sending_and_still_read_its_last_answer, before=b""),
    ),
    defect(
        "reads no further when it has refused",
        instead("tiledesk_fake.serving.connection.Connection._finish", lambda self: self._stream.pause()),
        bounds.test_a_refusal_survives_data_that_is_never_read,
    ),
    defect(
        "does not tell the end of a connection",
        conduct(State.FINISHING, on_flushed=never),
        ends.test_the_end_of_a_connection_is_told_at_once,
    ),
    defect(
        "waits for a client to close",
        conduct(State.LINGERING, limit=None),
        ends.test_a_client_that_does_not_close_is_not_waited_for,
        patience_s=0.7,
    ),
    defect(
        "takes a failing goodbye for an incident",
        conduct(State.FINISHING, on_flushed=lambda self: self._stream.end_writing()),
        ends.test_a_client_that_is_gone_before_the_goodbye_is_no_incident,
    ),
    defect(
        "does not forget who is gone",
        remembering_who_is_gone,
        ends.test_a_client_that_gives_up_during_a_delay_is_forgotten,
        crowds.test_clients_that_reset_leave_nothing_behind,
        bounds.test_connections_beyond_the_limit_are_told_to_come_back,
    ),
    defect(
        "takes a half-closed connection for a closed one",
        conduct(State.DELAYING, on_end=Connection._close),
        by(ends.test_a_client_that_only_stops_sending_still_gets_its_answers, targets=["/slow"]),
    ),
    defect(
        "keeps its last request",
        keep_the_last_request,
        ends.test_an_idle_connection_keeps_nothing_of_its_last_request,
    ),
    defect(
        "waits for the garbage collector",
        instead("tiledesk_fake.serving.reader.RequestReader.close", never),
        ends.test_a_closed_connection_is_freed_without_waiting_for_the_garbage_collector,
    ),
    defect("gives no wsgi.errors", environ_lacking("wsgi.errors"), environs.test_the_environ_is_valid_wsgi),
    defect(
        "decodes the target",
        instead("tiledesk_fake.serving.reader._set_target", decoded_target),
        by(environs.test_the_target_reaches_the_app_as_sent_and_in_parts, target="/a%2Fb", path="/a/b", query=""),
    ),
    defect(
        "prefers the Host header",
        instead("tiledesk_fake.serving.reader._set_target", host_of_header),
        environs.test_the_host_of_an_absolute_target_overrides_the_header,
    ),
    defect(
        "lets the last header count",
        instead("tiledesk_fake.serving.reader.RequestReader._add_headers", last_header_counts),
        environs.test_of_repeated_authorization_headers_the_first_counts,
        environs.test_other_repeated_headers_are_joined,
        by(
            malformed.test_malformed_input_gets_one_empty_400_and_never_reaches_the_app,
            data=malformed.MALFORMED["host-twice"],
        ),
    ),
    defect("shortens names", short_names, by(environs.test_headers_with_names_of_any_length_reach_the_app, length=64)),
    defect(
        "trims all white space",
        instead("tiledesk_fake.serving.reader.RequestReader.on_header", all_white_space),
        environs.test_space_around_header_values_is_trimmed_and_nothing_else,
    ),
    defect(
        "takes one header for another",
        any_name,
        environs.test_headers_that_could_pass_for_others_do_not_reach_the_app,
    ),
    defect(
        "tells why the app broke",
        raising_out,
        by(
            app.test_an_app_that_breaks_is_a_500_that_tells_nothing_but_the_log_does,
            app=apps.raising(ZeroDivisionError()),
        ),
    ),
    defect(
        "logs to stderr unasked",
        instead("tiledesk_fake.log.log.handlers", []),
        app.test_a_broken_app_is_silent_where_nobody_has_set_up_logging,
    ),
    defect(
        "keeps its failures to itself",
        instead("tiledesk_fake.log.log.exception", never),
        app.test_a_failure_of_the_server_itself_costs_one_connection_and_is_logged,
    ),
    defect(
        "loses what an app reports",
        instead("tiledesk_fake.serving.gateway._ErrorsToLog.write", lambda self, text: len(text)),
        app.test_what_an_app_reports_as_wsgi_error_is_logged,
    ),
    defect(
        "loses what an app writes",
        instead("tiledesk_fake.serving.gateway._StartResponse.__call__", deaf_to_writes),
        app.test_an_app_may_write_generate_restart_and_is_closed,
    ),
    defect(
        "joins what Node keeps the first of",
        instead("tiledesk_fake.serving.reader._FIRST_COUNTS", frozenset()),
        *(by(environs.test_of_some_repeated_headers_the_first_counts, name=name) for name in ("age", "content-type")),
    ),
    defect(
        "knows one spelling of an expectation",
        instead("tiledesk_fake.serving.reader._CONTINUE", re.compile(r"\A100-continue\Z")),
        by(http.test_100_continue_may_be_expected_beside_something_else, expectation="x, 100-continue"),
    ),
    defect(
        "meets any expectation",
        instead("tiledesk_fake.serving.reader._CONTINUE", re.compile("")),
        *(by(http.test_any_other_expectation_is_a_417_at_once, expectation=each) for each in ("x", "")),
    ),
    defect(
        "takes HTTP/1.0 for HTTP/1.1",
        received(lambda data: data.replace(b"HTTP/1.0", b"HTTP/1.1\r\nHost: fake")),
        http.test_http_1_0_knows_no_expectations,
    ),
    defect(
        "says no length of nothing",
        sealed_without(b"Content-Length: 0\r\n"),
        by(http.test_an_answer_without_content_may_say_that_it_has_no_length, said="0", length="0"),
        rejections.test_a_fake_says_over_the_wire_too_that_a_preflight_has_no_length,
    ),
]
