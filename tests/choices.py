"""What tests choose profiles from."""

from hypothesis import strategies as st

from tiledesk_fake.contract.profile import CHOICES, NUMBERS


def choices_of(id: str) -> st.SearchStrategy[str]:
    """The choices of an assumption: those with a name, and the numbers beside them."""
    named = st.sampled_from(CHOICES[id])
    if id not in NUMBERS:
        return named
    least, most = NUMBERS[id]
    return named | st.integers(least, min(most, 9)).map(str) | st.integers(least, most).map(str)


def profiles(*, without: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, str]]:
    """A choice for every assumption, but for those named."""
    return st.fixed_dictionaries({id: choices_of(id) for id in CHOICES if id not in without})
