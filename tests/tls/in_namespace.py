"""Runs inside a network namespace where `real_host` listens: what clients get, and what was heard of them, as JSON."""

import _socket
import asyncio
import json
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import aiohttp
import aiohttp.abc
import httpx
import requests
import urllib3

from tests.tls.real_host import ADDRESS, HOST
from tiledesk_fake import TiledeskFake

URL = f"https://{HOST}/v3/jwt/history"
fake = TiledeskFake()
HEADERS = {"Authorization": fake.add_user(email="ada@example.com", password="secret").authorization}
urllib3.disable_warnings()


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def by_urllib() -> int:
    with urllib.request.urlopen(urllib.request.Request(URL, headers=HEADERS)) as answer:
        return int(answer.status)


def by_requests() -> int:
    return requests.get(URL, headers=HEADERS, timeout=5).status_code


def by_httpx() -> int:
    return httpx.get(URL, headers=HEADERS).status_code


async def by_httpx_async() -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(URL, headers=HEADERS)).status_code


async def by_aiohttp(**given: Any) -> int:
    connector = aiohttp.TCPConnector(**given)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(URL, headers=HEADERS) as answer:
        return answer.status


def on_uvloop(make: Callable[[], Any]) -> int:
    import uvloop

    return int(uvloop.run(make()))


class OwnResolver(aiohttp.abc.AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        return [{"hostname": host, "host": ADDRESS, "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


def by_own_connection(name: str | None = HOST, address: str = ADDRESS) -> int:
    with (
        socket.create_connection((address, 443), timeout=5) as plain,
        unverified().wrap_socket(plain, server_hostname=name) as sock,
    ):
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        return int(sock.recv(1000).split()[1])


async def by_streams() -> int:
    reader, writer = await asyncio.open_connection(ADDRESS, 443, ssl=unverified(), server_hostname=HOST)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def by_proxy() -> int:
    return requests.get(URL, proxies={"https": f"http://{ADDRESS}:3128"}, timeout=5).status_code


async def by_proxy_async() -> int:
    async with httpx.AsyncClient(proxy=f"http://{ADDRESS}:3128") as client:
        return (await client.get(URL)).status_code


def by_another_scheme() -> int:
    return requests.get(f"http://{HOST}/v3/jwt/history", timeout=5).status_code


def by_another_port() -> int:
    return requests.get(f"https://{HOST}:8443/", timeout=5).status_code


def with_pin() -> int:
    pool = urllib3.HTTPSConnectionPool(HOST, assert_fingerprint="00" * 32, retries=False)
    return pool.request("GET", "/v3/jwt/history").status


warm = requests.Session()
warm_urllib3 = urllib3.PoolManager(cert_reqs="CERT_NONE")


async def warm_async() -> int:
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.get(URL)).text == "real"
        forget()
        with fake.intercept(f"https://{HOST}"):
            return (await client.get(URL, headers=HEADERS)).status_code


LED = {
    "urllib": by_urllib,
    "requests": by_requests,
    "httpx": by_httpx,
    "httpx async": lambda: asyncio.run(by_httpx_async()),
    "aiohttp with aiodns": lambda: asyncio.run(by_aiohttp(resolver=None)),
    "aiohttp with threads": lambda: asyncio.run(threaded()),
    "uvloop, httpx": lambda: on_uvloop(by_httpx_async),
    "uvloop, aiohttp with aiodns": lambda: on_uvloop(by_aiohttp),
    "uvloop, aiohttp with threads": lambda: on_uvloop(threaded),
}


async def threaded() -> int:
    return await by_aiohttp(resolver=aiohttp.ThreadedResolver())


REFUSED = {
    "warm requests": lambda: warm.get(URL, verify=False, timeout=5).status_code,
    "warm urllib3": lambda: warm_urllib3.request("GET", URL, retries=False).status,
    "own resolver": lambda: asyncio.run(by_aiohttp(resolver=OwnResolver())),
    "uvloop, own resolver": lambda: on_uvloop(lambda: by_aiohttp(resolver=OwnResolver())),
    "own address": by_own_connection,
    "streams": lambda: asyncio.run(by_streams()),
    "uvloop, streams": lambda: on_uvloop(by_streams),
    "proxy": by_proxy,
    "proxy, async": lambda: asyncio.run(by_proxy_async()),
    "another scheme": by_another_scheme,
    "another port": by_another_port,
}


def by_raw_socket() -> int:
    raw = _socket.socket()
    raw.settimeout(5)
    raw.connect((HOST, 443))
    raw.send(b"\x16hello")
    raw.close()
    return 0


def by_another_process() -> int:
    program = f"import socket; socket.create_connection(({HOST!r}, 443), 5).send(b'x')"
    return subprocess.run([sys.executable, "-c", program], check=True).returncode


# What the page says is out of reach.
UNSEEN = {"raw socket": by_raw_socket, "another process": by_another_process}
PINNED = {"fingerprint": with_pin}

listener = subprocess.Popen(
    [sys.executable, "-m", "tests.tls.real_host"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
)
heard: list[str] = []


def follow() -> None:
    assert listener.stdout
    for line in listener.stdout:
        heard.append(line.strip())


def settle() -> list[str]:
    time.sleep(0.15)
    return list(heard)


def forget() -> None:
    settle()
    heard.clear()


def attempt(act: Callable[[], int]) -> dict[str, Any]:
    forget()
    try:
        got: Any = act()
    except Exception as problem:
        texts = []
        error: BaseException | None = problem
        while error is not None:
            texts.append(f"{type(error).__name__}: {error}")
            error = error.__cause__ or error.__context__
        got = " <- ".join(texts)
    return {"got": got, "heard": settle()}


def main() -> None:
    import threading

    assert listener.stdout
    assert listener.stdout.readline() == "BEGIN\n"
    threading.Thread(target=follow, daemon=True).start()
    result: dict[str, Any] = {}
    # Without intercept all of it is heard: the listeners work.
    result["control"] = {
        "warm requests": attempt(lambda: warm.get(URL, verify=False, timeout=5).status_code),
        "warm urllib3": attempt(lambda: warm_urllib3.request("GET", URL).status),
        "streams": attempt(REFUSED["streams"]),
        "proxy": attempt(by_proxy),
        "aiohttp with aiodns": attempt(lambda: asyncio.run(by_aiohttp(ssl=False))),
    }
    with fake.intercept(f"https://{HOST}"):
        result["led"] = {name: attempt(act) for name, act in LED.items()}
        result["refused"] = {name: attempt(act) for name, act in REFUSED.items()}
        result["unseen"] = {name: attempt(act) for name, act in UNSEEN.items()}
        result["pinned"] = {name: attempt(act) for name, act in PINNED.items()}
    result["refused"]["warm httpx async"] = attempt(lambda: asyncio.run(warm_async()))
    with fake.intercept("https://example.com", block_network=True):
        result["blocked"] = {
            "requests": attempt(lambda: requests.get(URL, timeout=5).status_code),
            "own address": attempt(by_own_connection),
            "aiohttp with aiodns": attempt(lambda: asyncio.run(by_aiohttp())),
            "uvloop, httpx": attempt(lambda: on_uvloop(by_httpx_async)),
            "uvloop, streams": attempt(lambda: on_uvloop(by_streams)),
        }
    result["after"] = attempt(lambda: requests.get(URL, verify=False, timeout=5).status_code)
    listener.terminate()
    listener.wait()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
