"""Defects in what is not HTTP, in limits and in deadlines."""

import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import httptools

from tests.hardening.planting import Planting, by, defect, instead
from tests.hardening.planting_in_server import conduct, in_scripts, limits, never, received
from tests.raw_http import chunked, get, post
from tests.serving import test_deadlines as deadlines
from tests.serving import test_environ as environs
from tests.serving import test_limits as bounds
from tests.serving import test_malformed as malformed
from tests.serving import test_many_clients as crowds
from tests.serving import test_processes as in_processes
from tiledesk_fake.serving.connection import Connection, State
from tiledesk_fake.serving.gateway import Gateway
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.reader import RequestReader
from tiledesk_fake.serving.rejection import Rejection
from tiledesk_fake.serving.service import Service


def the_time_of_the_tests() -> float:
    return time.monotonic()


def going_on(planting: Planting) -> None:
    def refuse(self: RequestReader, rejection: Rejection) -> None:
        self.arrived.append(rejection)
        self.underway = False
        self._parser = httptools.HttpRequestParser(self)

    planting.patch.setattr(RequestReader, "refuse", refuse)
    planting.patch.setattr(Connection, "_finish", never)


def lenient(planting: Planting) -> None:
    """What llhttp lets through is let through."""
    planting.patch.setattr(RequestReader, "_fail", lambda self, verdict: None)


def one_more(planting: Planting) -> None:
    init = Service.__init__

    def generous(self: Service, gateway: Gateway, limits: Limits, *others: Any) -> None:
        init(self, gateway, limits._replace(connections=limits.connections + 1), *others)

    planting.patch.setattr(Service, "__init__", generous)


def stretched(self: Connection, *, await_request: Any = Connection._await_request) -> None:
    self._become(State.WAITING)
    await_request(self)


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


MALFORMED = malformed.MALFORMED
not_http = malformed.test_malformed_input_gets_one_empty_400_and_never_reaches_the_app


