"""A limit: the least that Flask can do, on the fake's own server."""

import time

from flask import Flask
from tiledesk_fake.serving.server import Server

app = Flask("hello")


@app.get("/")
def hello() -> str:
    """Greets."""
    return "hello"


server = Server(app)
server.start()
print(server.port, flush=True)
time.sleep(3600)
