"""Tables of what is said: rows of a file's name, a text and perhaps a speaker, in the forms that people keep.

`transcripts.csv`, Common Voice's `validated.tsv`, LJSpeech's and Hugging Face's `metadata.csv`, `metadata.jsonl`,
DeepSpeech's CSV, LibriSpeech's `.trans.txt`. Any of comma, tab, semicolon and bar; UTF-8, UTF-16 or Windows' letters.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from latchwork.core.errors import InputError

FILE_COLUMNS = (
    "file", "file_name", "filename", "wav_filename", "path", "file_path", "filepath", "wav", "wav_file", "audio",
    "audio_file", "audio_path", "audio_filepath", "clip", "recording", "id",
)  # fmt: skip
TEXT_COLUMNS = (
    "text", "transcript", "transcription", "sentence", "normalized_text", "normalized_transcription", "word", "words",
    "label", "command", "utterance", "said", "phrase", "class", "target",
)  # fmt: skip
SPEAKER_COLUMNS = (
    "speaker", "speaker_id", "speakerid", "client_id", "spk", "spk_id", "user", "user_id", "reader", "reader_id",
    "talker", "person", "voice",
)  # fmt: skip
_SEPARATORS = "\t,;|"
_HEADER_LIMIT = 200  # characters of a header that an error quotes


class Row(NamedTuple):
    """A row of a table: where it stands, and what it holds."""

    line: int
    file: str
    text: str
    speaker: str = ""


def read_table(path: Path) -> list[Row]:
    """The rows of a table; blank ones are passed over.

    Raises:
        InputError: it cannot be read, is no text, or has no columns for files and texts.
    """
    text = decoded(path)
    if path.suffix.lower() in (".jsonl", ".json"):
        return _json_rows(text, path)
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise InputError(f"{path}: the table is empty")
    separator = max(_SEPARATORS, key=lambda mark: (first.count(mark), -_SEPARATORS.index(mark)))
    table = _cells(text, lines, separator)
    header = [cell.strip().lower().replace(" ", "_") for cell in table[0][1]]
    columns = [_column(header, names) for names in (FILE_COLUMNS, TEXT_COLUMNS, SPEAKER_COLUMNS)]
    if columns[0] is None or columns[1] is None:
        # No header: LJSpeech's `id|as written|as spoken`, or the name of a file and its text.
        if len(table[0][1]) < 2 or not _is_file(table[0][1][0], path):
            raise InputError(
                f"{path}: expected the columns file and text (and speaker, if known), got the header "
                f"{', '.join(table[0][1])[:_HEADER_LIMIT]}"
            )
        speaker = 2 if separator != "|" and len(header) > 2 else None
        columns = [0, 2 if separator == "|" and len(header) > 2 else 1, speaker]
        body = table
    else:
        body = table[1:]
    rows: list[Row] = []
    last = len(header) - 1
    for line, given in body:
        cells = given
        if len(given) > len(header) and columns[1] == last:  # a separator inside of the last column's text
            cells = [*given[:last], separator.join(given[last:])]
        found = [cells[at].strip() if at is not None and at < len(cells) else "" for at in columns]
        if any(found):
            rows.append(Row(line, *found))
    return rows


def read_librispeech(path: Path) -> list[Row]:
    """The rows of a `SPEAKER-CHAPTER.trans.txt`: a recording's name, a blank, what is said."""
    rows: list[Row] = []
    for line, content in enumerate(decoded(path).splitlines(), start=1):
        name, _, text = content.strip().partition(" ")
        if name:
            rows.append(Row(line, name, text, name.partition("-")[0]))
    return rows


def decoded(path: Path) -> str:
    """A text file's content, in UTF-8, UTF-16 or Windows' letters for Western Europe.

    Raises:
        InputError: it cannot be read, or holds bytes that no text has.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if zeros := content.count(0):
        if zeros > 0.2 * len(content):  # UTF-16 without its mark
            return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", errors="replace")
        raise InputError(f"{path}: no text: it holds zero bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _cells(text: str, lines: Sequence[str], separator: str) -> list[tuple[int, list[str]]]:
    """The cells of each row that is not blank, with the line on which it begins.

    A quote that is opened and never closed would swallow the rows after it: where a quoted cell reaches over lines that
    are rows by themselves, quotes are read as ordinary characters in the lines that have an odd number of them.
    """
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, skipinitialspace=True)
    try:
        begins = 1
        for cells in reader:
            rows.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        rows = []
    width = len(rows[0][1]) if rows else 0
    swallowed = not rows or any(
        separator in line for _, cells in rows for cell in cells for line in cell.splitlines()[1:]
    )
    if swallowed or (width and sum(len(cells) > width for _, cells in rows) > len(rows) / 2):
        rows = [(number, _line_cells(line, separator)) for number, line in enumerate(lines, start=1)]
    return [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]


def _line_cells(line: str, separator: str) -> list[str]:
    if line.count('"') % 2 == 0:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _is_file(cell: str, table: Path) -> bool:
    name = cell.strip().replace("\\", "/").rpartition("/")[2]
    return bool(name) and any(table.parent.rglob(f"{_escaped(name)}*"))


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _json_rows(text: str, path: Path) -> list[Row]:
    """Hugging Face's `metadata.jsonl`: one JSON object a line."""
    rows: list[Row] = []
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            found = {str(key).lower(): value for key, value in json.loads(content).items()}
        except (ValueError, AttributeError):
            raise InputError(f"{path}, line {line}: not a JSON object") from None
        names = [next((key for key in names if key in found), None) for names in (FILE_COLUMNS, TEXT_COLUMNS)]
        if None in names:
            raise InputError(f"{path}, line {line}: expected the keys file_name and text, got {', '.join(found)[:200]}")
        speaker = next((str(found[key]) for key in SPEAKER_COLUMNS if key in found), "")
        rows.append(Row(line, str(found[str(names[0])]), str(found[str(names[1])]), speaker))
    return rows
