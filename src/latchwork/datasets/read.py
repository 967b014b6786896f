"""One door to every format that `latchwork classify` reads."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets import arff, arrays, arrays_elsewhere, frames, har, idx, tables, ts, wide
from latchwork.datasets.files import Parsed, kind_of
from latchwork.datasets.roles import Columns
from latchwork.datasets.sequences import SequenceData, loses_digits
from latchwork.transforms.frames import is_frame
from latchwork.transforms.labels import as_labels
from latchwork.transforms.scaling import real_steps
from latchwork.transforms.sequences import Sequences, as_sequences

Split = Literal["train", "test"]
Target = Literal["class", "number", "steps", "labels"]

_EXPECTED = (
    "expected a folder of idx files, an .npz file, a pair X.npy and y.npy, a .ts or .arff file, a long table "
    "(series, time, features..., label) or a wide one (label, t0, t1, ...) as CSV or Parquet, .tsv or .txt of the UCR "
    "archive, .h5 or .mat with X and y, UCI's HAR folder, or a folder with one sub-folder of CSV files for each class"
)
_PART = re.compile(r"(?:^|[-_. ])(train|test|t10k)(?=[-_. ]|$)", re.IGNORECASE)
_IDX = re.compile(r"idx\d", re.IGNORECASE)
_X = re.compile(r"(?:(?<=_)|^)x(?=_|$)", re.IGNORECASE)
_SINGLE_FILES = (".ts", ".arff", ".npz", ".h5", ".hdf5", ".mat", ".parquet", *tables.SUFFIXES)


def read(
    path: str | os.PathLike[str] | Any,
    split: Split | None = None,
    *,
    labels_required: bool = True,
    target: Target = "class",
    columns: Columns = tables.ANY_COLUMNS,
) -> SequenceData:
    """Read labelled sequences from a file or folder of any known format.

    Formats: a folder of idx files (as MNIST's, plain or gzipped); `.npz`, HDF5 or `.mat` (`X`, `y`, optional
    `lengths`); `.npy` files beside each other (`X.npy`, `y.npy`, or `NAME_X.npy`, `NAME_y.npy`); `.ts`, `.arff`, `.tsv`
    and `.txt` of the UCR and UEA archives; a long table (`series, time, features..., label`) or a wide one (`label, t0,
    t1, ...`) as CSV, Parquet or a frame of pandas, polars or pyarrow; UCI's HAR folder; a folder with one sub-folder of
    CSV files for each class; where no labels are required, a folder of CSV files. Where a folder or `.npz` holds both
    parts, their names say which is which: `train`, `test` or `t10k`. `NAME` stands for the pair `NAME_TRAIN.ts`,
    `NAME_TEST.ts`.

    Args:
        path: the file or folder, or a frame.
        split: the part to read where there are two; a file that is named itself is read as it is. `"train"`
            also demands at least two classes.
        labels_required: refuse data without labels.
        target: what the labels are: classes, numbers to predict, a class at every step (`steps`), or 0 and 1 of several
            labels (`labels`).
        columns: of a table: which column is what, where their names do not say so.

    Returns:
        The sequences.

    Raises:
        InputError: in one line, what cannot be used, where it is and what to do.

    Example:
        >>> read("sequences/JapaneseVowels_TRAIN.ts").inputs.shape  # doctest: +SKIP
        (270, 26, 12)
    """
    if is_frame(path):
        parsed = frames.parse_frame(path, numbers=target == "number", asked=columns, steps=target == "steps")
        return checked(parsed, "the frame", split, required=labels_required, target=target)
    try:
        parsed = _parse(Path(path), split, target, labels_required, columns)
        return checked(parsed, str(path), split, required=labels_required, target=target)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def checked(
    parsed: Parsed, source: str, split: Split | None, *, required: bool, target: Target = "class"
) -> SequenceData:
    """What a reader found, checked as a whole; raises `InputError`."""
    inputs, lengths = _as_stored(parsed)
    if lengths is not None and (lengths == inputs.shape[1]).all():
        lengths = None
    labels = None if parsed.labels is None else _labels(parsed.labels, target)
    if labels is None and required:
        raise InputError("it has no labels: give one label (y) for each sequence")
    if labels is not None and len(labels) != len(inputs):
        raise InputError(f"it has {len(inputs)} sequences and {len(labels)} labels: one for each is needed")
    if labels is not None and split == "train" and target == "class" and len(np.unique(labels)) < 2:
        raise InputError(f"all its {len(labels)} sequences have the label {labels[0]}: nothing can be told apart")
    names = parsed.feature_names or tuple(f"feature {place + 1}" for place in range(inputs.shape[2]))
    return SequenceData(
        inputs,
        lengths,
        labels,
        names,
        source,
        parsed.names,
        parsed.notes,
        parsed.feature_names is None,
        parsed.columns,
    )


def _as_stored(parsed: Parsed) -> Sequences:
    """Checked, and in float32 unless that would lose what counts."""
    exact = as_sequences(parsed.inputs, parsed.lengths, exact=True)
    steps = exact.inputs
    if steps.dtype != np.float32:
        real = np.ones(steps.shape[:2], bool) if exact.lengths is None else real_steps(steps.shape[1], exact.lengths)
        low = steps.min(axis=(0, 1), where=real[..., None], initial=np.inf)
        high = steps.max(axis=(0, 1), where=real[..., None], initial=-np.inf)
        if loses_digits(low, high):
            inputs = steps.astype(np.float64) if exact.lengths is None else np.where(real[..., None], steps, 0.0)
            return Sequences(inputs, exact.lengths)
    return as_sequences(parsed.inputs, parsed.lengths)


def _labels(labels: np.ndarray, target: Target) -> np.ndarray:
    if target == "class":
        return as_labels(labels)
    if target in ("steps", "labels"):
        if labels.ndim != 2:
            expected = "(sequence, step)" if target == "steps" else "(sequence, label)"
            raise InputError(f"got labels of shape {labels.shape}, expected {expected}")
        return labels
    if labels.ndim != 1 or labels.dtype.kind not in "iuf" or not np.isfinite(labels).all():
        raise InputError(f"got y of shape {labels.shape} and type {labels.dtype}: expected finite numbers (batch,)")
    return labels.astype(np.float64)


def _parse(path: Path, split: Split | None, target: Target, required: bool, columns: Columns) -> Parsed:
    if path.is_dir():
        return _parse_folder(path, split, target, required, columns)
    if path.is_file():
        return _parse_file(path, split, target, columns)
    pair = re.compile(re.escape(path.name) + r"_(train|test)", re.IGNORECASE)
    if path.parent.is_dir():
        found = [file for file in _files(path.parent) if pair.fullmatch(file.name.partition(".")[0])]
        if found:
            return _parse_file(_part(found, split), split, target, columns)
    raise InputError("there is no such file or folder" if not path.exists() else "it is not a file or folder")


def _parse_file(path: Path, split: Split | None, target: Target, columns: Columns) -> Parsed:
    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise InputError("the file is empty")
    if _IDX.search(path.name):
        return _parse_idx(path)
    if kind == ".npz":
        return arrays.parse_npz(path, split)
    if kind == ".npy":
        return _parse_npy(path)
    if kind == ".ts":
        return ts.parse(path, numbers=target == "number")
    if kind == ".arff":
        return arff.parse(path, numbers=target == "number")
    if kind in (".h5", ".hdf5", ".hdf"):
        return arrays_elsewhere.parse_hdf5(path, split)
    if kind == ".mat":
        return arrays_elsewhere.parse_mat(path, split)
    if kind in (".parquet", ".pq"):
        return frames.parse_parquet(path, numbers=target == "number", asked=columns, steps=target == "steps")
    if kind in tables.SUFFIXES:
        return _parse_table(path, target, columns)
    raise InputError(f"unknown format {kind or 'without an ending'!r}: {_EXPECTED}")


def _parse_table(path: Path, target: Target, columns: Columns) -> Parsed:
    """Long, wide, or the UCR archive's: the first line says which."""
    if wide.is_ucr(path):
        return wide.parse_ucr(path, numbers=target == "number")
    if wide.is_wide(tables.header_of(path), columns):
        header, texts = tables.all_texts(path)
        if wide.names_rows(header, texts):
            return wide.parse_wide(header, texts, columns, numbers=target == "number")
    return tables.parse_long(path, numbers=target == "number", asked=columns, steps=target == "steps")


