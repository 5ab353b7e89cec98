"""Who is let in to the control API: no page of another origin, and nobody without the token where there is one."""

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.control.callers import Caller, listening
from tiledesk_fake import MisuseError, TiledeskFake
from tiledesk_fake.control import description, security
from tiledesk_fake.control.app import ControlApp
from tiledesk_fake.control.security import Security

FOREIGN_HOSTS = [
    "evil.example", "localhost.evil", "127.0.0.1.nip.io", "localhost@evil", "localhost,evil", "[::1", "localhost:99999",
    "evil.localhost.example", "192.168.1.5", "0.0.0.0", "localhost.", "127.0.0.1:80:80", "[fe80::1]", "local host",
]  # fmt: skip
OUR_HOSTS = ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8000", "app.localhost"]
FOREIGN_ORIGINS = ["http://evil.example", "null", "", "http://203.0.113.5", "file://", "http://localhost.evil:80"]
WRITES = [route for route in description.routes() if route.method != "GET"]


def path_of(route: description.Route) -> str:
    return route.pattern.pattern.replace("\\", "").replace("([^/]+)", "1").removesuffix("/?")


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused_at_every_path_and_not_repeated(control: Caller, host: str) -> None:
    for path in ("/_fake/", "/_fake/health", "/_fake/users", "/_fake/nowhere", "/w/new/_fake/health"):
        answer = control("GET", path, headers={"Host": host})

        assert answer.json()["code"] == "foreign-host"
        assert "--allowed-host" in answer.text
        assert host not in answer.text.replace("0.0.0.0 ", "")
    assert control.ok("GET", "/_fake/worlds")["worlds"] == []


@pytest.mark.parametrize("host", OUR_HOSTS)
def test_this_machine_s_own_names_and_addresses_are_served(control: Caller, host: str) -> None:
    assert control("GET", "/_fake/users", headers={"Host": host}).status_code == 200


def test_an_allowed_host_is_served_and_no_other() -> None:
    with listening(allowed_hosts=["fake.example"]) as control:
        assert control("GET", "/_fake/users", headers={"Host": "fake.example:80"}).status_code == 200
        assert control("GET", "/_fake/users", headers={"Origin": "https://fake.example"}).status_code == 200
        assert control("GET", "/_fake/users", headers={"Host": "a.fake.example"}).status_code == 403


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_origin_can_neither_read_nor_write(control: Caller, origin: str) -> None:
    control.ok("POST", "/_fake/clock/freeze")

    refused = [
        control("POST", "/_fake/reset", headers={"Origin": origin}),
        control("GET", "/_fake/clock", headers={"Origin": origin}),
    ]

    assert [answer.json()["code"] for answer in refused] == ["foreign-origin"] * 2
    assert control.ok("GET", "/_fake/clock")["frozen"] is True


def test_a_page_of_this_machine_may_call(control: Caller) -> None:
    for origin in (control.origin, "http://localhost:3000", "https://[::1]"):
        assert control("POST", "/_fake/reset", headers={"Origin": origin}).status_code == 204


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.id)
def test_a_request_of_another_site_is_refused_whatever_it_is(control: Caller, route: description.Route) -> None:
    control.ok("POST", "/_fake/users", {"email": "ada@example.com"})
    before = control.ok("GET", "/_fake/scenario")

    answer = control(route.method, path_of(route), headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.json()["code"] == "foreign-origin"
    assert control.ok("GET", "/_fake/scenario") == before


def test_no_origin_is_ever_told_that_it_may(control: Caller) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = control(
            method, "/_fake/users", headers={"Origin": control.origin, "Access-Control-Request-Method": "POST"}
        )
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.fixture
def guarded() -> Iterator[Caller]:
    with listening(token="s3cr3t-token") as caller:
        yield caller


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer x", "Basic s3cr3t-token", "Bearer s3cr3t-toke"])
def test_nothing_but_health_and_the_page_is_open_without_the_token(guarded: Caller, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for route in description.routes():
        answer = guarded(route.method, path_of(route), headers=headers)
        if route.id in ("checkHealth", "showPage"):
            assert answer.status_code == 200
        else:
            assert answer.json()["code"] == "control-token"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert guarded("GET", "/w/a/_fake/nowhere", headers=headers).status_code == 401


def test_with_the_token_everything_is(guarded: Caller) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} s3cr3t-token"}
        assert guarded("POST", "/_fake/reset", headers=headers).status_code == 204
        assert guarded("GET", "/w/a/_fake/users", headers=headers).status_code == 200


def test_the_api_itself_asks_for_no_token(guarded: Caller) -> None:
    assert guarded("GET", "/w/a/v3/jwt/history").status_code == 401
    assert guarded.ok("GET", "/_fake/journal", headers={"Authorization": "Bearer s3cr3t-token"})["total"] == 0


def test_the_token_is_in_no_answer_log_or_repr(guarded: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [
        guarded(method, "/_fake/users", headers={"Authorization": f"{scheme} s3cr3t-token"}).text
        for method in ("GET", "PUT")
        for scheme in ("Bearer", "Basic")
    ]

    assert "s3cr3t" not in "".join([*texts, caplog.text, repr(guarded.fake), repr(Security("x", (), "s3cr3t"))])


def test_the_token_is_compared_in_constant_time(guarded: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(given: bytes, token: bytes) -> bool:
        compared.append((given, token))
        return True

    monkeypatch.setattr(security, "compare_digest", compare)

    assert guarded("GET", "/_fake/users", headers={"Authorization": "Bearer x"}).status_code == 200
    assert compared == [(b"x", b"s3cr3t-token")]


def test_the_authority_of_an_absolute_target_counts(control: Caller) -> None:
    url = urlsplit(control.origin)
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(b"GET http://evil.example/_fake/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        foreign = client.makefile("rb").read()
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(b"GET http://localhost/_fake/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        ours = client.makefile("rb").read()

    assert b"foreign-host" in foreign
    assert ours.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.com"])
def test_where_others_can_reach_it_a_token_is_needed(host: str) -> None:
    with pytest.raises(MisuseError, match="give --control-token TEXT"):
        ControlApp(TiledeskFake(), TiledeskFake, host=host)

    ControlApp(TiledeskFake(), TiledeskFake, host=host, token="x")


def test_where_it_listens_everywhere_it_is_called_by_any_address_and_by_no_foreign_name() -> None:
    fake = TiledeskFake(host="0.0.0.0")
    with listening(fake, host="0.0.0.0", token="x") as control:
        control.origin = control.origin.replace("0.0.0.0", "127.0.0.1")

        assert control("GET", "/_fake/health", headers={"Host": "192.168.1.5"}).status_code == 200
        assert control("GET", "/_fake/health", headers={"Host": "evil.example"}).status_code == 403
        foreign = {"Host": "192.168.1.5", "Origin": "http://203.0.113.5"}
        assert control("GET", "/_fake/health", headers=foreign).status_code == 403
