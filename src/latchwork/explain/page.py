"""The explorer as one file: everything that web/ has, put into a single page that works from disk.

Each module becomes a data URL in the page's import map, so that the page needs neither a server nor a bundler; styles
and fonts become part of it likewise, data and the model are embedded as base64. A content policy in the page forbids
every connection: what is opened in it never leaves it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path

from latchwork.core.errors import InputError, LatchworkError

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; "
    "style-src 'unsafe-inline'; font-src data:; img-src data: blob:"
)
LARGEST_EXAMPLE = 200_000  # bytes
LARGEST_MODEL = 64 << 20  # bytes; a page larger than that no browser opens gladly


def web_folder() -> Path:
    """The explorer's source: inside the installed package, or beside `src` in a checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent.parent / "web", here.parents[3] / "web"):
        if (folder / "index.html").is_file():
            return folder
    raise LatchworkError("the explorer's pages are missing from this installation: install latchwork again")


def write_page(model: Path, out: Path, example: Path | None = None) -> int:
    """Write the explorer, opened at a model, as one self-contained file.

    Args:
        model: a `.latch` file, opened in chapter 4.
        out: the page to write.
        example: a text, or numbers with one step a line, for the model to read first.

    Returns:
        Its size in bytes.

    Raises:
        InputError: the model is not a valid `.latch` file or too large for a page.
    """
    from latchwork.core import storage
    from latchwork.core.writing import write_atomically

    storage.load(model)
    embedded = {"model.latch": model.read_bytes()}
    if len(embedded["model.latch"]) > LARGEST_MODEL:
        raise InputError(f"{model}: too large for a page (more than {LARGEST_MODEL >> 20} MB)")
    if example is not None:
        embedded["example.txt"] = read_example(example)
    page = build_page(web_folder(), embedded, model.name)
    write_atomically(out, [page])
    return len(page)


def read_example(path: Path) -> bytes:
    """The beginning of a text file; raises `InputError` where it cannot be read as text."""
    try:
        with path.open("rb") as file:
            beginning = file.read(LARGEST_EXAMPLE)
        return beginning.decode("utf-8", errors="ignore" if len(beginning) == LARGEST_EXAMPLE else "strict").encode()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text in UTF-8: give a text, or numbers with one step a line") from error


def build_page(web: Path, embedded: dict[str, bytes], model_name: str | None = None) -> bytes:
    """The page's bytes, with further files by name beside those of `web/data`."""
    files = {path.name: path.read_bytes() for path in sorted((web / "data").iterdir())} | embedded
    modules = {
        f"latchwork/{path.relative_to(web).as_posix()}": _data_url("text/javascript", path.read_bytes())
        for path in sorted(web.rglob("*.js"))
        if path.name != "theme.js"
    }
    page = (web / "index.html").read_text("utf-8")
    page = re.sub(r'<script src="theme.js"></script>', lambda _: f"<script>{_script(web / 'theme.js')}</script>", page)
    page = re.sub(
        r'<link rel="stylesheet" href="([^"]+)" />', lambda match: f"<style>{_style(web / match[1])}</style>", page
    )
    page = re.sub(
        r'(<script type="importmap">).*?(</script>)',
        lambda match: f"{match[1]}{json.dumps({'imports': modules})}{match[2]}",
        page,
        flags=re.DOTALL,
    )
    data = "".join(
        f'<script type="text/plain" data-file="{html.escape(name)}">{base64.b64encode(content).decode()}</script>\n'
        for name, content in files.items()
    )
    if model_name is not None:
        data += f'<script type="text/plain" id="opened">{html.escape(model_name)}</script>\n'
    start = '<script type="module">import "latchwork/main.js";</script>'
    page = page.replace('<script type="module" src="main.js"></script>', f"{data}{start}")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    return page.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {policy}').encode()


def _script(path: Path) -> str:
    return path.read_text("utf-8").replace("</script", "<\\/script")


def _style(path: Path) -> str:
    def embed(match: re.Match[str]) -> str:
        return f'url("{_data_url("font/woff2", (path.parent / match[1]).read_bytes())}")'

    return re.sub(r'url\("([^"]+)"\)', embed, path.read_text("utf-8"))


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
