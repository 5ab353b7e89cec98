"""The certificate authority of this process, and a certificate for each name that a client asks for."""

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from ..errors import MisuseError
from ..log import log

if TYPE_CHECKING:
    import trustme

MOST_NAMES = 256
"""The number of names whose certificates are kept; others are made again when they are needed."""

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_CERTIFICATE, _KEY = "ca.pem", "ca-key.pem"


class Session(ssl.SSLObject):
    """One client's side of TLS, as the server has it, with the name that the client has asked for."""

    asked_for: str | None = None


class Certificates:
    """An authority and the certificates that it has made: one for each name, at most 256 at a time.

    `pem` is the authority's own certificate: what a client is told to trust. The keys stay in memory.
    """

    def __init__(self, authority: "trustme.CA") -> None:
        self.pem: bytes = authority.cert_pem.bytes()
        self._authority = authority
        self._lock = threading.Lock()
        self._context_for: Callable[[str], ssl.SSLContext] = lru_cache(MOST_NAMES)(self._make_context)

    def session(self, address: str, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> Session:
        """TLS for a client that has connected to an address, and may name another place that it wants to reach."""
        loopback = ip_address(address.partition("%")[0]).is_loopback
        session = self._of("localhost" if loopback else address).wrap_bio(incoming, outgoing, server_side=True)
        assert isinstance(session, Session)
        return session

    def write_public_part(self) -> Path:
        """A new temporary file with `pem`; it is the caller's to remove."""
        with NamedTemporaryFile(prefix="tiledesk-fake-ca-", suffix=".pem", delete=False) as file:
            file.write(self.pem)
        return Path(file.name)

    def _of(self, name: str) -> ssl.SSLContext:
        with self._lock:
            return self._context_for(name)

    def _make_context(self, name: str) -> ssl.SSLContext:
        names = _THIS_MACHINE if name in _THIS_MACHINE else (name,)
        leaf = self._authority.issue_cert(*names)
        context = _stdlib_context(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # No tickets: a client that has all it wants and leaves would answer them with a reset. No renegotiation: the
        # server would have to read before it can write.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        context.sslobject_class = Session
        context.sni_callback = self._choose
        with _as_file(leaf.private_key_pem.bytes() + b"".join(b.bytes() for b in leaf.cert_chain_pems)) as path:
            context.load_cert_chain(path)
        return context

    def _choose(self, session: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        assert isinstance(session, Session)
        if not name:
            return None
        try:
            session.context = self._of(name.lower())
        except Exception as problem:
            log.info("there can be no certificate for a name that a client asked for: %s", type(problem).__name__)
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        session.asked_for = name.lower()
        return None


def certificates() -> Certificates:
    """Those of this process, made when they are first asked for; MisuseError where trustme is not installed."""
    with _making:
        return _certificates_of_process()


@cache
def _certificates_of_process() -> Certificates:
    return Certificates(_trustme().CA(organization_name="tiledesk-fake"))


# Two that ask at the same time would make two of what there is to be one of.
_making = threading.Lock()


def kept_in(folder: Path) -> Certificates:
    """Those of an authority that outlasts the process: the one in this folder, a new one if it has none.

    The folder holds `ca.pem`, which clients are told to trust, and `ca-key.pem`, which only its owner may read.

    Raises MisuseError for a folder that cannot be used, and where trustme is not installed.
    """
    trustme = _trustme()
    certificate, key = folder / _CERTIFICATE, folder / _KEY
    try:
        if not certificate.exists() and not key.exists():
            folder.mkdir(parents=True, exist_ok=True)
            authority = trustme.CA(organization_name="tiledesk-fake")
            with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(authority.private_key_pem.bytes())
            certificate.write_bytes(authority.cert_pem.bytes())
        return Certificates(trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes()))
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "there is no certificate with its key"
        raise MisuseError(
            f"expected {folder} to be empty, or to hold {_CERTIFICATE} and {_KEY} of an authority: {reason}"
        ) from problem


def trusting(pem: bytes) -> ssl.SSLContext:
    """For clients: trusts who has a certificate of this authority, and nobody else."""
    context = _stdlib_context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem.decode("ascii"))
    return context


def _trustme() -> Any:
    try:
        import trustme  # noqa: PLC0415
    except ImportError as missing:
        raise MisuseError("TLS needs trustme, which the extra has: pip install 'tiledesk-fake[tls]'") from missing
    return trustme


def _stdlib_context(protocol: int) -> ssl.SSLContext:
    """A context of the standard library, whatever truststore or gevent has put in the place of its class."""
    kind = next(each for each in ssl.SSLContext.__mro__ if each.__module__ == "ssl")
    context: ssl.SSLContext = kind(protocol)
    return context


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """The path of a file with this data; on Linux one that is in memory, elsewhere one that only its owner may read."""
    if hasattr(os, "memfd_create") and os.path.exists("/proc/self/fd"):
        descriptor = os.memfd_create("tiledesk-fake")
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(data)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with NamedTemporaryFile(delete=False) as temporary:
        temporary.write(data)
    try:
        yield temporary.name
    finally:
        with suppress(OSError):
            os.unlink(temporary.name)
