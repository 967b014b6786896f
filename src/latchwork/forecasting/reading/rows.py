"""Text into rows of cells under one header: separators, titles, several header rows, footers, tables end to end."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.heads import find_header, header_names, kinds_of_columns, looks_like_data
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, FACT, GUESSED, Note, count_of

COMMENTS = ("#", "%", "//", "!")
MARKED = frozenset("#%/!-+=|_: \t")
ERROR = re.compile(r"#(N/?A|VALUE!|DIV/0!|REF!|NAME\?|NUM!|NULL!|WERT!|BEZUG!)", re.I)  # Excel's, in a first column
RULE = re.compile(r"[-+=|\s:_]{3,}")  # lines that are drawn
HEADERS = 30  # rows that are looked at for a header
MOST_RAGGED = 0.05  # share of lines with too many cells, from which the table cannot be trusted


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    names: of its columns. levels: the header rows, one list each. rows: cells, as many a row as names. tables: which of
    several tables joined end to end each row is from; empty for one. separator: between the cells.
    """

    names: list[str]
    levels: list[list[str]]
    rows: list[list[str]]
    separator: str
    tables: list[str] = field(default_factory=list[str])
    notes: list[Note] = field(default_factory=list[Note])


def read_rows(text: str, source: str) -> Sheet:
    """Divide text into rows and find their header. Raises InputError, in one line, where they make no table."""
    told, lines, comments = _lines(text)
    if not lines:
        raise InputError(f"got {source}: the file is empty")
    separator = told or find_separator(lines)
    notes: list[Note] = []
    if separator not in {",", "\0"}:
        notes.append(Note(f"columns are separated by {'tabs' if separator == chr(9) else repr(separator)}", FACT))
    csv.field_size_limit(1 << 20)
    try:
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        cells = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise InputError(f"got {source}: not a table that can be read ({error})") from error
    return _sheet(cells, separator, comments, source, notes)


def _lines(text: str) -> tuple[str | None, list[str], list[str]]:
    """The separator that Excel's first line names, the lines that say something, and the comments before them."""
    lines, comments = [line for line in text.splitlines() if line.strip()], list[str]()
    told = None
    if lines and re.fullmatch(r"\s*\"?sep=(.)\"?\s*", lines[0], re.I):
        told = lines[0].strip().strip('"')[4]
        lines = lines[1:]
    kept: list[str] = []
    for line in lines:
        if line[0] not in MARKED:  # nearly all lines
            kept.append(line)
        elif line.lstrip().startswith(COMMENTS) and not ERROR.match(line.lstrip()):
            if not kept:
                comments.append(line.lstrip().lstrip("#%/! "))
        elif not RULE.fullmatch(line):
            kept.append(line)
    return told, kept, comments


def find_separator(lines: list[str]) -> str:
    """The mark that gives most lines the same number of columns; semicolons before commas; NUL where none does."""
    sample = lines[:50] + lines[len(lines) // 2 :][:150]
    best, best_score = "\0", 0.0
    for mark in (";", "\t", "|", ",", " "):
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=mark, skipinitialspace=True))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        score = count / sum(widths.values())
        if mark == " ":  # only where nothing else divides the lines: dates contain spaces
            score *= 0.5
        if width > 1 and score > best_score + (0.05 if best != "\0" else 0.0):
            best, best_score = mark, score
    return best if best_score > 0.3 else "\0"


def _sheet(cells: list[list[str]], separator: str, comments: list[str], source: str, notes: list[Note]) -> Sheet:
    widths = Counter(len(row) for row in cells[:100_000])
    width = widths.most_common(1)[0][0]
    places = [i for i, row in enumerate(cells) if len(row) == width or (len(row) > width and not any(row[width:]))]
    body = [row if len(row) == width else row[:width] for row in map(cells.__getitem__, places)]
    kinds = kinds_of_columns(body)
    start = find_header(body, kinds)
    heads, first = body[:start], places[start - 1] + 1 if start else places[0]
    while not start and first > 0 and len(cells[first - 1]) > 1 and _begins_as_data(cells[first - 1], kinds):
        first -= 1
    before = [row for row in cells[:first] if len(row) != width and len(row) > 1]
    if not heads:
        heads, body, width = _other_header(before, body, kinds, comments, separator, source, notes)
        kinds = kinds_of_columns(body) if body and len(body[0]) == width else kinds
    names, levels, skipped = header_names(heads, width, kinds, notes)
    rows, tables = _body(cells[first:], names, heads, width, kinds, source, notes)
    titles = sum(len(row) != width for row in cells[:first]) - (len(heads) if not start and before else 0)
    if titles + skipped > 0:
        notes.append(Note(f"passed over {count_of(titles + skipped, 'line')} above the header", FACT))
    if not rows:
        raise InputError(f"got {source}: a header and no rows of data")
    return Sheet(names, levels, rows, separator, tables, notes)


