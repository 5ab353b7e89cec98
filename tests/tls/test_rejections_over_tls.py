"""What tests/serving/test_rejections.py asks of a plain server, asked of one that speaks TLS."""

from tests.serving.test_rejections import *  # noqa: F403 - the tests
