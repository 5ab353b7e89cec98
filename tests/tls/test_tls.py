"""TLS itself: versions, names, the handshake's deadline, and who speaks the wrong protocol."""

import logging
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.raw_http import PATIENCE_S, Client, get
from tests.serving.apps import Recorder
from tests.serving.servers import Refused, Serve, eventually, open_connections
from tests.tls.encrypted import Encrypted, connect
from tiledesk_fake import MisuseError, NotListening, TiledeskFake
from tiledesk_fake.serving import certificates as module
from tiledesk_fake.serving.certificates import MOST_NAMES, certificates, kept_in, trusting
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.server import Server


@pytest.fixture
def server(app: Recorder, refused: Refused) -> Server:
    server = Server(app, certificates=certificates(), on_refused=lambda *told: refused.append(told))
    server.limits = Limits(request_s=0.4, linger_s=0.3, write_s=0.3)
    return server


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    server.start()
    yield server.port
    server.stop()


def call(port: int, *, name: str = "localhost", context: ssl.SSLContext | None = None) -> tuple[int, Encrypted]:
    client = Client.__new__(Client)
    connect(client, port, name=name, context=context)
    encrypted = client.socket
    assert isinstance(encrypted, Encrypted)
    with client:
        client.send(get())
        return client.reply().status, encrypted


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_that_are_not_broken_are_spoken(port: int, version: ssl.TLSVersion) -> None:
    context = trusting(certificates().pem)
    context.minimum_version = context.maximum_version = version

    status, encrypted = call(port, context=context)

    assert (status, encrypted.tls.version()) == (200, version.name.replace("_", "."))


def test_an_older_version_is_refused(port: int, refused: Refused) -> None:
    context = trusting(certificates().pem)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError):
        call(port, context=context)
    assert eventually(lambda: len(refused) == 1)
    assert "handshake failed" in refused[0][0]


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "api.tiledesk.com", "API.Tiledesk.com", "xn--bcher-kva.example"]
)
def test_whatever_name_is_asked_for_has_a_certificate(port: int, name: str) -> None:
    assert call(port, name=name)[0] == 200


def test_the_app_is_told_which_name_was_asked_for(port: int, app: Recorder) -> None:
    call(port, name="api.tiledesk.com")

    assert app.environs[0]["SSL_TLS_SNI"] == "api.tiledesk.com"
    assert app.environs[0]["wsgi.url_scheme"] == "https"


def test_the_certificates_of_a_bounded_number_of_names_are_kept() -> None:
    own = certificates()
    first = own._of("0.example")
    assert own._of("0.example") is first
    for number in range(1, MOST_NAMES + 1):
        own._of(f"{number}.example")

    assert own._of("0.example") is not first


def test_a_name_that_cannot_have_a_certificate_ends_the_handshake(port: int) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = trusting(certificates().pem)
    context.check_hostname = False
    session = context.wrap_bio(incoming, outgoing, server_hostname="a" * 60 + ".example")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read().replace(b"a" * 60 + b".example", b"-" * 60 + b".example")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        plain.sendall(hello)
        alert = plain.recv(100)

    assert alert[0] == 21
    assert call(port)[0] == 200


