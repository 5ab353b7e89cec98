"""A limit: the least that Flask can do, on Werkzeug's own server, as `flask run` starts it."""

from flask import Flask
from werkzeug.serving import make_server

app = Flask("hello")


@app.get("/")
def hello() -> str:
    """Greets."""
    return "hello"


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
