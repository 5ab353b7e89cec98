"""What the app gets."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from tests.raw_http import Client, get, post
from tests.serving.apps import Recorder
from tests.serving.servers import Serve


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
    client.send(get("/", "X-A: 1", "Accept: x", "x-a: 2", "X-A:", "X-A: 3", "Cookie: a=1", "cookie: b=2", "Accept: y"))

    assert client.reply().status == 200
    assert app.environ["HTTP_X_A"] == "1, 2, , 3"
    assert app.environ["HTTP_ACCEPT"] == "x, y"
    assert app.environ["HTTP_COOKIE"] == "a=1; b=2"


# Those of which Node keeps the first; the length of a body cannot be given twice.
FIRST_COUNTS = (
    "age, authorization, content-type, etag, expires, from, if-modified-since, if-unmodified-since, last-modified, "
    "location, max-forwards, proxy-authorization, referer, retry-after, server, user-agent"
)


@pytest.mark.parametrize("name", FIRST_COUNTS.split(", "))
def test_of_some_repeated_headers_the_first_counts(client: Client, app: Recorder, name: str) -> None:
    client.send(get("/", f"{name}: first", f"{name.upper()}: second"))

    assert client.reply().status == 200
    key = name.upper().replace("-", "_")
    assert app.environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] == "first"


def test_of_more_than_1000_headers_the_later_ones_are_dropped(client: Client, app: Recorder) -> None:
    lines = [f"a{number}: b" for number in range(999)]  # after Host
    client.send(get("/", *lines, "Late: x", "Content-Length: 4", method="POST") + b"body" + get("/next"))

    assert [client.reply().body for _ in range(2)] == [b"POST /", b"GET /next"]
    first = app.environs[0]
    assert first["HTTP_A998"] == "b"
    assert "HTTP_LATE" not in first
    assert app.bodies == [b"body", b""]


def test_what_frames_a_request_is_looked_at_after_1000_headers_too(client: Client, app: Recorder) -> None:
    lines = [f"a{number}: b" for number in range(1_000)]
    client.send(get("/", *lines, "Transfer-Encoding: gzip, chunked", method="POST") + b"0\r\n\r\n")

    assert client.reply().status == 400
    assert app.environs == []


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
