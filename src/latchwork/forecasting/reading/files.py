"""Bytes on disk into text: encodings and packing; what is no text table is refused in one line."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.notes import ASSUMED, Note

LARGEST_FILE = 2 << 30  # bytes; a panel of ten thousand series is a hundredth of it
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_text(path: Path) -> tuple[str, list[Note]]:
    """The text of a file (plain or in gzip), and notes. Raises InputError for what is no table of text."""
    check_file(path)
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, path)
    if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"got {path}: this is a spreadsheet or zip file; save the sheet as CSV")
    notes: list[Note] = []
    text = _decode(data, path, notes)
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype html", "<html", "<?xml", "<table")):
        raise InputError(f"got {path}: this is a web page or XML; save the table as CSV")
    if start.startswith(("{", "[{", "[[")):
        raise InputError(f"got {path}: this is JSON; save the table as CSV, or give a frame from Python")
    return text, notes


def check_file(path: Path) -> None:
    """Raise InputError where there is no file, or too large a one."""
    if not path.exists():
        raise InputError(f"got {path}: there is no such file")
    if path.is_dir():
        raise InputError(f"got {path}: that is a folder, give one file")
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(f"got {path} of {path.stat().st_size >> 20} MB: at most {LARGEST_FILE >> 20} MB are read")


def is_parquet(path: Path) -> bool:
    """Whether a file says that it is Parquet."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _gunzip(data: bytes, path: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"got {path}: a gzip file that is damaged or cut short") from error
    if len(plain) > LARGEST_FILE:
        raise InputError(f"got {path}: more than {LARGEST_FILE >> 20} MB when unpacked")
    return plain


def _decode(data: bytes, path: Path, notes: list[Note]) -> str:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\x00" in data[:4096]:
        sample = data[:4096]
        for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
            if zeros and zeros.count(0) > 0.8 * len(zeros):  # UTF-16 without its mark
                return data.decode(encoding, errors="replace")
        raise InputError(f"got {path}: this is not a text file; give CSV (any separator), CSV in gzip, or Parquet")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        notes.append(Note("read as Windows-1252 text (it is not UTF-8)", ASSUMED))
        return data.decode("cp1252", errors="replace")
