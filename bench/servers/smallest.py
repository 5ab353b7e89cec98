"""A limit: the smallest server that answers the bytes of the work, whatever the request is."""

import selectors
import socket

from bench.work import work

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(work().listed),
    work().listed,
)


def accept() -> None:
    """Wait for the requests of one more client."""
    selector.register(listener.accept()[0], selectors.EVENT_READ, answer)


def answer(client: socket.socket) -> None:
    """Answer a request; all that the bench sends arrives in one piece."""
    if client.recv(65_536):
        client.sendall(ANSWER)
    else:
        selector.unregister(client)
        client.close()


selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0), backlog=128)
selector.register(listener, selectors.EVENT_READ)
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        if key.data is None:
            accept()
        else:
            answer(key.fileobj)  # type: ignore[arg-type]
