"""CSV: one long table of many series, or one file for each sequence in a folder for each class.

Any separator of `, ; | tab` and blanks; the header line decides. A million rows take a few seconds: cells are
converted a block at a time, so that the text of the whole file is never held as Python objects.
"""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed, kind_of, read_bytes, read_text
from latchwork.datasets.long import Coded, Long, assemble, in_time_order
from latchwork.datasets.roles import ROW_NUMBERS, TIME, Columns, assign, place_of
from latchwork.datasets.sequences import pad
from latchwork.transforms.frames import compare

SUFFIXES = (".csv", ".tsv", ".txt")

_ROWS_PER_BLOCK = 1 << 12  # larger ones leave the processor cache, and take twice the time
HEADER_BYTES = 1 << 20  # in which the first line must end
ANY_COLUMNS = Columns()


class _Block(NamedTuple):
    """Some rows, as columns, and the lines of the file on which they stand."""

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]


class _Table(NamedTuple):
    header: list[str]
    blocks: Iterator[_Block]


def parse_long(path: Path, *, numbers: bool, asked: Columns = ANY_COLUMNS, steps: bool = False) -> Parsed:
    """Read `series, time, features..., label`: one row a time step; columns are found by name, any order.

    Rows of a series may be anywhere in the file and are put in the order of `time`; without that column they stay in
    the order of the file. `label` has the same value in all rows of a series (with `steps` one of its own in each), and
    may be absent.
    """
    header, blocks = _open(path)
    roles = assign(header, asked)
    if roles.series is None:
        raise InputError(
            f"the header is {', '.join(header)[:200]}: expected series, time, features..., label "
            "(a column `series`, or --series NAME, says which rows belong together)"
        )
    codes: dict[str, int] = {}
    label_codes: dict[str, int] = {}
    code_blocks: list[np.ndarray] = []
    label_blocks: list[np.ndarray] = []
    time_blocks: list[np.ndarray] = []
    value_blocks: list[np.ndarray] = []
    for lines, columns in blocks:
        code_blocks.append(_coded(columns[roles.series], codes, header[roles.series], lines))
        value_blocks.append(_values(columns, list(roles.features), header, lines))
        if roles.time is not None:
            time_blocks.append(_times(columns[roles.time], header[roles.time], lines))
        if roles.label is not None:
            label_blocks.append(_coded(columns[roles.label], label_codes, header[roles.label], lines))
    if not code_blocks:
        raise InputError("there is no row after the header")
    labels = Coded(np.concatenate(label_blocks), list(label_codes)) if label_blocks else None
    rows = Long(header, roles, Coded(np.concatenate(code_blocks), list(codes)), np.concatenate(value_blocks),
                _joined(time_blocks, header, roles.time), labels)  # fmt: skip
    return assemble(rows, numbers=numbers, asked=asked, steps=steps)


