"""What tests/serving/test_deadlines.py asks of a plain server, asked of one that speaks TLS."""

from tests.serving.test_deadlines import *  # noqa: F403 - the tests
