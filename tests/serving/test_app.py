"""What the app answers, and what becomes of that."""

import logging
from collections.abc import Iterable
from unittest import mock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from tests.raw_http import Client, get
from tests.serving.apps import answers, raising
from tests.serving.servers import INTERNAL_ERROR, Serve
from tiledesk_fake.serving.reader import RequestReader


@pytest.mark.usefixtures("planted_bugs")
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


@pytest.mark.usefixtures("planted_bugs")
def test_a_broken_app_is_silent_where_nobody_has_set_up_logging(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    with Client(serve(raising(ZeroDivisionError())).port) as client:
        client.send(get())
        assert client.reply().status == 500

    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("planted_bugs")
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
