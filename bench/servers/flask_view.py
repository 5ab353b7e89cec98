"""A limit: the same bytes from two plain Flask views, on the fake's own server."""

import time

from flask import Flask, Response
from tiledesk_fake.serving.server import Server

from bench.work import LIST, work


def flask_app() -> Flask:
    """A Flask app whose views answer the bytes of the work, whoever asks."""
    app, listed, revoked = Flask("bench"), work().listed, work().revoked

    @app.get(LIST)
    def list_tokens() -> Response:
        return Response(listed, mimetype="application/json")

    @app.delete(f"{LIST}/<jti>")
    def revoke_token(jti: str) -> Response:
        return Response(revoked, mimetype="application/json")

    return app


if __name__ == "__main__":
    server = Server(flask_app())
    server.start()
    print(server.port, flush=True)
    time.sleep(3600)
