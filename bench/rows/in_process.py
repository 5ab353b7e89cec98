"""One request in process, without sockets: what the fake adds to Flask."""

from collections.abc import Callable, Iterator

from flask import Flask, Response, jsonify
from tiledesk_fake import TiledeskFake

from ..measure import cpu_of, medians
from ..report import Row, microseconds
from ..servers.flask_view import flask_app
from ..work import LIST, call, environ, new_fake, work

_BATCH = 200


def rows(rounds: int) -> Iterator[Row]:
    """The list and the revocation, against Flask views that return the same fixed bytes."""
    fake, _ = new_fake()
    view, with_jsonify = flask_app(), _jsonify_app()
    listing = environ("GET", LIST, work().authorization)
    listed = medians(
        {
            name: _sampler(lambda app=app: call(app, listing.copy()))  # type: ignore[misc]
            for name, app in (("ours", fake.wsgi_app), ("view", view), ("jsonify", with_jsonify))
        },
        rounds,
    )
    yield Row(
        "CPU of a list, in process, against a Flask view",
        listed["ours"] / listed["view"],
        at_most=1.3,
        detail=f"{microseconds(listed['ours'])} to {microseconds(listed['view'])}",
    )
    yield Row(
        "a Flask view with jsonify, against a Flask view",
        listed["jsonify"] / listed["view"],
        detail=microseconds(listed["jsonify"]),
    )
    again = environ("DELETE", work().revocation, work().authorization)
    revoked = medians(
        {
            "fresh": _fresh_revocations(fake),
            "again": _sampler(lambda: call(fake.wsgi_app, again.copy())),
            "view": _sampler(lambda: call(view, again.copy())),
        },
        rounds,
    )
    yield Row(
        "CPU of a revocation, in process, against a Flask view",
        revoked["fresh"] / revoked["view"],
        at_most=1.5,
        detail=f"{microseconds(revoked['fresh'])} to {microseconds(revoked['view'])}, each of another token",
    )
    yield Row(
        "the same, of a token that is revoked already",
        revoked["again"] / revoked["view"],
        at_most=1.5,
        detail=microseconds(revoked["again"]),
    )


def _sampler(action: Callable[[], object]) -> Callable[[], float]:
    return lambda: cpu_of(action, _BATCH)


def _fresh_revocations(fake: TiledeskFake) -> Callable[[], float]:
    user = fake.users["ada@example.com"]

    def sample() -> float:
        targets = iter([f"{LIST}/{fake.issue_token(user).jti}" for _ in range(_BATCH)])
        template = environ("DELETE", LIST, work().authorization)

        def revoke() -> None:
            target = next(targets)
            call(fake.wsgi_app, template | {"PATH_INFO": target, "RAW_URI": target, "REQUEST_URI": target})

        return cpu_of(revoke, _BATCH)

    return sample


def _jsonify_app() -> Flask:
    app = Flask("jsonify")
    value = app.json.loads(work().listed)

    @app.get(LIST)
    def list_tokens() -> Response:
        return jsonify(value)

    return app