def all_texts(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header, and all columns as texts."""
    header, blocks = _open(path)
    found: list[list[str]] = [[] for _ in header]
    for _, block in blocks:
        for whole, part in zip(found, block, strict=True):
            whole.extend(part)
    if not found[0]:
        raise InputError("there is no row after the header")
    return header, found


def header_of(path: Path) -> list[str]:
    """The names in the first line, without reading the rest."""
    beginning = io.StringIO(read_bytes(path, HEADER_BYTES).decode("utf-8-sig", "replace"), newline=None)
    first = next((line for line in beginning if line.strip()), "")
    row = next(csv.reader([first], delimiter=_separator(first), skipinitialspace=True), [])
    return [name.strip() for name in row]


def parse_class_folders(folders: list[Path], asked: Columns = ANY_COLUMNS) -> Parsed:
    """Read one CSV file a sequence (one row a time step) from folders that are named like the classes."""
    files = [file for folder in folders for file in csv_files(folder)]
    if not files:
        raise InputError("its sub-folders hold no CSV files: expected one sub-folder of CSV files for each class")
    labels = np.array([file.parent.name for file in files])
    return parse_files(files, asked)._replace(
        labels=labels, names=tuple(f"{file.parent.name}/{file.name}" for file in files)
    )


def parse_files(files: list[Path], asked: Columns = ANY_COLUMNS) -> Parsed:
    """Read one CSV file a sequence, without labels."""
    sequences: list[np.ndarray] = []
    features: list[str] = list(asked.known or ())
    for file in files:
        try:
            found, values = _one_sequence(file, asked)
            if features and found != features:
                compare(found, features, "it")
                values = values[:, [found.index(name) for name in features]]
        except InputError as error:
            raise InputError(f"{file.parent.name}/{file.name}: {error}") from None
        features = features or found
        sequences.append(values)
    inputs, lengths = pad(sequences)
    return Parsed(inputs, lengths, None, tuple(features), tuple(file.name for file in files))


def csv_files(folder: Path) -> list[Path]:
    """The CSV files of a folder in the order of their names, hidden ones left out."""
    return sorted(file for file in folder.iterdir() if kind_of(file) in SUFFIXES and not file.name.startswith("."))


def _one_sequence(path: Path, asked: Columns) -> tuple[list[str], np.ndarray]:
    header, blocks = _open(path, header_may_be_absent=True)
    time_column = _find(header, (asked.time.lower(),) if asked.time else TIME)
    ignored = {place_of(header, name, "--ignore") for name in asked.ignore}
    if asked.features is not None:
        features = [place_of(header, name, "--features") for name in asked.features]
    else:
        features = [column for column in range(len(header)) if column != time_column and column not in ignored]
    if not features:
        raise InputError("there is no column for a feature")
    times: list[np.ndarray] = []
    values: list[np.ndarray] = []
    for lines, columns in blocks:
        values.append(_values(columns, features, header, lines))
        if time_column is not None:
            times.append(_times(columns[time_column], header[time_column], lines))
    if not values:
        raise InputError("there is no row after the header")
    sequence = np.concatenate(values)
    counted = np.arange(len(sequence))
    for place in [at for at, column in enumerate(features) if header[column].lower() in ROW_NUMBERS]:
        if len(features) > 1 and asked.features is None and (sequence[:, place] - counted == sequence[0, place]).all():
            features.pop(place)
            sequence = np.delete(sequence, place, axis=1)
    if time_column is not None:
        moments = _joined(times, header, time_column)
        assert moments is not None
        sequence = sequence[in_time_order(np.zeros(len(sequence), np.int64), moments, [path.name], header[time_column])]
    return [header[column] for column in features], sequence


def _open(path: Path, *, header_may_be_absent: bool = False) -> _Table:
    text = read_text(path)
    first = text.readline()
    while not first.strip():
        first = text.readline()
    text.seek(0)
    rows = _numbered_rows(text, _separator(first))
    line, header = next(rows)
    header = [name.strip() for name in header]
    if header_may_be_absent and all(map(_is_number, header)):
        rows = itertools.chain([(line, header)], rows)
        header = [f"column {place}" for place in range(1, len(header) + 1)]
    lowered = [name.lower() for name in header]
    if len(set(lowered)) != len(lowered):
        twice = next(name for name in lowered if lowered.count(name) > 1)
        raise InputError(f"the header has the column {twice!r} twice")
    return _Table(header, _blocks(rows, len(header)))


def _separator(line: str) -> str:
    return max(",;\t| ", key=lambda mark: (line.count(mark) > 0, mark != " ", line.count(mark)))


def _numbered_rows(text: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line on which it stands; blank lines separate nothing."""
    reader = csv.reader(text, delimiter=separator, skipinitialspace=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: {error}") from None


def _blocks(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[_Block]:
    while block := list(itertools.islice(rows, _ROWS_PER_BLOCK)):
        for line, row in block:
            if len(row) != width:
                raise InputError(f"line {line} has {len(row)} cells, the header has {width}")
        yield _Block([line for line, _ in block], list(zip(*(row for _, row in block), strict=True)))


def _find(header: list[str], names: tuple[str, ...]) -> int | None:
    lowered = [name.lower() for name in header]
    return next((lowered.index(name) for name in names if name in lowered), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _coded(column: Sequence[str], codes: dict[str, int], name: str, lines: Sequence[int]) -> np.ndarray:
    """Each text as a number, new ones numbered in the order in which they appear."""
    if "" in column:
        raise InputError(f"line {lines[column.index('')]}: the column {name!r} is empty")
    return np.array([codes.setdefault(text, len(codes)) for text in column])


def _values(
    columns: Sequence[Sequence[str]], features: list[int], header: list[str], lines: Sequence[int]
) -> np.ndarray:
    """[row, feature] of finite numbers."""
    values = np.empty((len(columns[0]), len(features)))
    for place, column in enumerate(features):
        try:
            values[:, place] = list(map(float, columns[column]))
        except ValueError:
            row = next(row for row, text in enumerate(columns[column]) if not _is_number(text))
            raise InputError(_bad_cell(columns[column][row], lines[row], header[column])) from None
        if not np.isfinite(values[:, place]).all() or "_" in "".join(columns[column]):
            row = next(row for row, text in enumerate(columns[column]) if "_" in text or not np.isfinite(float(text)))
            raise InputError(_bad_cell(columns[column][row], lines[row], header[column]))
    return values


def _bad_cell(text: str, line: int, name: str) -> str:
    text = text.strip()
    if text.lower() in ("", "?", "na", "nan", "null", "none"):
        return f"line {line}, column {name!r}: the value is missing ({text!r}): fill or remove it first"
    if _is_number(text.replace(",", ".", 1)) and "," in text:
        return f"line {line}, column {name!r}: got {text!r}; write decimal points, not commas"
    return f"line {line}, column {name!r}: got {text[:40]!r} where a finite number belongs"


def _times(column: Sequence[str], name: str, lines: Sequence[int]) -> np.ndarray:
    """Numbers, or ISO dates as datetime64."""
    try:
        times = np.array(list(map(float, column)))
    except ValueError:
        try:
            times = np.array([text.strip().removesuffix("Z") for text in column], "datetime64[us]")
        except ValueError:
            raise InputError(
                f"line {lines[0]} or after, column {name!r}: expected numbers or ISO dates such as 2024-01-31"
            ) from None
    missing = np.flatnonzero(~np.isfinite(times))
    if missing.size:
        raise InputError(f"line {lines[missing[0]]}, column {name!r}: the time is missing")
    return times


def _joined(times: list[np.ndarray], header: list[str], column: int | None) -> np.ndarray | None:
    if column is None:
        return None
    if len({block.dtype.kind for block in times}) > 1:
        raise InputError(f"the column {header[column]!r} mixes numbers and dates")
    return np.concatenate(times)