def _parse_folder(folder: Path, split: Split | None, target: Target, required: bool, columns: Columns) -> Parsed:
    if har.is_har(folder):
        return har.parse(folder, split)
    parts = [part for part in ("train", "test") if (folder / part).is_dir()]
    if parts:
        part = split or parts[0]
        if part not in parts:
            raise InputError(f"it has no folder {part}")
        if split is None and len(parts) > 1:
            raise InputError("it has a train and a test part: say which one to read")
        return _parse_folder(folder / part, split, target, required, columns)

    files = _files(folder)
    idx_inputs = [file for file in files if _IDX.search(file.name) and "label" not in file.name.lower()]
    npy_inputs = [file for file in files if kind_of(file) == ".npy" and _X.search(file.stem)]
    single = [file for file in files if kind_of(file) in _SINGLE_FILES and not _is_prose(file)]
    if not required and len(single) > 1 and single == tables.csv_files(folder) and not any(map(_part_named, single)):
        return tables.parse_files(single, columns)
    for candidates in (idx_inputs, npy_inputs, single):
        if candidates:
            return _parse_file(_part(candidates, split), split, target, columns)
    folders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise InputError(f"nothing in this folder can be read: {_EXPECTED}")
    if target != "class":
        raise InputError("folders name classes of whole sequences")
    return tables.parse_class_folders(folders, columns)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def _is_prose(file: Path) -> bool:
    return file.stem.lower() in ("readme", "license", "licence", "attribution", "description")


