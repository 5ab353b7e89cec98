"""The URLs in the settings: a server elsewhere, and origins to intercept."""

from __future__ import annotations

import re
from typing import Any

from tiledesk_fake.errors import MisuseError


class SettingError(Exception):
    """A setting that cannot work; the message begins with where it was made."""


def server_in(value: Any, source: str) -> str | None:
    """The URL of the server whose worlds are the fakes of a run; None where they are in this process."""
    if value is not None:
        from tiledesk_fake.remote.connecting import split

        try:
            split(value)
        except MisuseError as problem:
            raise SettingError(f"{source}: {problem}") from None
    return None if value is None else str(value)


def origins_in(value: Any, source: str) -> tuple[str, ...]:
    """The origins that are led to the fake, as all spell them: those of a text with commas between, or of a list."""
    if not value:
        return ()
    origins = words(value) if isinstance(value, str) else value
    if not isinstance(origins, list | tuple) or not all(isinstance(each, str) for each in origins):
        raise SettingError(f"{source}: expected an origin like 'https://api.tiledesk.com', or a list, got {value!r}")
    from tiledesk_fake.intercept.origin import parse
    from tiledesk_fake.serving.certificates import certificates

    try:
        certificates()
        return tuple(dict.fromkeys(str(parse(origin)) for origin in origins))
    except MisuseError as problem:
        raise SettingError(f"{source}: {problem}") from None


def words(text: str) -> list[str]:
    """The parts of a text between blanks and commas."""
    return [word for word in re.split(r"[\s,]+", text) if word]
