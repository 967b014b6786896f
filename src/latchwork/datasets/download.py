"""Data sets that are downloaded once, checked by SHA-256, and kept.

The cache is the folder LATCHWORK_CACHE, or `latchwork` in the user's cache folder (`~/.cache`, or
XDG_CACHE_HOME; LOCALAPPDATA on Windows).
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from latchwork.core import settings
from latchwork.core.errors import InputError, LatchworkError
from latchwork.core.writing import write_atomically

_TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True)
class Download:
    """Where a data set comes from and what has to come.

    Attributes:
        name: the folder's name in the cache.
        url: a zip archive, or the file itself where there is one.
        files: the SHA-256 (hex) of each file that is wanted; an archive's other members are left out.
        max_bytes: what is downloaded at most; also the most that one file of an archive may unpack to.
    """

    name: str
    url: str
    files: Mapping[str, str]
    max_bytes: int = 1 << 30


JAPANESE_VOWELS = Download(
    "japanese-vowels",
    "https://www.timeseriesclassification.com/aeon-toolkit/JapaneseVowels.zip",
    {
        "JapaneseVowels_TRAIN.ts": "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        "JapaneseVowels_TEST.ts": "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    },
    max_bytes=16 << 20,
)


def obtain(download: Download, data: str | os.PathLike[str] | None = None) -> Path:
    """Return a folder that holds the files of a data set, each with the right SHA-256.

    Args:
        download: the data set.
        data: a folder that already has the files; without it the cache is used, and filled where it lacks
            one.

    Returns:
        The folder.

    Raises:
        InputError: `data` lacks a file, or has another version of it.
        LatchworkError: the data could not be downloaded, is not what was expected, or could not be kept.
    """
    if data is not None:
        folder = Path(data)
        for name, sha256 in download.files.items():
            if not (folder / name).is_file():
                raise InputError(f"{folder} has no file {name}")
            if _sha256((folder / name).read_bytes()) != sha256:
                raise InputError(f"{folder / name} is another version of the file: its SHA-256 is not {sha256}")
        return folder

    folder = cache_folder() / download.name
    if all(_is_kept(folder / name, sha256) for name, sha256 in download.files.items()):
        return folder
    contents = _downloaded(download)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatchworkError(f"could not make the folder {folder}: {error.strerror or error}") from None
    for name, content in contents.items():
        write_atomically(folder / name, [content])
    return folder


def cache_folder() -> Path:
    """Return the folder of downloaded data; it need not exist yet."""
    return settings.chosen_cache_folder() or settings.users_cache_folder()


def _is_kept(path: Path, sha256: str) -> bool:
    return path.is_file() and _sha256(path.read_bytes()) == sha256


def _downloaded(download: Download) -> dict[str, bytes]:
    """The wanted files, whole and checked, before any of them is kept."""
    try:
        with urllib.request.urlopen(download.url, timeout=_TIMEOUT) as response:
            content = response.read(download.max_bytes + 1)
    except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise LatchworkError(
            f"could not download {download.url} ({reason}): where you have {', '.join(download.files)} "
            "already, give their folder with --data"
        ) from None
    if len(content) > download.max_bytes:
        raise LatchworkError(f"{download.url} is larger than {download.max_bytes} bytes: not what was expected")

    contents = _unpacked(content, download) if content[:4] == b"PK\x03\x04" else None
    if contents is None:
        contents = {PurePosixPath(download.url).name: content}
    for name, sha256 in download.files.items():
        if _sha256(contents.get(name, b"")) != sha256:
            raise LatchworkError(f"{download.url} does not hold the expected {name} (another SHA-256): not kept")
    return {name: contents[name] for name in download.files}


def _unpacked(content: bytes, download: Download) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            contents: dict[str, bytes] = {}
            for member in archive.infolist():
                name = PurePosixPath(member.filename).name
                if name in download.files:
                    with archive.open(member) as file:
                        contents[name] = file.read(download.max_bytes)
            return contents
    except Exception as error:  # zipfile raises whatever it stumbles over
        raise LatchworkError(f"{download.url} gave a damaged archive ({error})") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
