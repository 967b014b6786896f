"""What a command will write, checked before it works: that it can be written, and that nothing of worth is lost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.writing import check_folder, check_writable

Kind = Literal["model", "page", "picture", "table"]
KINDS: dict[str, Kind] = {".latch": "model", ".html": "page", ".png": "picture"}  # all else is a table

_NAMES = {"model": "a saved model", "page": "a page", "picture": "a picture", "table": "data"}
_SNIFFED = 64  # bytes


def check_file(path: Path, *, inputs: Iterable[Path | None] = (), kind: Kind) -> None:
    """Refuse, before any work, an output that cannot be written or whose writing would destroy something.

    Args:
        path: the file to be written.
        inputs: what the command reads: files, or folders of files.
        kind: what will be written. An old file is replaced by one of its own kind alone.

    Raises:
        InputError: it is an input or lies among them, holds something of another kind, or cannot be written.
    """
    check_writable(path)
    for given in inputs:
        if given is not None and given.exists():
            _refuse_input(path, given, kind)
    found = _kind_of(path)
    if found is not None and found != kind:
        raise InputError(
            f"{path} holds {_NAMES[found]}, which {_NAMES[kind]} would replace: give another name, or remove it first"
        )


def check_files(folder: Path, names: Iterable[str], *, inputs: Iterable[Path | None] = ()) -> None:
    """Refuse, before any work, a folder that cannot be written, or in which a file would destroy something.

    Args:
        folder: it need not exist yet.
        names: the files that will be written there.
        inputs: what the command reads.

    Raises:
        InputError: as `check_file`.
    """
    check_folder(folder)
    given = tuple(inputs)
    for name in names:
        if (folder / name).exists():
            check_file(folder / name, inputs=given, kind=KINDS.get(Path(name).suffix, "table"))


def _refuse_input(path: Path, given: Path, kind: Kind) -> None:
    if not path.exists():
        return
    if given.is_dir():
        if kind != "model" and given.resolve() in path.resolve().parents:
            raise InputError(f"{path} is one of the files in {given}, which are read: give a name elsewhere")
    elif path.samefile(given):
        raise InputError(f"{path} is read and would be overwritten: give another name for what is written")


def _kind_of(path: Path) -> Kind | None:
    """What a file holds; None where there is none, or nothing in it."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            beginning = file.read(_SNIFFED)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; give another name") from error
    if not beginning:
        return None
    if storage.is_latch(beginning):
        return "model"
    if beginning.lstrip()[:9].lower() == b"<!doctype":
        return "page"
    return "picture" if beginning.startswith(b"\x89PNG") else "table"
