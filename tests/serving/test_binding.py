"""Where a server listens: at every address of its host, on one port."""

import errno
import socket
from typing import Any

import pytest

from tests.raw_http import Client, get
from tests.serving.apps import answers
from tests.serving.servers import Serve
from tiledesk_fake import TiledeskFake
from tiledesk_fake.errors import CannotListen
from tiledesk_fake.serving import binding

LOOPBACKS = ("127.0.0.1", "::1")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def status_at(host: str, port: int) -> int:
    with Client(port, host=host) as client:
        client.send(get())
        return client.reply().status


@ipv6
@pytest.mark.parametrize("name", ["localhost", "LocalHost", "localhost."])
def test_localhost_is_both_loopback_addresses(serve: Serve, name: str) -> None:
    server = serve(answers(), host=name)
    port = server.port

    assert [status_at(host, port) for host in LOOPBACKS] == [200, 200]
    server.stop()
    for host in LOOPBACKS:
        with pytest.raises(ConnectionRefusedError):
            Client(port, host=host)


@ipv6
def test_the_url_of_a_fake_at_localhost_works_for_clients_that_take_it_for_one_of_both() -> None:
    with TiledeskFake(host="localhost") as fake:
        assert fake.url.startswith("http://localhost:")
        port = int(fake.url.split(":")[2].partition("/")[0])

        assert [status_at(host, port) for host in LOOPBACKS] == [404, 404]


def lacking(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """A machine where listening at an IPv6 address ends so."""
    listen = binding._listen

    def on_ipv4_alone(kind: int, address: tuple[Any, ...]) -> socket.socket:
        if kind == socket.AF_INET6:
            raise error
        return listen(kind, address)

    monkeypatch.setattr(binding, "_listen", on_ipv4_alone)


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_localhost_is_one_address_where_the_machine_has_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lacking(monkeypatch, OSError(number, "not here"))

    assert status_at("127.0.0.1", serve(answers(), host="localhost").port) == 200


def test_localhost_is_one_address_where_nobody_knows_the_other(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def of_ipv4_alone(host: str, *arguments: Any, **named: Any) -> Any:
        if host == "::1":
            raise socket.gaierror(socket.EAI_ADDRFAMILY, "Address family for hostname not supported")
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", of_ipv4_alone)

    assert status_at("127.0.0.1", serve(answers(), host="localhost").port) == 200
    with pytest.raises(CannotListen):
        serve(answers(), host="::1")


def test_a_name_is_all_its_addresses(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, **named: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.3")]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    port = serve(answers(), host="twice.example").port

    monkeypatch.undo()
    assert [status_at(f"127.0.0.{number}", port) for number in (2, 3)] == [200, 200]
    with pytest.raises(ConnectionRefusedError):
        Client(port)


@ipv6
def test_a_port_that_is_taken_at_one_of_both_addresses_is_taken() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]

        for _ in range(2):  # and nothing is kept of the other address
            with pytest.raises(CannotListen, match=rf"localhost:{port}.*in use"):
                binding.bind("localhost", port)
        for listener in binding.bind("127.0.0.1", port):
            listener.close()


@ipv6
def test_a_free_port_is_free_at_both_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that the system offers may be taken at the other address."""
    listen, offered = binding._listen, []

    def taken_twice(kind: int, address: tuple[Any, ...]) -> socket.socket:
        if kind == socket.AF_INET6:
            offered.append(address[1])
            if len(offered) < 3:
                raise OSError(errno.EADDRINUSE, "in use")
        return listen(kind, address)

    monkeypatch.setattr(binding, "_listen", taken_twice)

    listeners = binding.bind("localhost", 0)

    assert {listener.getsockname()[1] for listener in listeners} == {offered[-1]}
    assert len(set(offered)) > 1
    for listener in listeners:
        listener.close()


def test_a_port_that_is_never_free_at_both_addresses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking(monkeypatch, OSError(errno.EADDRINUSE, "in use"))

    with pytest.raises(CannotListen, match="localhost:0: in use"):
        binding.bind("localhost", 0)


def test_what_ends_in_the_middle_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    listen = binding._listen

    def noted(kind: int, address: tuple[Any, ...]) -> socket.socket:
        opened.append(listen(kind, address))
        if len(opened) > 1:
            opened[-1].close()
            raise KeyboardInterrupt
        return opened[-1]

    monkeypatch.setattr(binding, "_listen", noted)
    monkeypatch.setattr(binding, "_addresses", lambda host: [(socket.AF_INET, ("127.0.0.1", 0))] * 2)

    with pytest.raises(KeyboardInterrupt):
        binding.bind("localhost", 0)
    assert [listener.fileno() for listener in opened] == [-1, -1]