DEFECTS = [
    defect(
        "refuses what its app ignores",
        instead("tiledesk_fake.serving.gateway.Gateway.ignores", lambda self, environ: False),
        by(
            bounds.test_a_body_that_the_app_ignores_may_have_any_size_and_is_cut_off,
            framed=lambda body: post(body, "Content-Type: text/plain"),
        ),
    ),
    defect(
        "lets through what llhttp lets through",
        lenient,
        *(
            by(not_http, data=MALFORMED[name])
            for name in ("host-missing", "version-2.0", "coding-gzip, chunked", "coding-1.0", "connect-path")
        ),
    ),
    defect(
        "serves any target",
        instead(
            "tiledesk_fake.serving.reader.urlsplit",
            lambda _: SimpleNamespace(scheme="http", hostname="a", port=1, netloc="a", path="/"),
        ),
        *(by(not_http, data=MALFORMED[f"target-{name}"]) for name in ("port", "bracket", "no-host", "scheme")),
    ),
    defect(
        "repairs what is malformed",
        received(lambda data: data.replace(b"a\nX-B", b"a\r\nX-B").replace(b"get /", b"GET /").replace(b"+4", b"4")),
        *(by(not_http, data=MALFORMED[name]) for name in ("bare-lf", "method-lower", "length-+4", "chunk-plus")),
    ),
    defect(
        "goes on after a refusal",
        going_on,
        by(not_http, data=malformed.MALFORMED["not-http"]),
        by(not_http, data=malformed.MALFORMED["length-and-chunked"]),
    ),
    defect(
        "says nothing to who ends in the middle",
        conduct(State.RECEIVING, on_end=Connection._close),
        malformed.test_input_that_ends_in_the_middle_is_malformed_too,
    ),
    defect(
        "knows no body of a GET",
        received(lambda data: data.replace(b"Content-Length", b"X-Content-Lengt")),
        malformed.test_a_body_never_becomes_a_request,
    ),
    defect(
        "takes a byte more of a head",
        limits(head_bytes=16_385),
        *(by(bounds.test_a_head_may_have_16384_bytes_and_no_more, lines=lines) for lines in (1, 500)),
    ),
    defect(
        "takes a byte less of a head",
        limits(head_bytes=16_383),
        by(bounds.test_a_head_may_have_16384_bytes_and_no_more, lines=1),
    ),
    defect(
        "reads on and on",
        limits(head_bytes=10**9),
        *(
            by(bounds.test_what_never_ends_is_cut_off, endless=get()[:-2] + line)
            for line in (b"X-A: " + b"a" * 50_000, b"X-A: b\r\n" * 9_000)
        ),
        patience_s=0.3,
    ),
    defect(
        "does not count trailers",
        instead("tiledesk_fake.serving.reader.RequestReader._check_head_size", never),
        bounds.test_trailers_count_as_head,
    ),
    defect(
        "takes a byte more of a body",
        limits(body_bytes=512_001),
        *(by(bounds.test_a_body_may_have_512000_bytes_and_no_more, framed=framed) for framed in (post, chunked)),
    ),
    defect(
        "takes a byte less of a body",
        limits(body_bytes=511_999),
        by(bounds.test_a_body_may_have_512000_bytes_and_no_more, framed=post),
    ),
    defect(
        "takes any body",
        limits(body_bytes=10**12),
        bounds.test_a_body_too_large_is_refused_when_it_is_announced,
        patience_s=0.3,
    ),
    defect("takes a connection more", one_more, bounds.test_connections_beyond_the_limit_are_told_to_come_back),
    defect(
        "has another limit than is documented",
        instead("tiledesk_fake.serving.server.Limits", partial(Limits, request_s=6)),
        bounds.test_the_limits_are_the_documented_ones,
    ),
    defect(
        "knows no deadlines",
        instead("tiledesk_fake.serving.loop.Loop._look_at_deadlines", never),
        by(deadlines.test_a_request_that_does_not_arrive_in_time_is_a_408, unfinished=get()[:-2]),
        by(deadlines.test_a_trickle_does_not_stretch_the_deadline, trickling=post(b"x" * 1_000)),
        deadlines.test_an_idle_connection_is_closed_without_a_word,
        deadlines.test_a_client_that_does_not_take_its_answer_is_cut_off,
        patience_s=0.7,
    ),
    defect(
        "starts again with each byte",
        instead("tiledesk_fake.serving.connection.Connection._await_request", stretched),
        by(deadlines.test_a_trickle_does_not_stretch_the_deadline, trickling=get("/" + "a" * 1_000)),
    ),
    defect(
        "takes an idle client for a slow one",
        conduct(State.WAITING, limit="request_s", on_deadline=Connection._time_out),
        deadlines.test_an_idle_connection_is_not_taken_for_a_slow_one,
    ),
    defect(
        "takes a slow reader for one that does not read",
        conduct(State.SENDING, on_deadline=Connection.cut_off),
        deadlines.test_a_client_that_takes_its_answer_slowly_gets_it_all,
    ),
    defect(
        "asks the clock of the tests",
        instead("tiledesk_fake.serving.loop.Loop.monotonic", staticmethod(the_time_of_the_tests)),
        deadlines.test_deadlines_hold_while_a_test_stops_the_clocks,
    ),
    defect("waits for each client in turn", waiting_in_turn, crowds.test_stalled_clients_keep_nobody_waiting),
    defect(
        "tries again and again where there are no descriptors",
        in_scripts("server._Listening.ACCEPT_RETRY_S = 0"),
        in_processes.test_running_out_of_descriptors_neither_ends_nor_spins_the_server,
    ),
    defect(
        "counts on descriptors that it has not",
        instead("tiledesk_fake.serving.limits.RESERVED_DESCRIPTORS", 0),
        by(bounds.test_as_many_connections_are_served_as_descriptors_allow, descriptors=256, connections=192),
    ),
    defect(
        "keeps a program at its first limit",
        in_scripts("from tiledesk_fake.serving import limits; limits.raise_descriptors = lambda: None"),
        bounds.test_a_program_may_raise_its_descriptors,
    ),
    defect(
        "tells of every header",
        instead("tiledesk_fake.serving.reader._MOST_HEADERS", 10**6),
        environs.test_of_more_than_1000_headers_the_later_ones_are_dropped,
    ),
    defect(
        "looks at no header past the thousandth",
        instead("tiledesk_fake.serving.reader._FRAMING", frozenset()),
        environs.test_what_frames_a_request_is_looked_at_after_1000_headers_too,
    ),
]
