"""A test that does nothing with the fake."""

from tiledesk_fake import TiledeskFake


def test_fixture(fake_tiledesk: TiledeskFake, number: int) -> None:
    pass
