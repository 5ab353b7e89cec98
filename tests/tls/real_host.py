"""What must hear nothing, inside a network namespace: a resolver, a stand-in for the real host, and a proxy.

Each query, and each read with bytes in it, is a line on stdout. `BEGIN` is printed when all listen.
"""

import socket
import socketserver
import ssl
import struct
import threading

import trustme

ADDRESS = "10.9.8.7"
HOST = "api.tiledesk.com"
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
trustme.CA().issue_cert(HOST).configure_cert(CONTEXT)
_lock = threading.Lock()


def tell(what: str) -> None:
    with _lock:
        print(what, flush=True)


class Resolver(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, sock = self.request
        tell(f"resolver {query[12:60]!r}")
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(ADDRESS) if kind == 1 else b""
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0)
        sock.sendto(head + query[12:end] + answer, self.client_address)


def converse(client: socket.socket, name: str, *, tls: bool) -> None:
    client.settimeout(30)
    try:
        first = client.recv(1, socket.MSG_PEEK)
        if first:
            tell(f"{name} {first!r}")
        if tls:
            client = CONTEXT.wrap_socket(client, server_side=True)
        while data := client.recv(65_536):
            tell(f"{name} {data[:40]!r}")
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal")
    except (OSError, ssl.SSLError):
        pass
    finally:
        client.close()


def listen(port: int, name: str, *, tls: bool = False) -> None:
    listener = socket.create_server((ADDRESS, port))

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=converse, args=(client, name), kwargs={"tls": tls}, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


if __name__ == "__main__":
    resolver = socketserver.ThreadingUDPServer((ADDRESS, 53), Resolver)
    threading.Thread(target=resolver.serve_forever, daemon=True).start()
    listen(443, "https", tls=True)
    listen(80, "http")
    listen(3128, "proxy")
    tell("BEGIN")
    threading.Event().wait()
