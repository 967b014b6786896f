"""Files that are written whole or not at all: beside their place, then renamed into it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from latchwork.core.errors import InputError, LatchworkError

Chunk = bytes | bytearray | memoryview


def write_atomically(path: str | os.PathLike[str], chunks: Iterable[Chunk]) -> None:
    """Write a file so that it is at any moment either the old one or the complete new one.

    The bytes go to a temporary file in the same folder, which replaces the old one once it is on the disk.

    Args:
        path: the file; a symbolic link is followed.
        chunks: the contents, in order.

    Raises:
        InputError: there is no such folder, or the path is a folder.
        LatchworkError: the disk is full or refuses the file; the old file is untouched.
    """
    with replacing(path) as partial, partial.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text in UTF-8, line ends as they are; raises as `write_atomically`."""
    write_atomically(path, [text.encode("utf-8")])


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Generator[Path]:
    """The name of a new file beside `path`, which takes its place when the block ends without an error.

    For libraries that write files themselves; the new name ends as the old one does. Raises as `write_atomically`.

    Example:
        >>> with replacing("answers.csv") as beside:
        ...     _ = beside.write_text("sequence,label")
        >>> Path("answers.csv").read_text()
        'sequence,label'
    """
    target = checked_target(path)
    partial = target.with_name(f".{target.stem[:180]}.{os.urandom(6).hex()}.partial{target.suffix[:20]}")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LatchworkError(f"could not write {path}: {reason}; what was there before is untouched") from error
    finally:
        partial.unlink(missing_ok=True)


def checked_target(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to, links followed; raises `InputError` where it can be no file."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file")
    if target.exists() and not target.is_file():
        raise InputError(f"{path} is a device or a pipe: give the name of a file, which a newer one can replace")
    if not target.parent.is_dir():
        raise InputError(f"{path}: there is no folder {target.parent}: make it first")
    return target


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out, by a file beside that is removed again, that `path` can be written; raises `InputError`."""
    target = checked_target(path)
    if target.exists() and not os.access(target, os.W_OK):
        raise InputError(f"{path} cannot be written: it is protected; give another name")
    _try_folder(target.parent, path)


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Find out that files can be written in a folder, which need not exist yet; raises `InputError`."""
    there = Path(os.path.realpath(folder))
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise InputError(f"{folder} cannot be a folder: {there} is a file")
    _try_folder(there, folder)


def _try_folder(folder: Path, asked: str | os.PathLike[str]) -> None:
    trial = folder / f".{os.urandom(6).hex()}.partial"
    try:
        trial.touch(exist_ok=False)
    except OSError as error:
        raise InputError(f"{asked} cannot be written: {error.strerror or error}; give another place") from error
    finally:
        trial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can open a folder (Windows cannot)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
