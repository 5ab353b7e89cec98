"""A test that does nothing with pytest-httpserver."""

from pytest_httpserver import HTTPServer


def test_fixture(httpserver: HTTPServer, number: int) -> None:
    pass
