"""`latchwork serve`: the explorer on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latchwork.cli.common import Output, QuietOption
from latchwork.core.errors import InputError, LatchworkError


def serve(
    model: Annotated[Path | None, typer.Argument(metavar="[M.latch]", help="A model to open first.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free one.")] = 8765,
    host: Annotated[str, typer.Option("--host", help="The address to listen on; by default this machine alone.")] = (
        "127.0.0.1"
    ),
    quiet: QuietOption = False,
) -> None:
    """Serve the explorer until Ctrl-C. Nothing is uploaded: models are read by the browser."""
    try:
        from latchwork.explain import server
    except ModuleNotFoundError as error:
        raise LatchworkError(f"{error.name} is missing: pip install 'latchwork[web]'") from error
    import socket

    from latchwork.core import storage
    from latchwork.explain.page import LARGEST_MODEL, web_folder

    opened = None
    if model is not None:
        storage.load(model)
        opened = server.Model(model.name, model.read_bytes())
        if len(opened.content) > LARGEST_MODEL:
            raise InputError(f"{model}: too large for a page (more than {LARGEST_MODEL >> 20} MB)")
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port} ({error.strerror}): give another --port") from error
    hosts = server.LOOPBACK if host in server.LOOPBACK else ("*",)
    app = server.build_app(web_folder(), opened, hosts)
    with listening:
        # From here on a browser may ask: the socket queues what comes before the server has started.
        address = f"http://{host}:{listening.getsockname()[1]}"
        Output(as_json=False, quiet=quiet).note(f"The explorer is at {address} (Ctrl-C to stop)")
        server.serve(app, listening)