def _part(candidates: list[Path], split: Split | None) -> Path:
    """The one file of this part, by its name."""
    part_of = {file: _part_named(file) for file in candidates}
    chosen = candidates
    if split is not None and any(part_of.values()):
        chosen = [file for file in candidates if part_of[file] == split]
        if not chosen:
            names = ", ".join(file.name for file in candidates)
            raise InputError(f"it has no {split} part: it holds {names[:200]}")
    if len(chosen) > 1:
        names = ", ".join(file.name for file in chosen)
        which = "the train or the test part" if set(part_of.values()) == {"train", "test"} else "one file"
        raise InputError(f"it holds {names[:200]}: say which, {which}")
    return chosen[0]


def _part_named(file: Path) -> str:
    found = _PART.search(file.name)
    return "" if found is None else found[1].lower().replace("t10k", "test")


def _parse_idx(path: Path) -> Parsed:
    """The labels of `train-images-idx3-ubyte.gz` are the one idx file with `label` in its name and the same
    part."""
    inputs = path
    stem = _IDX.split(re.sub("images", "labels", path.name, flags=re.IGNORECASE))[0].lower()
    same = [file for file in _files(path.parent) if _IDX.search(file.name) and "label" in file.name.lower()]
    labels = [file for file in same if file.name.lower().startswith(stem)] or [
        file for file in same if _part_named(file) == _part_named(path)
    ]
    if len(labels) > 1:
        names = ", ".join(file.name for file in labels)
        raise InputError(f"{names} could all hold the labels of {path.name}: leave one")
    return idx.parse(inputs, labels[0] if labels else None)


def _parse_npy(path: Path) -> Parsed:
    if not _X.search(path.stem):
        raise InputError("sequences are in a file X.npy or NAME_X.npy, labels in y.npy or NAME_y.npy beside it")
    beside = {file.name.lower(): file for file in _files(path.parent)}
    labels, lengths = (beside.get(_X.sub(name, path.stem, count=1).lower() + ".npy") for name in ("y", "lengths"))
    return arrays.parse_npy(path, labels, lengths)
