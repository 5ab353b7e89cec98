"""A body that the real server does not look at may have any size, by whichever way it comes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.served import served, server_url
from tiledesk_fake import TiledeskFake
from tiledesk_fake.web.body import BODY_LIMIT

ORIGIN = "http://api.tiledesk.com"
Way = Callable[[], AbstractContextManager[str]]
"""Begins a fake, and has its base URL."""


@contextmanager
def listening() -> Iterator[str]:
    with TiledeskFake() as fake:
        yield fake.url


@contextmanager
def behind_the_control_api() -> Iterator[str]:
    with served() as fake:
        yield fake.url


@contextmanager
def in_a_world() -> Iterator[str]:
    with served() as fake:
        yield f"{server_url(fake)}/w/mine{fake.base_path}"


@contextmanager
def intercepted() -> Iterator[str]:
    fake = TiledeskFake()
    with fake.intercept(ORIGIN):
        yield f"{ORIGIN}{fake.base_path}"


WAYS = [listening, behind_the_control_api, in_a_world, intercepted]


def status_of(url: str, content_type: str, size: int) -> int:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        connection.request("DELETE", f"{parts.path}/jwt/history/phone", b"x" * size, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content_type", ["text/plain", "", "application/yaml", "image/png", "application/json;"])
def test_a_body_of_a_type_that_nobody_reads_may_have_any_size(way: Way, content_type: str) -> None:
    with way() as url:
        statuses = [status_of(url, content_type, size) for size in (BODY_LIMIT, BODY_LIMIT + 1, 3 * BODY_LIMIT)]

    assert statuses == [401, 401, 401]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_a_body_of_a_type_that_is_read_may_have_512000_bytes_and_no_more(way: Way, content_type: str) -> None:
    with way() as url:
        statuses = [status_of(url, content_type, size) for size in (BODY_LIMIT, BODY_LIMIT + 1)]

    assert statuses == [{"application/json": 400}.get(content_type, 401), 413]


@pytest.mark.parametrize("world", ["", "/w/mine"])
@pytest.mark.parametrize("path", ["/_fake/scenario", "/_fake/scenario?x", "/_fake"])
@pytest.mark.parametrize("content_type", ["application/yaml", "text/plain"])
def test_the_control_api_never_gets_a_body_that_is_cut_off(world: str, path: str, content_type: str) -> None:
    users = b"users: [{email: ada@example.com}]\n#"
    with served() as fake:
        connection = HTTPConnection(urlsplit(fake.url).netloc, timeout=10)
        body = users + b"x" * BODY_LIMIT
        connection.request("POST", f"{world}{path}", body, {"Content-Type": content_type})
        status = connection.getresponse().status
        connection.close()

        assert status == 413
        assert len(fake.users) == 0
