"""What tests/serving/test_delivery.py asks of a plain server, asked of one that speaks TLS."""

from tests.serving.test_delivery import *  # noqa: F403 - the tests
