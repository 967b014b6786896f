"""A folder of recordings, with what is said in each: read as people keep them, or asked about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from latchwork.core.errors import InputError
from latchwork.speech.audio import SUFFIXES
from latchwork.speech.reading.finding import Finder
from latchwork.speech.reading.lexicon import is_container, is_noise, is_other
from latchwork.speech.reading.places import by_template, read_places
from latchwork.speech.reading.tables import Row, decoded, read_librispeech, read_table
from latchwork.speech.reading.wording import spoken

_FIRST_TABLES = ("transcripts.csv", "transcripts.tsv", "metadata.csv", "metadata.tsv", "metadata.jsonl")
_COMMON_VOICE = ("validated.tsv",), ("train.tsv", "dev.tsv", "test.tsv"), ("other.tsv",)
_TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl")
_EXPECTED = (
    "expected transcripts.csv (file, text), a text file beside each recording (a.wav, a.txt), one sub-folder a word, "
    "or names like WORD_SPEAKER_TAKE.wav"
)
_SHOWN_WORDS = 24  # of a summary


class Recording(NamedTuple):
    """A file, what is said in it, and who says it ("" where that is not known)."""

    path: Path
    text: str
    speaker: str = ""


class LeftOut(NamedTuple):
    """A file that is not used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Recordings:
    """What a folder holds.

    Attributes:
        items: the recordings with what is said in them.
        layout: how it was read.
        left_out: files that could not be used.
        noise: recordings in which nobody speaks (Speech Commands' `_background_noise_`).
        others: recordings of other words, which are not to be told apart (`_unknown_`).
    """

    items: tuple[Recording, ...]
    layout: str
    left_out: tuple[LeftOut, ...] = ()
    noise: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    @property
    def speakers(self) -> dict[str, int]:
        """How many recordings each speaker has, if speakers are known."""
        return dict(sorted(Counter(item.speaker for item in self.items if item.speaker).items()))

    @property
    def words(self) -> dict[str, int]:
        """How often each word is said."""
        return dict(sorted(Counter(word for item in self.items for word in item.text.split()).items()))

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
        return replace(self, items=kept)

    def summary(self) -> list[str]:
        """What was understood, in lines for the user: words and speakers, how many of each, what is left out."""
        words, speakers = self.words, self.speakers
        counted = [f"{word} {count:,}" for word, count in words.items()]
        more = f" and {len(counted) - _SHOWN_WORDS:,} others" if len(counted) > _SHOWN_WORDS else ""
        lines = [
            f"{len(self.items):,} recordings ({self.layout})",
            f"{len(words):,} words: {', '.join(counted[:_SHOWN_WORDS])}{more}",
        ]
        if not speakers:
            lines.append("speakers: not known")
        elif len(speakers) > _SHOWN_WORDS:
            lines.append(f"{len(speakers):,} speakers, {min(speakers.values())} to {max(speakers.values())} takes each")
        else:
            lines.append(f"{len(speakers)} speakers: {', '.join(f'{name} {n:,}' for name, n in speakers.items())}")
        if self.noise:
            lines.append(f"{len(self.noise)} recordings of noise: learned as nothing said")
        if self.others:
            lines.append(f"{len(self.others)} recordings of other words: learned as none of these")
        reasons: dict[str, list[Path]] = {}
        for left in self.left_out:
            reasons.setdefault(left.reason, []).append(left.path)
        for reason, paths in reasons.items():
            named = ", ".join(path.name for path in paths[:5]) + (f" and {len(paths) - 5:,} others" * (len(paths) > 5))
            lines.append(f"left out: {named} ({reason})")
        return lines


def read_recordings(folder: str | Path, layout: str | None = None) -> Recordings:
    """The recordings of a folder, or of a table of them, with their transcripts.

    Args:
        folder: a folder, or a table in one.
        layout: how the files are named, where it cannot be read from them: `{speaker}/{word}_{take}.wav`.

    Raises:
        InputError: no such folder, no recordings, nothing that says what is said in them, or two ways to read it.
    """
    folder = Path(folder)
    root = folder.parent if folder.is_file() else folder
    if not root.is_dir() or not folder.exists():
        raise InputError(f"{folder} is no folder: {_EXPECTED}")
    if folder.is_file() and folder.suffix.lower() in SUFFIXES:
        raise InputError(f"{folder} is one recording, not a folder: {_EXPECTED}")
    files = [path for path in sorted(root.rglob("*")) if _is_recording(path, root)]
    if layout is not None:
        _some(files, root)
        reading = by_template(root, files, layout)
        return _checked(reading.items, reading.layout, reading.left_out, (), ())
    if tables := [folder] if folder.is_file() else _tables(root):
        found = _from_tables(tables, files, given=folder.is_file())
        if found is not None:
            return found
    _some(files, root)
    if scripts := sorted(root.rglob("*.trans.txt")):
        rows = {script: read_librispeech(script) for script in scripts}
        return _from_rows(rows, files, "LibriSpeech's .trans.txt")
    if any(_beside(path) is not None for path in files):
        return _with_text_files(files)
    noise = [path for path in files if any(map(is_noise, path.relative_to(root).parts[:-1]))]
    others = [path for path in files if any(map(is_other, path.relative_to(root).parts[:-1]))]
    said = [path for path in files if path not in {*noise, *others}]
    _some(said, root)
    reading = read_places(root, said)
    checked = _checked(reading.items, reading.layout, reading.left_out, noise, others)
    _refuse_folder_names(checked, root)
    return checked


