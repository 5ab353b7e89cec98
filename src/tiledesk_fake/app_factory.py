"""The application factory, in Flask's term: `flask --app "tiledesk_fake:create_app()" run`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .fake import TiledeskFake

if TYPE_CHECKING:
    from .web.app import FlaskApp


def create_app(*, scenario: str | Path | Mapping[str, Any] | None = None, **arguments: Any) -> FlaskApp:
    """A Flask app that is a new fake, for `flask run` and any WSGI server.

    `scenario` is what `TiledeskFake.load` takes, and `arguments` are those of TiledeskFake. The fake is
    `app.extensions["tiledesk_fake"]`. Raises the errors of TiledeskFake and of `load`.

    >>> app = create_app(scenario={"users": [{"email": "ada@example.com"}]})
    >>> len(app.extensions["tiledesk_fake"].users)
    1
    """
    fake = TiledeskFake(**arguments)
    if scenario is not None:
        fake.load(scenario)
    return fake.app
