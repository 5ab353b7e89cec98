"""The command `tiledesk-fake serve` in a process of its own, and the users and secrets that hostile clients aim at."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tiledesk_fake import TiledeskFake
from tiledesk_fake.gate.jwt import sign

SIGNING_SECRET = "planted-signing-secret-4f1d"
PASSWORD = "planted-password-9c2e"
ADA = "5e0000000000000000000001"
EMAIL = "ada@example.com"
JTI = "600-phone"
RECORD_ID = "6000000000000000000000a1"
SCENARIO = {
    "users": [
        {
            "email": EMAIL,
            "password": PASSWORD,
            "_id": ADA,
            "tokens": [{"jti": JTI, "_id": RECORD_ID}, {"jti": "600-laptop"}],
        }
    ]
}
# Of no token in the history, so that no request of a test can revoke it.
TOKEN = sign({"_id": ADA, "sub": "user", "jti": "of-no-record", "aud": "https://tiledesk.com"}, SIGNING_SECRET.encode())
BASIC = TiledeskFake().add_user(email=EMAIL, password=PASSWORD).authorization

LIST = "/v3/jwt/history"
ENDPOINTS = {
    "list": ("GET", LIST),
    "revoke-by-jti": ("DELETE", f"{LIST}/{JTI}"),
    "revoke-by-id": ("DELETE", f"{LIST}/id/{RECORD_ID}"),
}

_COMMAND = "from tiledesk_fake.cli import main; main()"
_SCENARIO_FILE = f"""
users:
  - email: {EMAIL}
    password: {PASSWORD}
    _id: "{ADA}"
    tokens: [{{jti: {JTI}, _id: "{RECORD_ID}"}}, {{jti: 600-laptop}}]
"""


@dataclass(frozen=True)
class Served:
    """A running command: its port, and what it has said and is still to say."""

    process: "subprocess.Popen[str]"
    port: int
    said: str
    errors: Path

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(
    directory: Path,
    *arguments: str,
    before: str = "",
    environment: Mapping[str, str] | None = None,
    quiet: bool = True,
) -> Iterator[Served]:
    """`tiledesk-fake serve` with Ada and her tokens, after the Python code `before`; warnings are errors."""
    arguments = (*arguments, "--quiet") if quiet else arguments
    scenario, errors = directory / "scenario.yaml", directory / "errors.txt"
    scenario.write_text(_SCENARIO_FILE, encoding="utf-8")
    command = [sys.executable, "-B", "-W", "error", "-c", f"{before}\n{_COMMAND}"]
    with (
        errors.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            [*command, "serve", "--port", "0", "--scenario", str(scenario), *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "TILEDESK_FAKE_SECRET": SIGNING_SECRET, **(environment or {})},
        ) as process,
    ):
        try:
            assert process.stdout
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("tiledesk-fake listening on "):
                    break
            ready = re.search(r"listening on http://127\.0\.0\.1:([0-9]+)/", said)
            assert ready, errors.read_text(encoding="utf-8")
            yield Served(process, int(ready[1]), said, errors)
        finally:
            process.kill()
            process.communicate()
