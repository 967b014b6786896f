"""What all readers share: opening files, plain or gzipped, and the parts that they hand over."""

import gzip
import io
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.roles import Columns


class Parsed(NamedTuple):
    """What a reader found in its file, before `read` checks it all.

    Attributes:
        inputs: numbers [sequence, time, feature].
        lengths: [sequence], or None where all sequences are full.
        labels: [sequence], or None.
        feature_names: one for each feature, or None where the format has no names.
        names: one for each sequence, or None where the format has no names.
        notes: what was changed on the way, and what was used as what, each in one sentence.
        columns: what was used as what, for later tables of the same kind; None where the format has no columns.
    """

    inputs: np.ndarray
    lengths: np.ndarray | None = None
    labels: np.ndarray | None = None
    feature_names: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    columns: Columns | None = None


def read_bytes(path: Path, limit: int | None = None) -> bytes:
    """Read a file, unpacked if it is gzipped.

    Args:
        path: the file.
        limit: at most so many bytes are read.

    Raises:
        InputError: it cannot be read, or is damaged.
    """
    try:
        with path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                return file.read() if limit is None else file.read(limit)
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return unpacked.read() if limit is None else unpacked.read(limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"the gzip file is damaged: {error}") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None


def read_text(path: Path) -> io.StringIO:
    """Read a UTF-8 text file, unpacked if it is gzipped, as lines.

    Raises:
        InputError: it cannot be read, is empty, or is not text.
    """
    content = read_bytes(path)
    if not content.strip():
        raise InputError("the file is empty")
    if b"\0" in content:
        raise InputError("not a text file: it holds zero bytes")
    try:
        return io.StringIO(content.decode("utf-8-sig"), newline=None)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"line {line} is not UTF-8 text: save the file as UTF-8") from None


def kind_of(path: Path) -> str:
    """Return the ending of a file's name that says its format, without `.gz`: `.csv` of `a.CSV.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
