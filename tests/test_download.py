"""Downloaded data: checked, kept, never kept by halves; over HTTP on this machine alone."""

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from latchwork.core.errors import InputError, LatchworkError
from latchwork.datasets.download import Download, cache_folder, obtain

CONTENT = {"a.ts": b"first file", "b.ts": b"second file"}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}


def archive(**more: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in {**CONTENT, **more}.items():
            file.writestr(f"folder/{name}", content)
    return packed.getvalue()


class Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, bytes] = {}
        self.requests = 0

    def url(self, page: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{page}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:  # the name that the library calls
        self.server.requests += 1
        content = self.server.pages.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"") + (9 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("LATCHWORK_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_archive_is_downloaded_once_and_only_the_wanted_files_are_kept(server: Server):
    server.pages["/set.zip"] = archive(**{"../../evil.ts": b"x", "notes.txt": b"y"})
    download = Download("set", server.url("/set.zip"), SHA256)
    folder = obtain(download)
    assert folder == cache_folder() / "set"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert obtain(download) == folder and server.requests == 1


def test_a_kept_file_that_was_changed_is_downloaded_again(server: Server):
    server.pages["/a.ts"] = CONTENT["a.ts"]
    download = Download("set", server.url("/a.ts"), {"a.ts": SHA256["a.ts"]})
    (obtain(download) / "a.ts").write_bytes(b"damaged")
    assert (obtain(download) / "a.ts").read_bytes() == CONTENT["a.ts"] and server.requests == 2


@pytest.mark.parametrize(
    ("page", "content", "reason"),
    [
        ("/missing", None, "Not Found.*give their folder with --data"),
        ("/a.ts", b"another file", "does not hold the expected a.ts"),
        ("/set.zip", archive()[:-30], "damaged archive"),
        ("/cut", CONTENT["a.ts"], "could not download|does not hold"),
        ("/a.ts", b"x" * 5000, "larger than 4096 bytes"),
        ("/bomb.zip", archive(**{"a.ts": b"\0" * 10_000_000})[:4000], "larger than|damaged|does not hold"),
    ],
)
def test_what_is_not_as_expected_is_never_kept(server: Server, page: str, content: bytes | None, reason: str):
    if content is not None:
        server.pages[page] = content
    with pytest.raises(LatchworkError, match=reason) as caught:
        obtain(Download("set", server.url(page), SHA256, max_bytes=4096))
    assert "\n" not in str(caught.value)
    assert not (cache_folder() / "set").exists()


def test_a_machine_without_network_is_told_what_to_do(server: Server):
    url = server.url("/set.zip")
    server.server_close()
    with pytest.raises(LatchworkError, match=r"could not download.*a\.ts, b\.ts already.*--data"):
        obtain(Download("set", url, SHA256))


def test_a_folder_of_ones_own_is_checked_and_not_copied(server: Server, tmp_path: Path):
    download = Download("set", server.url("/set.zip"), SHA256)
    with pytest.raises(InputError, match=r"has no file a\.ts"):
        obtain(download, tmp_path)
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    assert obtain(download, tmp_path) == tmp_path and server.requests == 0
    (tmp_path / "b.ts").write_bytes(b"older")
    with pytest.raises(InputError, match="another version"):
        obtain(download, tmp_path)
