"""What tests/serving/test_http.py asks of a plain server, asked of one that speaks TLS."""

import pytest

from tests.serving.test_http import *  # noqa: F403 - the tests

pytestmark = pytest.mark.slow
