"""Text from a file, a folder, a pipe or a string, in pieces of bounded memory, and the token file made of it."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError, LatchworkError
from latchwork.transforms.vocabulary import Vocabulary, token_dtype

CHUNK_CHARACTERS = 1 << 20
_SNIFF_BYTES = 1 << 16

Progress = Callable[[float], None]
"""Called with the share of the text that has been read, 0 to 1."""


@dataclass(frozen=True)
class TextSource:
    """A text that can be read again and again, a piece at a time.

    Attributes:
        name: what to call it in messages.
        size: bytes.
        skipped: the files of a folder that hold no text.
    """

    name: str
    size: int
    _open: Callable[[], Iterator[str]]
    skipped: tuple[Path, ...] = ()

    def chunks(self) -> Iterator[str]:
        """Pieces of about a million characters, cut after a line end where there is one. Line ends are `\\n`.

        Raises:
            InputError: a part is not UTF-8; the message names the line.
        """
        return self._open()

    def text(self) -> str:
        """All of it as one string."""
        return "".join(self.chunks())


def from_string(text: str, name: str = "text") -> TextSource:
    """A text already in memory.

    Raises:
        InputError: it is empty.
    """
    if not text:
        raise InputError("got an empty text: there is nothing to learn from or to measure")
    return TextSource(name, len(text.encode("utf-8", errors="surrogatepass")), lambda: iter([text]))


_LONGEST_NAME = 1024
_TEXT_FILES = (".txt", ".text", ".md", ".csv", ".json", ".log", ".htm", ".html", ".xml")


def from_text_or_name(text: str) -> TextSource:
    """A string: the text itself, or the name of a text file or folder that exists.

    Raises:
        InputError: it looks like the name of a file that does not exist, or it is empty.
    """
    if "\n" in text or len(text) > _LONGEST_NAME:
        return from_string(text)
    name = text.strip()
    try:
        if name and Path(name).exists() and (Path(name).is_file() or os.sep in name):
            return from_path(name)
    except (OSError, ValueError):  # no name that the system could have
        return from_string(text)
    if len(name.split()) == 1 and name.lower().endswith(_TEXT_FILES):
        raise InputError(f"got {text!r}: it looks like the name of a file, and there is none of that name")
    return from_string(text)


def from_path(path: str | os.PathLike[str]) -> TextSource:
    """A text file, or a folder: all its text files in order of their paths, hidden ones left out.

    Raises:
        InputError: there is no such file, or it holds no text.
    """
    path = Path(path)
    if path.is_dir():
        return _from_folder(path)
    if not path.exists():
        raise InputError(f"got {path}: there is no such file or folder")
    kind = _what_else(path)
    if kind:
        raise InputError(f"got {path}: it is {kind}, expected text in UTF-8")
    return TextSource(str(path), path.stat().st_size, lambda: _read(path))


def from_pipe(stream: IO[bytes], folder: str | None = None) -> TextSource:
    """A stream, such as the standard input, kept in a temporary file because it is read more than once.

    Raises:
        InputError: it holds no text.
        LatchworkError: the disk is full.
    """
    with _disk_full_is_an_error("the piped text"):
        copy = tempfile.NamedTemporaryFile(prefix="latchwork-", suffix=".txt", dir=folder)  # noqa: SIM115
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.flush()
    path = Path(copy.name)
    kind = _what_else(path)
    if kind:
        raise InputError(f"got standard input: it is {kind}, expected text in UTF-8")

    def read() -> Iterator[str]:
        yield from _read(Path(copy.name), "standard input")  # through `copy`, which keeps the file alive

    return TextSource("standard input", path.stat().st_size, read)


def _from_folder(folder: Path) -> TextSource:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not _hidden(p.relative_to(folder)))
    texts = [p for p in files if not _what_else(p)]
    if not texts:
        raise InputError(f"got {folder}: none of its {len(files)} files holds text in UTF-8")

    def read() -> Iterator[str]:
        for file in texts:
            ends = ""
            for chunk in _read(file):
                yield chunk
                ends = chunk[-1:]
            if ends != "\n":
                yield "\n"

    skipped = tuple(p for p in files if p not in set(texts))
    return TextSource(str(folder), sum(p.stat().st_size for p in texts), read, skipped)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _what_else(path: Path) -> str | None:
    """What a file is instead of text, judged by its first bytes; None where it may be text."""
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFF_BYTES)
    except OSError as error:
        raise InputError(f"got {path}: it cannot be read ({error.strerror})") from error
    if not head:
        return "empty"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 (convert it: iconv -f UTF-16 -t UTF-8)"
    return "binary" if b"\0" in head else None


def _read(path: Path, name: str | None = None) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            while chunk := file.read(CHUNK_CHARACTERS):
                yield chunk + file.readline(CHUNK_CHARACTERS)
    except UnicodeDecodeError:
        _report_bad_byte(path, name or str(path))


def _report_bad_byte(path: Path, name: str) -> NoReturn:
    """Name the line of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise InputError(
                    f"got {name}: line {line} holds byte 0x{error.object[error.start]:02x}, which is not UTF-8; "
                    f"{_what_to_do(path)}"
                ) from None
            line += block.count(b"\n")
    raise InputError(f"got {name}: its last character is cut off in the middle")


