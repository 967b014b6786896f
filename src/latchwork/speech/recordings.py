"""A folder of recordings, with what is said in each: four ways in which people keep them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from latchwork.core.errors import InputError
from latchwork.speech.audio import SUFFIXES

_TABLES = ("transcripts.csv", "transcripts.tsv", "metadata.csv", "metadata.tsv")
_EXPECTED = (
    "expected transcripts.csv (file, text), a text file beside each recording (a.wav, a.txt), one sub-folder a word, "
    "or names like WORD_SPEAKER_TAKE.wav"
)
_NAME = re.compile(r"(?P<text>[^_]+)_(?P<speaker>[^_]+)(?:_[^_]+)?")


class Recording(NamedTuple):
    """A file, what is said in it, and who says it ("" where that is not known)."""

    path: Path
    text: str
    speaker: str = ""


@dataclass(frozen=True)
class Recordings:
    """What a folder holds; `layout` says how it was read."""

    items: tuple[Recording, ...]
    layout: str

    @property
    def speakers(self) -> dict[str, int]:
        """How many recordings each speaker has, if speakers are known."""
        return dict(sorted(Counter(item.speaker for item in self.items if item.speaker).items()))

    def of(self, speakers: set[str], *, others: bool = False) -> Recordings:
        """Those of some speakers, or of all others.

        Raises:
            InputError: a speaker whom nobody knows, or nothing is left.
        """
        if unknown := speakers - self.speakers.keys():
            known = ", ".join(self.speakers) or "none: the names of the files do not tell"
            raise InputError(f"no speaker {sorted(unknown)[0]!r}: there are {known}")
        kept = tuple(item for item in self.items if (item.speaker in speakers) != others)
        if not kept:
            raise InputError("no recording is left without those speakers")
        return Recordings(kept, self.layout)


def read_recordings(folder: str | Path) -> Recordings:
    """The recordings of a folder and their transcripts.

    Raises:
        InputError: no such folder, no recordings, a transcript that is missing or empty.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: {_EXPECTED}")
    table = next((folder / name for name in _TABLES if (folder / name).is_file()), None)
    if table is not None:
        return Recordings(_from_table(table), table.name)
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise InputError(f"{folder}: no recordings in it ({', '.join(SUFFIXES)}); {_EXPECTED}")
    if any(path.with_suffix(".txt").is_file() for path in files):
        return Recordings(tuple(map(_with_text_file, files)), "a text file beside each recording")
    if all(path.parent != folder for path in files):
        items = (Recording(path, _clean(path.parent.name), path.stem.partition("_")[0]) for path in files)
        return Recordings(tuple(items), "one sub-folder a word")
    return Recordings(tuple(map(_from_name, files)), "words and speakers by the names of the files")


def _from_table(table: Path) -> tuple[Recording, ...]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, delimiter="\t" if table.suffix == ".tsv" else ","))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: not a table in UTF-8 ({error})") from None
    if not rows or not {"file", "text"} <= rows[0].keys():
        raise InputError(f"{table}: expected the columns file and text (and speaker, if known), and a row a recording")
    items: list[Recording] = []
    for number, row in enumerate(rows, start=2):
        path = table.parent / (row["file"] or "")
        if not path.is_file():
            raise InputError(f"{table}, line {number}: there is no file {path}")
        items.append(Recording(path, _spoken(row["text"] or "", path), row.get("speaker") or ""))
    return tuple(items)


def _with_text_file(path: Path) -> Recording:
    text = path.with_suffix(".txt")
    if not text.is_file():
        raise InputError(f"{path}: other recordings have a text file beside them, this one has none")
    try:
        return Recording(path, _spoken(text.read_text(encoding="utf-8-sig"), path))
    except UnicodeDecodeError:
        raise InputError(f"{text}: not UTF-8") from None


def _from_name(path: Path) -> Recording:
    found = _NAME.fullmatch(path.stem)
    if found is None:
        raise InputError(f"{path}: its name does not say what is said in it: {_EXPECTED}")
    return Recording(path, _spoken(found["text"], path), found["speaker"])


def _spoken(text: str, path: Path) -> str:
    cleaned = _clean(text)
    if not cleaned:
        raise InputError(f"{path}: nothing is written as said in it")
    return cleaned


def _clean(text: str) -> str:
    """Case and punctuation are not heard."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.replace("_", " ")).casefold().split())
