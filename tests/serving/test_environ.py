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
    client.send(get("/", "X-A: 1", "Accept: x", "x-a: 2", "X-A: 3"))

    assert client.reply().status == 200
    assert app.environ["HTTP_X_A"] == "1,2,3"


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
