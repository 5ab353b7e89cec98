"""What a runner of tests needs: a fake beside a server, its address handed over, and what it holds closed."""

import http.client
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tiledesk_fake import NotListening, TiledeskFake
from tiledesk_fake.serving.server import Server


@pytest.fixture
def house() -> Iterator[Server]:
    """A server whose thread others are served by."""
    server = Server(lambda environ, start_response: [])
    server.start()
    yield server
    server.stop()


def gone(environ: Any, start_response: Any) -> list[bytes]:
    start_response("410 Gone", [])
    return [b"gone"]


def status(connection: http.client.HTTPConnection, path: str = "/v3/jwt/history") -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def status_at(url: str) -> int:
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
    try:
        return status(connection)
    finally:
        connection.close()


def test_a_fake_beside_a_server_is_served_by_its_thread_at_an_address_of_its_own(house: Server) -> None:
    before = threading.active_count()

    fakes = [TiledeskFake().start(beside=house) for _ in range(3)]

    assert threading.active_count() == before
    assert len({fake.url for fake in fakes}) == 3
    for fake in fakes:
        assert status_at(fake.url) == 401
        assert fake.journal.total == 1
        fake.stop()


def test_another_app_answers_where_a_fake_has_handed_over_old_connections_too() -> None:
    with TiledeskFake() as fake:
        url = fake.url
        kept = http.client.HTTPConnection(url.split("/")[2], timeout=10)
        assert status(kept) == 401
        wire = kept.sock

        server = fake.hand_over(gone)

        assert fake.url == url
        assert fake.listening
        assert status(kept) == 410
        assert kept.sock is wire
        assert status_at(url) == 410
        assert fake.journal.total == 1
        assert server is not None
        assert server.listening
    assert not server.listening
    kept.close()


def test_a_fake_that_does_not_listen_has_nothing_to_hand_over() -> None:
    fake = TiledeskFake()

    assert fake.hand_over(gone) is None
    fake.close_held()

    with fake:
        assert status_at(fake.url) == 401


def test_a_fake_that_is_started_again_after_it_has_handed_over_answers_itself() -> None:
    fake = TiledeskFake().start()
    fake.hand_over(gone)
    fake.stop()

    with fake:
        assert status_at(fake.url) == 401


@pytest.mark.parametrize("let_go", [lambda fake: fake.close_held(), lambda fake: fake.hand_over(gone)])
@pytest.mark.parametrize("fault", [{"drop": "silence"}, {"delay_s": 60}], ids=["silence", "delay"])
def test_what_a_fake_holds_back_is_closed_and_all_else_is_left_alone(
    let_go: Callable[[TiledeskFake], object], fault: dict[str, Any]
) -> None:
    with TiledeskFake() as fake:
        address = fake.url.split("/")[2]
        idle, held = (http.client.HTTPConnection(address, timeout=10) for _ in range(2))
        assert status(idle) == 401
        wire = idle.sock
        fake.faults.add("listTokens", **fault)
        held.request("GET", "/v3/jwt/history")
        while fake.journal.total < 2:
            pass

        let_go(fake)

        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            held.getresponse()
        assert status(idle) in (401, 410)
        assert idle.sock is wire
    idle.close()
    held.close()


def test_who_asks_for_the_address_of_a_fake_that_stops_meanwhile_gets_it_or_is_told(house: Server) -> None:
    told: list[str] = []
    for _ in range(200):
        fake = TiledeskFake().start(beside=house)

        def ask(fake: TiledeskFake = fake) -> None:
            try:
                told.append(fake.url)
            except NotListening:
                told.append("not listening")

        thread = threading.Thread(target=ask)
        thread.start()
        fake.stop()
        thread.join(10)
        assert not fake.listening

    assert len(told) == 200