def _other_header(
    before: list[list[str]],
    body: list[list[str]],
    kinds: list[str],
    comments: list[str],
    separator: str,
    source: str,
    notes: list[Note],
) -> tuple[list[list[str]], list[list[str]], int]:
    """The header of a table whose rows have another number of cells than it, or none."""
    width = len(kinds)
    if not before:
        commented = next(csv.reader(comments[-1:], delimiter=separator, skipinitialspace=True), []) if comments else []
        if width > 1 and len(commented) == width:
            return [[cell.strip() for cell in commented]], body, width
        return [], body, width
    header = before[-1]
    while header and not header[-1]:
        header = header[:-1]
    if len(header) == width - 1:
        if _counts(body):
            return [["", *header]], body, width
        if separator == " " and kinds[:2] in (["t", "n"], ["t", "c"], ["t", "w"]):
            return [[header[0], f"{header[0]} (clock)", *header[1:]]], body, width
    if len(header) > width:
        notes.append(
            Note(f"the header names {len(header)} columns, the rows have {width}: the last are taken as empty", CHANGED)
        )
        return [header[:width]], body, width
    if len(header) == width:
        return [header], body, width
    if len(header) > 1 and not looks_like_data(header, kinds[: len(header)]):
        hint = (
            "is the comma a decimal mark? save the table with semicolons between the columns"
            if separator == ","
            else ""
        )
        raise InputError(
            f"got {source}: the header names {len(header)} columns and the rows have {width}; "
            + (hint or "give every row as many cells as the header")
        )
    return [], body, width


def _begins_as_data(row: list[str], kinds: list[str]) -> bool:
    """Whether a row with too few cells holds what the columns hold."""
    return len(row) < len(kinds) and looks_like_data(row, kinds[: len(row)])


def _counts(body: list[list[str]]) -> bool:
    """Whether the first column counts the rows."""
    first = [row[0] for row in body[:200]]
    return all(cell.isdigit() for cell in first) and all(int(b) == int(a) + 1 for a, b in itertools.pairwise(first))


def _body(
    cells: list[list[str]],
    names: list[str],
    heads: list[list[str]],
    width: int,
    kinds: list[str],
    source: str,
    notes: list[Note],
) -> tuple[list[list[str]], list[str]]:
    """The rows below the header, and which of several tables each is from."""
    rows: list[list[str]] = []
    starts: list[tuple[int, str]] = []
    long = short = dropped = repeated = 0
    label = ""
    header = heads[-1] if heads else None
    number = next((i for i in range(width - 1, -1, -1) if kinds[i] == "n" and not _begins_with_letters(cells, i)), None)
    for given in cells:
        row, size = given, len(given)
        if size != width:
            filled = [cell for cell in row if cell]
            if size > width and not any(row[width:]):
                row = row[:width]
            elif not filled:
                continue
            elif size < width and looks_like_data(row, kinds[:size]) and len(filled) > 1:
                row = [*row, *[""] * (width - size)]
                short += 1
            else:
                if size > width and looks_like_data(row[:width], kinds):
                    long += 1
                else:
                    dropped += 1
                    label = filled[0] if len(filled) == 1 else ""
                continue
        if header is not None and row == header:
            repeated += 1
            starts.append((len(rows), label))
            continue
        if number is not None and row[number][:1].isalpha() and _another_header(row, kinds):
            raise InputError(
                f"got {source}: a second table begins after {len(rows)} rows, with the header {', '.join(row)[:60]!r}; "
                "save each table as a file of its own"
            )
        rows.append(row)
    if long > max(1, MOST_RAGGED * len(cells)) or (long and long >= len(rows)):
        raise InputError(
            f"got {source}: {count_of(long, 'line')} have more cells than the {width} columns of the others; "
            "a separator inside of a cell needs quotes around the cell"
        )
    if long:
        notes.append(Note(f"dropped {count_of(long, 'line')} with more than {width} cells", GUESSED))
    if short:
        notes.append(Note(f"{count_of(short, 'line')} had too few cells: the last are taken as empty", CHANGED))
    if dropped:
        notes.append(
            Note(f"dropped {count_of(dropped, 'line')} that did not have {width} columns (titles, footers)", CHANGED)
        )
    if repeated:
        notes.append(Note(f"dropped {count_of(repeated, 'repeated header line')}", ASSUMED))
    return rows, _tables(len(rows), starts)


def _begins_with_letters(cells: list[list[str]], column: int) -> bool:
    """Whether numbers in a column often begin with letters: USD 5."""
    sample = [row[column] for row in cells[1:400] if len(row) > column]
    return sum(cell[:1].isalpha() for cell in sample) > 0.2 * len(sample)


def _tables(length: int, starts: list[tuple[int, str]]) -> list[str]:
    """Which table each row is from, where the header came again; empty for one table."""
    inside = [(place, label) for place, label in starts if 0 < place < length]
    if not inside:
        return []
    labels: list[str] = []
    for number, ((place, label), (end, _)) in enumerate(
        zip([(0, ""), *inside], [*inside, (length, "")], strict=True), start=1
    ):
        labels += [label or f"table {number}"] * (end - place)
    return labels


def _another_header(row: list[str], kinds: list[str]) -> bool:
    """Whether a row below the first is a header: words, all different, where numbers and times should be."""
    filled = [cell for cell in row if cell]
    return len(filled) == len(row) == len(set(row)) > 1 and not looks_like_data(row, kinds, least=1)
