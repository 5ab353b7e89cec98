"""A test without a fixture."""


def test_nothing(number: int) -> None:
    pass
