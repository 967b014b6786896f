"""Every form in which people keep labelled sequences: the same sequences come out of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.io import savemat

from latchwork import datasets
from latchwork.core.errors import InputError
from latchwork.datasets import Columns

X = np.arange(24, dtype=np.float64).reshape(3, 4, 2) / 8
Y = np.array(["a", "b", "a"])
ONE = X[..., :1]


def same(data: Any, inputs: np.ndarray = X, labels: Any = Y) -> Any:
    np.testing.assert_allclose(data.inputs, inputs)
    assert data.labels.tolist() == list(labels)
    return data


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(("name", "separator"), [("A_TRAIN.tsv", "\t"), ("A_TRAIN.txt", "  "), ("A_TRAIN.csv", ",")])
def test_ucr_text(tmp_path: Path, name: str, separator: str):
    lines = [separator.join(map(str, [label, *row])) for label, row in zip([1.0, 2.0, 1.0], ONE[..., 0], strict=True)]
    same(datasets.read(write(tmp_path / name, "\n".join(lines)), "train"), ONE, ["1", "2", "1"])
    shorter = lines[0].rpartition(separator)[0] + separator + "NaN"
    data = datasets.read(write(tmp_path / name, "\n".join([shorter, *lines[1:]])), "train")
    assert data.lengths.tolist() == [3, 4, 4]
    inner = lines[0].split(separator)
    inner[2] = "nan"
    with pytest.raises(InputError, match="line 1: the value at step 1 is missing"):
        datasets.read(write(tmp_path / name, separator.join(inner) + "\n" + "\n".join(lines[1:])))
    with pytest.raises(InputError, match=r"line 1 begins with 0\.5: without a header the class comes first"):
        datasets.read(write(tmp_path / name, "\n".join(["0.5" + line[3:] for line in lines])))
    assert datasets.read(tmp_path / name, target="number").labels.tolist() == [0.5, 0.5, 0.5]


def test_wide_tables(tmp_path: Path):
    frame = pd.DataFrame({f"{name}_{t}": X[:, t, at] for at, name in enumerate("pq") for t in range(4)})
    frame = frame.assign(label=Y, note="x")[["q_0", "label", *[c for c in frame if c != "q_0"], "note"]]
    frame.to_csv(tmp_path / "w.csv")  # with the row numbers that pandas writes
    frame.to_parquet(tmp_path / "w.parquet")
    for source in (
        tmp_path / "w.csv",
        tmp_path / "w.parquet",
        frame,
        pl.from_pandas(frame),
        pa.Table.from_pandas(frame),
    ):
        data = datasets.read(source)
        order = [data.feature_names.index(name) for name in "pq"]
        np.testing.assert_allclose(data.inputs[..., order], X)
        assert data.labels.tolist() == Y.tolist() and "left out: " in data.notes[0] and "note" in data.notes[0]
    plain = pd.DataFrame(ONE[..., 0], columns=[f"t{t}" for t in range(4)]).assign(kind=Y)
    same(datasets.read(plain, columns=Columns(label="kind")), ONE)
    with pytest.raises(InputError, match="different numbers of steps: q 3, p 4"):
        datasets.read(frame.drop(columns="q_3"))


def test_long_frames_and_parquet(tmp_path: Path):
    rows = [(s, t, *X[s, t], Y[s]) for s in range(3) for t in reversed(range(4))]
    frame = pd.DataFrame(rows, columns=["id", "when", "p", "q", "class"])
    frame.to_parquet(tmp_path / "l.parquet")
    asked = Columns(time="when")
    for source in (tmp_path / "l.parquet", frame, pl.from_pandas(frame), frame.set_index(["id", "when"])):
        data = same(datasets.read(source, columns=asked))
        assert data.feature_names == ("p", "q")
    dated = frame.assign(when=pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["when"], unit="D"))
    same(datasets.read(dated, columns=asked))
    frame.loc[3, "q"] = None
    with pytest.raises(InputError, match="row 3, column 'q': the value is missing"):
        datasets.read(frame, columns=asked)


def test_a_long_table_whose_features_have_numbers_is_no_wide_one(tmp_path: Path):
    rows = [(s, *X[s, t], Y[s]) for s in range(3) for t in range(4)]
    frame = pd.DataFrame(rows, columns=["series", "acc1", "acc2", "label"])
    frame.to_csv(tmp_path / "l.csv", index=False)
    for source in (tmp_path / "l.csv", frame):
        assert same(datasets.read(source)).feature_names == ("acc1", "acc2")


ARFF = "@relation r\n@attribute t0 numeric\n@attribute t1 numeric\n@attribute target {a,b}\n@data\n1,2,a\n3,?,b\n"
RELATIONAL = """@relation r
@attribute bag relational
@attribute t0 numeric
@attribute t1 numeric
@end bag
@attribute class {a,b}
@data
'1,2\\n3,4',a
'5,6\\n7,8',b
"""


def test_arff(tmp_path: Path):
    data = datasets.read(write(tmp_path / "u.arff", ARFF))
    assert data.lengths.tolist() == [2, 1] and data.inputs[0, :, 0].tolist() == [1, 2]
    same(datasets.read(write(tmp_path / "m.arff", RELATIONAL)), np.array([[[1, 3], [2, 4]], [[5, 7], [6, 8]]]), "ab")
    with pytest.raises(InputError, match="line 6: got 'x' where a number belongs"):
        datasets.read(write(tmp_path / "bad.arff", ARFF.replace("1,2,a", "x,2,a")))
    with pytest.raises(InputError, match="there is no line @data"):
        datasets.read(write(tmp_path / "bad.arff", "@relation r\n"))


def test_uci_har(tmp_path: Path):
    for part, rows in (("train", X), ("test", X[:2])):
        for at, name in enumerate(("body_acc_x", "body_acc_y")):
            text = "\n".join(" ".join(f"{value:e}" for value in row) for row in rows[..., at])
            write(tmp_path / part / "Inertial Signals" / f"{name}_{part}.txt", text)
        write(tmp_path / part / f"y_{part}.txt", "1\n2\n1\n"[: 2 * len(rows)])
    write(tmp_path / "activity_labels.txt", "1 WALKING\n2 SITTING\n")
    data = same(datasets.read(tmp_path, "train"), X, ["WALKING", "SITTING", "WALKING"])
    assert data.feature_names == ("body_acc_x", "body_acc_y")
    assert len(datasets.read(tmp_path, "test")) == 2 and len(datasets.read(tmp_path / "test")) == 2


def test_hdf5_and_mat(tmp_path: Path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["inner/X"], file["inner/y"] = X, [0, 1, 0]
    same(datasets.read(tmp_path / "d.h5"), X, [0, 1, 0])
    savemat(tmp_path / "d.mat", {"X": X, "y": np.array([[1], [2], [1]])})
    same(datasets.read(tmp_path / "d.mat"), X, [1, 2, 1])
    savemat(tmp_path / "d.mat", {"X": X, "y": np.array(["a", "b", "a"], object)})
    same(datasets.read(tmp_path / "d.mat"))
    for name in ("bad.h5", "bad.mat"):
        (tmp_path / name).write_bytes(b"\x00" * 600)
        with pytest.raises(InputError, match="not a sound"):
            datasets.read(tmp_path / name)


def test_layouts_of_other_libraries():
    same(datasets.from_layout(X.transpose(0, 2, 1), Y, "numpy3D"))
    same(datasets.from_layout(X.transpose(1, 0, 2), Y, "time-first"))
    same(datasets.from_layout(ONE[..., 0], Y, "numpyflat"), ONE)
    ragged = datasets.from_layout([row.T[:, : 2 + at] for at, row in enumerate(X)], Y, "np-list")
    assert ragged.lengths.tolist() == [2, 3, 4]
    with pytest.raises(InputError, match="numpyflat has 2 axes"):
        datasets.from_layout(X, Y, "numpyflat")


def test_what_cannot_be_read_is_told_what_can(tmp_path: Path):
    with pytest.raises(InputError, match=r"expected .*\.arff.*wide one.*Parquet.*HAR"):
        datasets.read(write(tmp_path / "a.xyz", "1"))
