"""Many clients at once."""

import logging
import time

from tests.raw_http import Client, get, post
from tests.serving.apps import Recorder
from tests.serving.servers import Serve, eventually, open_connections
from tiledesk_fake.serving.delivery import Delivery


def test_stalled_clients_keep_nobody_waiting(serve: Serve, app: Recorder) -> None:
    app.deliveries["/silence"] = Delivery(drop="silence")
    server = serve(app)
    stalled = [get()[:-2], post(b"body")[:-1], b"", get("/silence")]
    clients = []
    for data in stalled * 16:
        client = Client(server.port)
        client.send(data)
        clients.append(client)
    assert eventually(lambda: open_connections(server) == 64)

    with Client(server.port) as client:
        client.socket.settimeout(0.5)
        client.send(get())
        assert client.reply().status == 200
    for client in clients:
        client.close()


def test_clients_that_reset_leave_nothing_behind(serve: Serve, app: Recorder, logged: list[logging.LogRecord]) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.05)
    server = serve(app)
    for data in (b"", get(), get() * 20, get("/slow"), get("/", "Connection: close"), b"nonsense\r\n\r\n", get()[:-2]):
        for _ in range(30):
            client = Client(server.port)
            client.send(data)
            client.reset()

    assert eventually(lambda: open_connections(server) == 0)
    time.sleep(0.1)  # past the delay
    assert [record.getMessage() for record in logged] == []
    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200