_CP1252 = frozenset(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}  # quotes and dashes there, nothing in Latin-1


def _what_to_do(path: Path) -> str:
    """Which older encoding a text is likely in, judged by its bytes above ASCII, and how to convert it."""
    with path.open("rb") as file:
        sample = file.read(1 << 22)
    high = Counter(byte for byte in sample if byte >= 0x80)
    try:
        sample[: len(sample) - 8].decode("cp1251")
        cyrillic = sum(high[byte] for byte in range(0xC0, 0x100)) > 0.2 * len(sample)
    except UnicodeDecodeError:
        cyrillic = False
    if cyrillic:
        return "the text looks like Cyrillic in Windows-1251: iconv -f cp1251 -t utf-8"
    if any(byte in _CP1252 for byte in high):
        return "if it is Western text from Windows (cp1252), convert it: iconv -f cp1252 -t utf-8"
    return "if the text is Latin-1, convert it: iconv -f latin1 -t utf-8"


@contextmanager
def _disk_full_is_an_error(what: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LatchworkError(
                f"no space left on the disk for {what}: free some, or set TMPDIR to another folder"
            ) from error
        raise


@dataclass(frozen=True)
class TokenFile:
    """A text as token ids.

    Attributes:
        ids: `[tokens]`, in memory or mapped from a file.
        characters: how many characters of text they stand for.
        sha256: of the text in UTF-8, by which the same text is recognised.
    """

    ids: NDArray[Any]
    characters: int
    sha256: str


_IN_MEMORY_BYTES = 256 << 20


def tokenize(
    source: TextSource,
    vocabulary: Vocabulary,
    folder: str | None = None,
    progress: Progress = lambda share: None,
) -> TokenFile:
    """Turn a text into token ids with a bounded amount of memory.

    Texts up to 256 MB are kept in memory; the ids of larger ones go to a temporary file in `folder` (the system's
    by default), which is mapped and vanishes with the process.

    Raises:
        InputError: the text is not UTF-8, or empty.
        LatchworkError: the disk is full.
    """
    dtype = token_dtype(vocabulary)
    digest = hashlib.sha256()
    characters = tokens = read = 0
    with (
        _disk_full_is_an_error("the tokens of the text"),
        tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=folder, prefix="latchwork-") as file,
    ):
        for chunk in source.chunks():
            raw = chunk.encode("utf-8", errors="surrogatepass")
            digest.update(raw)
            ids = vocabulary.encode(chunk)
            file.write(ids.astype(dtype).tobytes())
            characters, tokens, read = characters + len(chunk), tokens + len(ids), read + len(raw)
            progress(min(1.0, read / max(1, source.size)))
        if not tokens:
            raise InputError(f"got {source.name}: the text is empty")
        if source.size <= _IN_MEMORY_BYTES:
            file.seek(0)
            ids = np.frombuffer(file.read(), dtype)
        else:
            file.rollover()
            file.flush()
            ids = np.memmap(file, dtype, "r", shape=(tokens,))
    return TokenFile(ids, characters, digest.hexdigest())


@dataclass(frozen=True)
class Split:
    """A text cut by position: what is chosen by, what is learned from, what training never sees."""

    validation: NDArray[Any]
    train: NDArray[Any]
    test: NDArray[Any]


def split(ids: NDArray[Any], validation: float = 0.03, test: float = 0.1) -> Split:
    """Cut token ids by position: a first part to choose by, the part to train on, and the end to test on.

    The validation part is not the one before the test part: what stands just before a text tells most about it, such as
    its names, and has to be learned.

    Raises:
        InputError: the shares are not between 0 and 1, or leave nothing to train on.
    """
    if not (0 <= validation < 1 and 0 <= test < 1 and validation + test < 1):
        raise InputError(f"got validation={validation} and test={test}: expected shares that sum to less than 1")
    first, second = int(len(ids) * validation), int(len(ids) * (1 - test))
    if second - first < 2:
        raise InputError(f"got a text of {len(ids)} tokens: too short to set a part aside from")
    return Split(ids[:first], ids[first:second], ids[second:])