def _some(files: Sequence[Path], root: Path) -> None:
    if not files:
        raise InputError(f"{root}: no recordings in it ({', '.join(SUFFIXES)}); {_EXPECTED}")


def _is_recording(path: Path, root: Path) -> bool:
    """Whether this is a sound file, and none of macOS's shadows (`._a.wav`)."""
    parts = path.relative_to(root).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return path.suffix.lower() in SUFFIXES and not hidden and path.is_file()


def _tables(root: Path) -> list[Path]:
    """The tables of a folder that may say what is said in it: the best-known names first."""
    by_name = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_file() and path.name[0] != "."}
    for group in (*((name,) for name in _FIRST_TABLES), *_COMMON_VOICE):
        if found := [by_name[name] for name in group if name in by_name]:
            return found
    own = [path for name, path in by_name.items() if name.endswith(_TABLE_SUFFIXES) and name != "invalidated.tsv"]
    inside = [path for name in _FIRST_TABLES for path in sorted(root.glob(f"*/{name}"))]
    return own or inside


def _from_tables(tables: Sequence[Path], files: Sequence[Path], *, given: bool) -> Recordings | None:
    """By tables; None where none of them says what is said and nobody named one."""
    rows: dict[Path, list[Row]] = {}
    refused: InputError | None = None
    for table in tables:
        try:
            rows[table] = read_table(table)
        except InputError as error:
            refused = refused or error
    if refused is not None and not rows:
        if given or tables[0].name.lower() in (*_FIRST_TABLES, *sum(_COMMON_VOICE, ())):
            raise refused
        return None
    return _from_rows(rows, files, ", ".join(table.name for table in rows))


def _from_rows(rows: dict[Path, list[Row]], files: Sequence[Path], layout: str) -> Recordings:
    finder = Finder(files)
    items: dict[Path, tuple[str, str]] = {}
    left_out: list[tuple[Path, str]] = []
    first = ""
    for table, own in rows.items():
        for row in own:
            path = finder.find(row.file, table.parent) if row.file else None
            if path is None:
                reason = f"there is no file {table.parent / row.file}" if row.file else "it names no file"
                first = first or f"{table}, line {row.line}: {reason}"
                left_out.append((Path(row.file or f"line {row.line}"), f"{table.name} names it, and it is not there"))
            elif not spoken(row.text):
                first = first or f"{table}, line {row.line}: nothing is written as said in {path.name}"
                left_out.append((path, "nothing is written as said in it"))
            else:
                items.setdefault(path, (row.text, row.speaker))
    if not items:
        raise InputError(first or f"{next(iter(rows))}: expected a row a recording, there is none")
    unnamed = [path for path in files if path not in items and path not in {left for left, _ in left_out}]
    left_out += [(path, "no table names it") for path in unnamed]
    return _checked([(path, *said) for path, said in items.items()], layout, left_out, (), ())


def _beside(path: Path) -> Path | None:
    return next((text for ending in (".txt", ".lab") if (text := path.with_suffix(ending)).is_file()), None)


def _with_text_files(files: Sequence[Path]) -> Recordings:
    items: list[tuple[Path, str, str]] = []
    left_out: list[tuple[Path, str]] = []
    for path in files:
        text = _beside(path)
        if text is None:
            left_out.append((path, "other recordings have a text file beside them, this one has none"))
        elif not spoken(content := decoded(text)):
            left_out.append((path, f"nothing is written in {text.name}"))
        else:
            items.append((path, content, ""))
    if not items:
        raise InputError(f"{files[0]}: nothing is written as said in it: the text files beside recordings are empty")
    return _checked(items, "a text file beside each recording", left_out, (), ())


def _checked(
    items: Iterable[tuple[Path, str, str]],
    layout: str,
    left_out: Iterable[tuple[Path, str]],
    noise: Iterable[Path],
    others: Iterable[Path],
) -> Recordings:
    """The recordings with their words as they are learned."""
    kept = [Recording(path, spoken(text), speaker) for path, text, speaker in items]
    left = [LeftOut(*each) for each in left_out]
    left += [LeftOut(item.path, "its name does not say what is said in it") for item in kept if not item.text]
    named = tuple(item for item in kept if item.text)
    if not named:
        raise InputError(f"{kept[0].path}: its name does not say what is said in it: {_EXPECTED}")
    return Recordings(named, layout, tuple(left), tuple(noise), tuple(others))


def _refuse_folder_names(recordings: Recordings, root: Path) -> None:
    """What reads as one word, or as words that folders are called, was not meant."""
    texts = list(dict.fromkeys(item.text for item in recordings.items))
    looks: Callable[[str], bool] = is_container
    if len(texts) == 1 and len(recordings.items) > 1:
        raise InputError(
            f"{root}: read as {recordings.layout}, every recording says {texts[0]!r}: a recogniser needs two words or "
            f"more; {_EXPECTED}; or say how they are named with --layout"
        )
    if strange := [text for text in texts if looks(text.replace(" ", "_"))]:
        raise InputError(
            f"{root}: read as {recordings.layout}, {strange[0]!r} would be a word, and looks like the name of a "
            f"folder: {_EXPECTED}; or say how they are named with --layout"
        )
