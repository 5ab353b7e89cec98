"""What tests/serving/test_ends_of_connections.py asks of a plain server, asked of one that speaks TLS."""

from tests.serving.test_ends_of_connections import *  # noqa: F403 - the tests
