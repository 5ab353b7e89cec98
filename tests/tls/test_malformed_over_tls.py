"""What tests/serving/test_malformed.py asks of a plain server, asked of one that speaks TLS."""

import pytest

from tests.serving.test_malformed import *  # noqa: F403 - the tests

pytestmark = pytest.mark.slow