def test_a_client_that_does_not_trust_the_authority_is_told_of_in_the_log_with_what_to_do(
    port: int, refused: Refused, logged: list[logging.LogRecord], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tiledesk_fake")
    with pytest.raises(ssl.SSLCertVerificationError):
        call(port, context=ssl.create_default_context())

    assert eventually(lambda: len(refused) == 1)
    reason, status, _ = refused[0]
    assert (status, reason) == (
        400,
        "the TLS handshake failed: tlsv1 alert unknown ca; the client does not trust this server: give it the CA",
    )
    assert reason in logged[0].getMessage()


def test_a_plain_request_to_a_port_that_speaks_tls_is_a_400_and_the_owner_is_told_what_to_do(
    port: int, refused: Refused, app: Recorder
) -> None:
    with Client(port) as client:
        client.send(get())

        assert client.reply().status == 400
        assert client.rest() == b""
    assert [reason for reason, _, _ in refused] == ["plain HTTP came to a port that speaks TLS; call it by https://"]
    assert app.environs == []


def test_tls_to_a_plain_port_is_a_400_and_the_owner_is_told_what_to_do(app: Recorder, refused: Refused) -> None:
    server = Server(app, on_refused=lambda *told: refused.append(told))
    server.start()
    try:
        with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            call(server.port)
    finally:
        server.stop()

    assert [reason for reason, _, _ in refused] == [
        "TLS came to a port that speaks plain HTTP; call it by http://, or serve with TLS"
    ]


def hello(name: str = "localhost") -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        trusting(certificates().pem).wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("sent", [1, 6, 100, None], ids=["first-byte", "header", "half", "hello"])
def test_a_handshake_that_does_not_go_on_in_time_is_ended(
    server: Server, port: int, refused: Refused, sent: int | None
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        plain.sendall(hello()[:sent])
        while plain.recv(65_536):
            pass

    assert [(reason, status) for reason, status, _ in refused] == [("the request did not arrive in time", 408)]
    assert eventually(lambda: open_connections(server) == 0)


def test_a_handshake_that_trickles_in_does_not_stretch_the_deadline(port: int, refused: Refused) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=0.05) as plain:
        for byte in hello():
            try:
                plain.sendall(bytes([byte]))
                if plain.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break

    assert [status for _, status, _ in refused] == [408]


def test_a_client_that_leaves_in_the_middle_of_its_handshake_is_told_of(
    server: Server, port: int, refused: Refused
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        plain.sendall(hello()[:50])

    assert eventually(lambda: len(refused) == 1)
    assert refused[0][0] == "the connection ended in the middle of the TLS handshake"
    assert eventually(lambda: open_connections(server) == 0)


@pytest.mark.parametrize("at", [0, 5, 9, 40, 120])
def test_garbage_in_a_handshake_or_after_it_ends_the_connection_and_nothing_else(
    server: Server, port: int, at: int
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        plain.sendall(b"\x16" + hello()[1:at] + b"\xff" * 500)
        while plain.recv(65_536):
            pass
    client = Client.__new__(Client)
    connect(client, port)
    assert isinstance(client.socket, Encrypted)
    with client:
        client.socket._plain.sendall(b"\x17\x03\x03\x00\x20" + b"\xff" * 32)
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.rest_or_reset()

    assert eventually(lambda: open_connections(server) == 0)
    assert call(port)[0] == 200


def test_certificates_are_made_once_for_all_servers_and_threads(serve: Serve) -> None:
    seen: set[int] = set()
    threads = [threading.Thread(target=lambda: seen.add(id(certificates()._of("one.example")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 1


# --- the fake ----------------------------------------------------------------------------------------------------


def test_a_fake_with_tls_has_a_url_and_a_file_of_its_authority_that_goes_with_it() -> None:
    fake = TiledeskFake(tls=True)
    with pytest.raises(NotListening):
        _ = fake.ca_file
    with fake:
        path = Path(fake.ca_file)
        assert fake.url.startswith("https://127.0.0.1:")
        assert fake.ca_file == str(path)
        text = path.read_text(encoding="ascii")
        assert text.startswith("-----BEGIN CERTIFICATE-----")
        assert "PRIVATE" not in text

    assert not path.exists()
    with fake:
        assert fake.ca_file != str(path)


def test_a_plain_fake_has_no_authority_and_says_how_to_have_one() -> None:
    with TiledeskFake() as fake, pytest.raises(MisuseError, match=r"TiledeskFake\(tls=True\)"):
        _ = fake.ca_file


def test_without_trustme_a_fake_with_tls_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module._certificates_of_process.cache_clear()
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(MisuseError, match=r"pip install 'tiledesk-fake\[tls\]'"):
        TiledeskFake(tls=True)


def test_no_key_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with TiledeskFake(tls=True) as fake:
        port = int(fake.url.rpartition(":")[2].partition("/")[0])
        call(port, name="never-asked-for-before.example")
        written = [path.read_bytes() for path in tmp_path.iterdir()]
        assert written == []
        _ = fake.ca_file
        (public,) = tmp_path.iterdir()
        assert b"PRIVATE" not in public.read_bytes()


def test_a_folder_keeps_an_authority_whose_key_only_its_owner_may_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        first = kept_in(tmp_path / "ca")
    finally:
        os.umask(before)

    assert kept_in(tmp_path / "ca").pem == first.pem == (tmp_path / "ca" / "ca.pem").read_bytes()
    assert (tmp_path / "ca" / "ca-key.pem").stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in first.pem


@pytest.mark.parametrize("files", [{"ca.pem": "x"}, {"ca-key.pem": "x"}, {"ca.pem": "x", "ca-key.pem": "y"}], ids=str)
def test_a_folder_with_something_else_in_the_place_of_an_authority_is_refused(
    tmp_path: Path, files: dict[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(MisuseError, match=r"expected .* to be empty, or to hold ca\.pem and ca-key\.pem"):
        kept_in(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files
