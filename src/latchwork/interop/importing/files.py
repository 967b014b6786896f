"""The bytes of a file from elsewhere, read once and whole; a zip's members without surprises.

Nothing here trusts a number that a file states: sizes are checked against the bytes that are there before anything is
allocated, and no path that a file names is ever opened.
"""

from __future__ import annotations

import importlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from latchwork.core.errors import InputError

MAX_FILE_BYTES = 4 << 30
MAX_MEMBERS = 20_000
EXPANSION = 3
"""How many times its file's size the members of a zip may have together; weights hardly compress."""
SMALL = 1 << 20
"""Bytes that are always granted: a file of a kilobyte may open as a few of them."""


def read_file(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes.

    Raises:
        InputError: there is no such file, it is no regular file, or larger than 4 GB.
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is not a file: give the file of a model")
        if status.st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: too large for a model ({status.st_size} bytes, at most {MAX_FILE_BYTES})")
        if not status.st_size:
            raise InputError(f"{path} is empty")
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


@contextmanager
def opened_zip(content: bytes) -> Generator[zipfile.ZipFile]:
    """A zip in memory, its members checked before any is read.

    Raises:
        InputError: damaged; members that are encrypted, named twice or like a path out of the archive, links, or that
            state more bytes than a model of this size can have.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError, MemoryError) as error:
        raise InputError(f"damaged or cut short: it is no complete zip ({_first_line(error)})") from None
    with archive:
        _check_members(archive, len(content))
        yield archive


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise InputError(f"it has {len(members)} members: a model has at most {MAX_MEMBERS}")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise InputError("damaged: a member of the zip is named twice")
    for member in members:
        name, parts = member.filename, member.filename.replace("\\", "/").split("/")
        if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in member.orig_filename:
            raise InputError(f"its member {name[:80]!r} points out of the archive: such a file is not read")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"its member {name[:80]!r} is a link: a model holds its own bytes")
        if member.flag_bits & 1:
            raise InputError(f"its member {name[:80]!r} is encrypted")
    total = sum(member.file_size for member in members)
    if total > EXPANSION * size + SMALL:
        raise InputError(f"its members state {total} bytes in a file of {size}: weights do not compress so well")


def read_member(archive: zipfile.ZipFile, name: str, limit: int | None = None) -> bytes:
    """One member's bytes; raises `InputError` where it is missing, damaged, or has more of them than it states."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise InputError(f"its member {name} is missing") from None
    if limit is not None and info.file_size > limit:
        raise InputError(f"its member {name} states {info.file_size} bytes: at most {limit} are read")
    try:
        with archive.open(info) as member:
            content = member.read(info.file_size + 1)  # never more, whatever the stream gives
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"damaged: its member {name} cannot be read ({_first_line(error)})") from None
    if len(content) != info.file_size:
        raise InputError(f"damaged: its member {name} states {info.file_size} bytes and has others")
    return content


def required(package: str, what: str) -> Any:
    """A package that only reading or writing files from elsewhere needs; raises `InputError` where it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise InputError(f"{what} needs {name}: pip install 'latchwork[interop]' (or pip install {name})") from None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:100]
