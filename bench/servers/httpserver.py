"""A rival: pytest-httpserver, with the bytes of the work."""

import time

from pytest_httpserver import HTTPServer

from bench.work import LIST, work

server = HTTPServer()
server.expect_request(LIST, method="GET").respond_with_data(work().listed, content_type="application/json")
server.expect_request(work().revocation, method="DELETE").respond_with_data(
    work().revoked, content_type="application/json"
)
server.start()
print(server.port, flush=True)
time.sleep(3600)
