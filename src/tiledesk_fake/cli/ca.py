"""The command `tiledesk-fake ca`, and who vouches for `serve --tls`."""

from pathlib import Path

import click

from ..errors import MisuseError

_PATIENCE_S = 10.0


@click.command()
@click.option(
    "--url",
    envvar="TILEDESK_FAKE_URL",
    default="https://127.0.0.1:8000",
    show_default=True,
    help="The server to ask, one that runs with `serve --tls`. Also read from TILEDESK_FAKE_URL.",
)
@click.option(
    "--control-token",
    envvar="TILEDESK_FAKE_CONTROL_TOKEN",
    metavar="TEXT",
    help="What its control API asks for. Also read from TILEDESK_FAKE_CONTROL_TOKEN.",
)
@click.option(
    "--ca-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Ask no server: take the authority that is kept here, a new one if there is none.",
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it there, not to stdout."
)
def ca(*, url: str, control_token: str | None, ca_dir: Path | None, output: Path | None) -> None:
    """Print the certificate that clients of `serve --tls` are told to trust, in PEM.

    It is public; the key stays where it is. A server on another machine is believed as it answers: nothing vouches for
    it before its authority is trusted.
    """
    if ca_dir is not None:
        from ..serving.certificates import kept_in  # noqa: PLC0415

        pem = kept_in(ca_dir).pem
    else:
        pem = _asked(url, control_token)
    if output is None:
        click.echo(pem, nl=False)
        return
    try:
        output.write_bytes(pem)
    except OSError as problem:
        raise click.FileError(str(output), problem.strerror) from problem


def _asked(url: str, token: str | None) -> bytes:
    """What the server at this URL says that its clients should trust."""
    import ssl  # noqa: PLC0415
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener  # noqa: PLC0415

    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.port == 0:
            raise ValueError
    except ValueError:
        raise click.BadParameter(
            "expected the URL of a server that speaks TLS, like https://127.0.0.1:8000, without credentials",
            param_hint="--url",
        ) from None
    # It is asked whom to trust, so it cannot be trusted yet.
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=anybody))
    address = f"https://{parts.netloc}"
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        request = Request(f"{address}/_fake/ca.pem", headers=headers)  # noqa: S310 - https, as checked above
        with opener.open(request, timeout=_PATIENCE_S) as answer:
            pem: bytes = answer.read(100_000)
        ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))
    except (OSError, HTTPException, ValueError) as problem:
        raise MisuseError(
            f"no server says at {address} whom to trust ({getattr(problem, 'code', type(problem).__name__)}); "
            "run `tiledesk-fake serve --tls` there first, say --url, or --ca-dir for an authority that is kept"
        ) from problem
    return pem
