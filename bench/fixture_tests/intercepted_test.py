"""A test whose clients are led to the fake, and which calls nothing."""

import pytest
from tiledesk_fake import TiledeskFake


@pytest.mark.tiledesk(intercept="https://api.tiledesk.com")
def test_nothing(fake_tiledesk: TiledeskFake, number: int) -> None:
    pass
