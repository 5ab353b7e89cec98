"""The fixtures of these tests."""

import logging
from collections.abc import Iterator
from typing import Any
from wsgiref.types import WSGIApplication

import pytest

from tests.raw_http import Client
from tests.serving.apps import Recorder, answers
from tests.serving.servers import BODIES, LIMITS, Refused, Serve
from tiledesk_fake.serving.server import Server


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for an app, with the given limits; stopped after the test."""
    servers: list[Server] = []

    def start(app: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0, **limits: Any) -> Server:
        server = Server(app, host=host, port=port, bodies=BODIES)
        server.limits = LIMITS._replace(**limits)
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


@pytest.fixture
def neighbour(serve: Serve, app: Recorder) -> Iterator[Server]:
    """A server of `app` that is served by the thread of another."""
    server = Server(app, beside=serve(answers()))
    server.start()
    yield server
    server.stop()


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


@pytest.fixture
def refused() -> Refused:
    """What the owner of `noting` was told."""
    return []


@pytest.fixture
def noting(refused: Refused, app: Recorder) -> Iterator[Server]:
    server = Server(app, on_refused=lambda *told: refused.append(told))
    server.limits = LIMITS._replace(request_s=0.2, connections=2)
    server.start()
    yield server
    server.stop()
