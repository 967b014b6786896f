"""The explorer on this machine: a handful of files, read only, for this machine's browsers alone.

The server takes no uploads: a model that is dropped on the page is read by the browser. Its policy lets the page load
its own files and nothing else, and a request that names another host is refused, so that no other site can reach it
through the browser.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".latch": "application/octet-stream",
}
LONGEST_PATH = 200  # characters


@dataclass(frozen=True)
class Model:
    """A model that the page opens first."""

    name: str
    content: bytes


def build_app(web: Path, model: Model | None = None, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The server's application.

    Args:
        web: the explorer's folder.
        model: shown first in chapter 4.
        hosts: names under which the server may be asked.
    """
    files = {path.relative_to(web).as_posix(): path for path in web.rglob("*") if path.suffix in KINDS}
    index = _index((web / "index.html").read_text("utf-8"), model)
    headers = _headers(index)

    async def answer(request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        if name == "index.html":
            return Response(index, headers={"Content-Type": KINDS[".html"], **headers})
        if name == "data/model.latch" and model is not None:
            return Response(model.content, headers={"Content-Type": KINDS[".latch"], **headers})
        if len(name) > LONGEST_PATH or name not in files:
            return Response("There is no such page here.\n", 404, headers=headers)
        return Response(files[name].read_bytes(), headers={"Content-Type": KINDS[files[name].suffix], **headers})

    return Starlette(
        routes=[Route("/{name:path}", answer, methods=["GET"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[host.strip("[]") for host in hosts])],
    )


def serve(app: Starlette, listening: socket.socket) -> None:
    """Answer what comes in on a listening socket, until Ctrl-C."""
    config = uvicorn.Config(app, log_level="warning", limit_concurrency=64, timeout_keep_alive=5)
    uvicorn.Server(config).run(sockets=[listening])


def _index(page: str, model: Model | None) -> str:
    if model is None:
        return page
    opened = f'<script type="text/plain" id="opened">{html.escape(model.name)}</script>\n  </body>'
    return page.replace("</body>", opened)


def _headers(index: str) -> dict[str, str]:
    """The import map is the page's only inline script; it is allowed by its hash."""
    inline = re.findall(r'<script type="importmap">(.*?)</script>', index, re.DOTALL)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline
    )
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self' {hashes}; style-src 'self'; font-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }
