"""The page for people: one file, under a policy that lets it load and send nothing elsewhere."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from ..web.answer import Answer

_FILE = Path(__file__).with_name("page.html")


@cache
def answer() -> Answer:
    """The page. Scripts and styles that are not in the file do not run, which their hashes in the policy see to."""
    text = _FILE.read_text(encoding="utf-8")
    policy = "; ".join(
        (
            "default-src 'none'",
            *(f"{part}-src {' '.join(_hashes(part, text)) or repr('none')}" for part in ("script", "style")),
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "no-referrer"),
    )
    return Answer(200, headers, text.encode())


def _hashes(element: str, text: str) -> list[str]:
    parts = re.findall(rf"<{element}\b[^>]*>(.*?)</{element}>", text, re.DOTALL | re.IGNORECASE)
    return [f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" for part in parts]
