"""Every format that `datasets.read` knows: what comes out, and how each kind of bad data is refused."""

import gzip
import io
import random
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from latchwork import datasets
from latchwork.core.errors import InputError
from latchwork.datasets.idx import read_idx

IDX_CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}

X = np.arange(24, dtype="float32").reshape(4, 3, 2)
Y = np.array([0, 1, 0, 1])

TS = """# a comment
@problemName Made
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength false
@classLabel true a b
@data
1,2,3:4,5,6:a
7,8:9,10:b
"""

LONG = """series,time,x,y1,label
one,2,3,30,a
two,1,4,40,b
one,1,1,10,a
two,2,5,50,b
two,3,6,60,b
"""


def idx_bytes(array: np.ndarray) -> bytes:
    code = IDX_CODES[array.dtype.str.replace("|", "")]
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


def npz(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def text(folder: Path, content: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def refused(path: Path | str, *args, **options) -> str:
    with pytest.raises(InputError) as caught:
        datasets.read(path, *args, **options)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


# idx


@pytest.mark.parametrize("code", IDX_CODES)
@pytest.mark.parametrize("packed", [False, True])
def test_idx_of_every_type_plain_and_gzipped(tmp_path: Path, code: str, packed: bool):
    array = np.arange(24).reshape(4, 3, 2).astype(code)
    content = idx_bytes(array)
    path = tmp_path / "a-idx3"
    path.write_bytes(gzip.compress(content) if packed else content)
    np.testing.assert_array_equal(read_idx(path), array)


@given(
    npst.arrays(
        st.sampled_from(list(IDX_CODES)),
        npst.array_shapes(max_dims=4, max_side=4),
        elements={"allow_nan": False},
    )
)
def test_idx_round_trip(tmp_path_factory, array: np.ndarray):
    path = tmp_path_factory.mktemp("idx") / "a-idx3"
    path.write_bytes(idx_bytes(array))
    np.testing.assert_array_equal(read_idx(path), array)


def mnist_like(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for part, count in (("train", 5), ("t10k", 3)):
        images = generator.integers(0, 256, (count, 4, 3), dtype="uint8")
        images[0, 0, 0] = 255
        labels = np.arange(count, dtype="uint8")
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))


def test_a_folder_of_idx_files_has_two_parts(tmp_path: Path):
    mnist_like(tmp_path)
    train, test = datasets.read(tmp_path, "train"), datasets.read(tmp_path, "test")
    assert train.inputs.shape == (5, 4, 3) and test.inputs.shape == (3, 4, 3)
    assert train.inputs.dtype == np.float32 and train.inputs.max() == 1
    assert train.labels.tolist() == [0, 1, 2, 3, 4] and test.labels.tolist() == [0, 1, 2]
    assert train.notes == ("pixels 0..255 were scaled to 0..1",)
    assert train.fingerprint != test.fingerprint
    assert "say which" in refused(tmp_path)
    alone = datasets.read(tmp_path / "t10k-images-idx3-ubyte.gz")
    assert alone.fingerprint == test.fingerprint


def test_idx_sequences_of_other_types_keep_their_values(tmp_path: Path):
    values = np.array([[[1.5, -2.0]], [[300.0, 4.0]]], ">f4")
    (tmp_path / "gait-idx3-float").write_bytes(idx_bytes(values))
    (tmp_path / "gait-labels-idx1").write_bytes(idx_bytes(np.array([7, 9], ">i4")))
    data = datasets.read(tmp_path, "train")
    np.testing.assert_array_equal(data.inputs, values)
    assert data.labels.tolist() == [7, 9] and not data.notes


def test_bad_idx_files(tmp_path: Path):
    images = idx_bytes(np.zeros((4, 2, 2), "u1"))
    path = tmp_path / "train-images-idx3-ubyte"
    cases = {
        b"": "empty",
        b"\0\0": "not an idx file",
        b"PNG" + images: "not an idx file",
        images[:-1]: "declares 32 bytes",
        images + b"\0": "holds more",
        images[:8]: "truncated or damaged",
        b"\0\0\x08\x03" + b"\xff" * 12: "truncated or damaged",
        b"\0\0\x08\x03" + struct.pack(">III", 0, 2, 2): "nothing in it",
        gzip.compress(images)[:-9]: "damaged",
        gzip.compress(images)[:20] + b"\0\0\0\0" + gzip.compress(images)[24:]: "damaged",
    }
    for content, reason in cases.items():
        path.write_bytes(content)
        assert reason in refused(tmp_path, labels_required=False)
    path.write_bytes(images)
    assert "it has no labels" in refused(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(3, "u1")))
    assert "4 sequences and 3 labels" in refused(tmp_path)
    assert "no test part" in refused(tmp_path, "test")


# npz and npy


def test_npz(tmp_path: Path):
    data = datasets.read(npz(tmp_path, X=X, y=Y, lengths=[3, 1, 2, 3]), "train")
    assert data.lengths.tolist() == [3, 1, 2, 3] and data.lengths.dtype == np.int32
    assert not data.inputs[1, 1:].any() and data.inputs[1, 0].tolist() == [6, 7]
    assert len(data) == 4 and data.feature_names == ("feature 1", "feature 2")


def test_npz_with_two_parts_and_small_names(tmp_path: Path):
    path = npz(tmp_path, x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    assert len(datasets.read(path, "train")) == 4 and len(datasets.read(path, "test")) == 2
    assert "say which" in refused(path)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"X": X[..., 0], "y": Y}, "got X of shape (4, 3): a batch of sequences is (batch, time, features); "
         "for one feature use X[..., None]"),
        ({"X": X[None], "y": Y}, "got X of shape (1, 4, 3, 2)"),
        ({"X": X[:0], "y": Y[:0]}, "there is nothing in it"),
        ({"X": X, "y": Y[:3]}, "4 sequences and 3 labels"),
        ({"X": X, "y": np.eye(4)}, "use y.argmax(axis=1)"),
        ({"X": X, "y": Y[:, None]}, "use y[:, 0]"),
        ({"X": X, "y": Y * 0}, "all its 4 sequences have the label 0"),
        ({"X": X, "y": Y + 0.5}, "the label 0.5 has a fraction"),
        ({"X": X, "y": np.array([0, np.nan, 1, 1])}, "the label of row 1 is missing"),
        ({"X": X, "y": Y * 1j}, "got complex128"),
        ({"X": np.where(X == 9, np.nan, X), "y": Y}, "X[1, 1, 1] is missing (1 such values"),
        ({"X": np.where(X == 9, np.inf, X), "y": Y}, "X[1, 1, 1] is infinite"),
        ({"X": X.astype("f8") * 1e40, "y": Y}, "too large for float32"),
        ({"X": X.astype(str), "y": Y}, "X holds <U32 where numbers belong"),
        ({"X": X, "y": Y, "lengths": [3, 3]}, "got lengths of shape (2,)"),
        ({"X": X, "y": Y, "lengths": [3, 0, 1, 1]}, "lengths[1] is 0: expected 1 to 3"),
        ({"X": X, "y": Y, "lengths": [3, 4, 1, 1]}, "lengths[1] is 4"),
        ({"X": X, "y": Y, "lengths": [3, 1.5, 1, 1]}, "expected 4 whole numbers"),
        ({"X": X}, "it has no labels"),
        ({"a": X, "b": Y}, "it holds a, b: expected X, y"),
    ],
)  # fmt: skip
def test_bad_npz_files(tmp_path: Path, arrays: dict, reason: str):
    assert reason in refused(npz(tmp_path, **arrays), "train")


def test_python_objects_are_never_loaded(tmp_path: Path):
    path = tmp_path / "data.npz"
    np.savez(path, X=X, y=np.array(["a", 1, None, object()], object))
    assert "could run code" in refused(path)


def test_a_missing_value_after_the_end_of_a_sequence_does_no_harm(tmp_path: Path):
    values = X.copy()
    values[1, 2] = np.nan
    data = datasets.read(npz(tmp_path, X=values, y=Y, lengths=[3, 2, 3, 3]))
    assert np.isfinite(data.inputs).all()


@pytest.mark.parametrize("names", [("X", "y"), ("gait_X", "gait_y"), ("X_train", "y_train")])
def test_npy_pairs(tmp_path: Path, names: tuple[str, str]):
    np.save(tmp_path / f"{names[0]}.npy", X)
    np.save(tmp_path / f"{names[1]}.npy", np.array(["a", "b", "a", "b"]))
    for path in (tmp_path, tmp_path / f"{names[0]}.npy"):
        data = datasets.read(path, "train")
        assert data.labels.tolist() == ["a", "b", "a", "b"] and data.inputs.shape == X.shape
    assert "labels in y.npy" in refused(tmp_path / f"{names[1]}.npy")


# .ts


def test_ts_with_several_dimensions_and_lengths(tmp_path: Path):
    data = datasets.read(text(tmp_path, TS, "Made_TRAIN.ts"), "train")
    assert data.inputs.tolist() == [[[1, 4], [2, 5], [3, 6]], [[7, 9], [8, 10], [0, 0]]]
    assert data.lengths.tolist() == [3, 2] and data.labels.tolist() == ["a", "b"]


def test_ts_headers_in_any_case_univariate_without_labels(tmp_path: Path):
    path = text(tmp_path, "@PROBLEMNAME a\n@TimeStamps FALSE\n@CLASSLABEL false\n@DATA\n1,2\n3,4\n", "a.ts")
    data = datasets.read(path, labels_required=False)
    assert data.inputs[..., 0].tolist() == [[1, 2], [3, 4]] and data.labels is None and data.lengths is None
    assert "no labels" in refused(path)


def test_ts_pair_by_its_name(tmp_path: Path):
    text(tmp_path, TS, "Made_TRAIN.ts")
    text(tmp_path, TS + "1:2:a\n", "Made_TEST.ts")
    for path in (tmp_path, tmp_path / "Made"):
        assert len(datasets.read(path, "train")) == 2 and len(datasets.read(path, "test")) == 3
        assert "say which" in refused(path)


def test_ts_numbers_to_predict(tmp_path: Path):
    path = text(tmp_path, "@targetlabel true\n@data\n1,2:0.5\n3,4:1.5\n", "a.ts")
    assert datasets.read(path, target="number").labels.tolist() == [0.5, 1.5]
    assert "use a SequenceRegressor" in refused(path)


def test_ts_missing_values_are_carried_forward(tmp_path: Path):
    rows = "@missing true\n@classLabel true a b\n@data\n1,?,?,4:?,?,7,8:a\n?,?:5,NaN:b\n"
    data = datasets.read(text(tmp_path, rows, "a.ts"), "train")
    assert data.inputs[0].T.tolist() == [[1, 1, 1, 4], [7, 7, 7, 8]]
    assert data.inputs[1, :2].T.tolist() == [[0, 0], [5, 5]]
    assert data.notes == (
        "7 missing values were filled with the last value before them in their own sequence; "
        "1 dimensions without any value became zero",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TS.replace("@data", ""), "line 10: a line of the header starts with @"),
        ("@problemName a\n", "there is no line @data"),
        (TS[: TS.index("1,2,3")], "there is no sequence after @data"),
        (TS.replace("@timeStamps false", "@timeStamps true"), "line 3: time stamps are not read"),
        (TS.replace("7,8", "(0,7),(1,8)"), "line 11: time stamps are not read"),
        (TS.replace("7,8", "7,?"), "line 11: the value at step 1, dimension 0 is missing"),
        (TS.replace("7,8", "7,x"), "line 11: dimension 0 holds 'x' where a number belongs"),
        (TS.replace("7,8", "7,"), "line 11: dimension 0 holds '' where a number belongs"),
        (TS.replace("7,8", "7,1e999"), "X[1, 1, 0] is infinite"),
        (TS.replace("7,8", "7"), "line 11: its dimensions have different numbers of values (1, 2)"),
        (TS.replace("7,8:", ""), "line 11: it has 1 dimensions, the sequences before have 2"),
        (TS.replace(":b", ":c"), "line 11: the class is 'c', which @classLabel does not name (a, b)"),
        (TS.replace(":b", ""), "line 11: the class is '9,10'"),
        (TS.replace("7,8:9,10:b", "b"), "line 11: expected values, a colon and a label"),
        (TS.replace("@missing false", "@missing maybe"), "line 4: got 'maybe': expected true or false"),
        (TS.replace(":b", ":a"), "all its 2 sequences have the label a"),
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
    ],
)
def test_bad_ts_files(tmp_path: Path, content: str, reason: str):
    assert reason in refused(text(tmp_path, content, "a.ts"), "train")


# CSV


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_long_csv_in_any_order_with_any_separator(tmp_path: Path, separator: str):
    data = datasets.read(text(tmp_path, LONG.replace(",", separator)), "train")
    assert data.inputs.tolist() == [[[1, 10], [3, 30], [0, 0]], [[4, 40], [5, 50], [6, 60]]]
    assert data.lengths.tolist() == [2, 3] and data.labels.tolist() == ["a", "b"]
    assert data.feature_names == ("x", "y1") and data.names == ("one", "two")


def test_long_csv_as_other_programs_write_it(tmp_path: Path):
    """A byte order mark, Windows line ends, quotes, blank lines, dates, columns in another order and case."""
    content = '\ufeff"Label";"X";"Series";"Time"\r\n"a";"1";"s, 1";"2024-01-02"\r\n\r\n'
    content += '"a";" 2";"s, 1";"2024-01-01T12:00:00Z"\r\n"b";"3";"s2";"2024-01-01"\r\n'
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(content.encode()))
    data = datasets.read(tmp_path / "d.csv.gz", "train")
    assert data.inputs.tolist() == [[[2], [1]], [[3], [0]]] and data.labels.tolist() == ["a", "b"]


def test_long_csv_without_times_keeps_the_order_of_the_file_and_labels_may_be_absent(tmp_path: Path):
    data = datasets.read(text(tmp_path, "series,x\na,3\na,1\nb,2\n"), labels_required=False)
    assert data.inputs[0, :, 0].tolist() == [3, 1] and data.labels is None


def test_long_csv_numbers_to_predict(tmp_path: Path):
    path = text(tmp_path, LONG.replace(",a", ",0.5").replace(",b", ",2"))
    assert datasets.read(path, target="number").labels.tolist() == [0.5, 2]
    assert "'a' is not a number" in refused(text(tmp_path, LONG), target="number")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LONG.replace("series", "who"), "expected series, time, features..., label"),
        ("series,time,label\na,1,b\n", "no column for a feature"),
        ("series,x,x,label\na,1,1,b\n", "the column 'x' twice"),
        (LONG.splitlines()[0], "no row after the header"),
        (LONG.replace("two,2,5,50,b", "two,2,5,b"), "line 5 has 4 cells, the header has 5"),
        (LONG.replace("two,1,4", "\n\ntwo,1,four"), "line 5, column 'x': got 'four' where a finite number"),
        (LONG.replace("two,1,4", "two,1,"), "line 3, column 'x': the value is missing ('')"),
        (LONG.replace("two,1,4", "two,1,NaN"), "line 3, column 'x': the value is missing ('NaN')"),
        (LONG.replace("two,1,4", "two,1,inf"), "line 3, column 'x': got 'inf'"),
        (LONG.replace("two,1,4", "two,1,1_0"), "line 3, column 'x': got '1_0'"),
        (LONG.replace(",", ";").replace("two;1;4", "two;1;4,5"), "write decimal points, not commas"),
        (LONG.replace("two,1,4", ",1,4"), "line 3: the column 'series' is empty"),
        (LONG.replace("two,1,4", "two,soon,4"), "expected numbers or ISO dates"),
        (LONG.replace("two,1,4", "two,nan,4"), "line 3, column 'time': the time is missing"),
        (LONG.replace("two,1,4", "two,2,4"), "series 'two' has two rows for time 2"),
        (LONG.replace("50,b", "50,a"), "series 'two' has the labels 'b' and 'a'"),
        (LONG.replace(",b", ",a"), "all its 2 sequences have the label a"),
        ("", "the file is empty"),
    ],
)
def test_bad_long_csv_files(tmp_path: Path, content: str, reason: str):
    assert reason in refused(text(tmp_path, content), "train")


def test_text_that_is_not_utf8_is_named_by_its_line(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes("series,x,label\na,1,b\na,2,ä\n".encode("latin-1"))
    assert "line 3 is not UTF-8" in refused(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes("series,x\n".encode("utf-16"))
    assert "zero bytes" in refused(tmp_path / "b.csv")


def test_a_folder_for_each_class(tmp_path: Path):
    text(tmp_path, "time,x,z\n2,3,4\n1,1,2\n", "walk/1.csv")
    text(tmp_path, "x;z\n5;6\n", "walk/2.csv")
    text(tmp_path, "x,z\n7,8\n9,10\n11,12\n", "run/1.csv")
    data = datasets.read(tmp_path, "train")
    assert data.names == ("run/1.csv", "walk/1.csv", "walk/2.csv")
    assert data.labels.tolist() == ["run", "walk", "walk"] and data.lengths.tolist() == [3, 2, 1]
    assert data.inputs[1, :2].tolist() == [[1, 2], [3, 4]] and data.feature_names == ("x", "z")
    text(tmp_path, "x,q\n7,8\n", "run/2.csv")
    assert "run/2.csv: it has the features x, q, expected x, z: z is missing and q is new" in refused(tmp_path)


def test_a_folder_for_each_class_without_headers_and_in_two_parts(tmp_path: Path):
    for part in ("train", "test"):
        text(tmp_path, "1,2\n3,4\n", f"{part}/a/1.csv")
        text(tmp_path, "5,6\n7,8\n", f"{part}/b/1.csv")
    assert datasets.read(tmp_path, "test").inputs[1].tolist() == [[5, 6], [7, 8]]
    assert "say which" in refused(tmp_path)
    text(tmp_path, "1,x\n", "train/b/2.csv")
    assert "b/2.csv: there is no row after the header" in refused(tmp_path, "train")


def test_a_folder_of_files_without_labels(tmp_path: Path):
    text(tmp_path, "x,z\n1,2\n3,4\n", "b.csv")
    text(tmp_path, "x,z\n5,6\n", "a.csv")
    data = datasets.read(tmp_path, "test", labels_required=False)
    assert data.names == ("a.csv", "b.csv") and data.lengths.tolist() == [1, 2] and data.labels is None
    assert data.inputs[0].tolist() == [[5, 6], [0, 0]]
    assert "say which" in refused(tmp_path, "test")


def test_what_cannot_be_read_at_all(tmp_path: Path):
    assert "no such file" in refused(tmp_path / "nothing")
    assert "nothing in this folder can be read" in refused(tmp_path)
    assert "unknown format '.xls'" in refused(text(tmp_path, "x", "a.xls"))
    (tmp_path / "b").mkdir()
    assert "hold no CSV files" in refused(tmp_path)
    text(tmp_path, TS, "c.ts")
    text(tmp_path, TS, "d.ts")
    assert "it holds c.ts, d.ts: say which" in refused(tmp_path, "train")


# All of them


def small_files(folder: Path) -> list[Path]:
    mnist_like(folder)
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", Y)
    np.savez_compressed(folder / "packed.npz", X=X, y=Y)
    return [
        folder / "train-images-idx3-ubyte.gz",
        folder / "X.npy",
        npz(folder, X=X, y=Y),
        folder / "packed.npz",
        text(folder, TS, "a.ts"),
        text(folder, LONG, "a.csv"),
    ]


@pytest.mark.parametrize("kind", range(6))
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path: Path, kind: int):
    """150 damaged copies of each format: data of the right form, or one line that says why not."""
    path = small_files(tmp_path)[kind]
    original = path.read_bytes()
    generator = random.Random(kind)
    for _ in range(150):
        damaged = bytearray(original)
        for _ in range(generator.randrange(1, 4)):
            place = generator.randrange(len(damaged))
            match generator.randrange(3):
                case 0:
                    damaged[place] ^= 1 << generator.randrange(8)
                case 1:
                    end = place + generator.randrange(9)
                    damaged[place:end] = generator.randbytes(generator.randrange(9))
                case _:
                    del damaged[place + 1 :]
        path.write_bytes(damaged)
        try:
            data = datasets.read(path, labels_required=False)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert data.inputs.ndim == 3 and np.isfinite(data.inputs).all()
            assert data.labels is None or len(data.labels) == len(data)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, content: str):
    folder = tmp_path_factory.mktemp("text")
    for name, header in {"a.csv": "series,x\n", "a.ts": "@data\n"}.items():
        path = folder / name
        path.write_text(header + content, "utf-8", "replace")
        try:
            datasets.read(path, labels_required=False)
        except InputError as error:
            assert len(str(error).splitlines()) == 1


def test_fingerprints_follow_values_lengths_and_labels(tmp_path: Path):
    variants = [
        {"X": X, "y": Y},
        {"X": X + 1, "y": Y},
        {"X": X, "y": 1 - Y},
        {"X": X, "y": Y, "lengths": [3, 3, 3, 2]},
        {"X": X.reshape(4, 2, 3), "y": Y},
    ]
    prints = [datasets.read(npz(tmp_path, **arrays)).fingerprint for arrays in variants]
    assert len(set(prints)) == len(variants)
    assert prints[0] == datasets.read(npz(tmp_path, X=X.astype("f8"), y=Y, lengths=[3] * 4)).fingerprint


# The data that ships, real data, and speed


def test_mnist_ships_with_the_package():
    start = time.process_time()
    (X_train, y_train), (X_test, y_test) = datasets.mnist()
    seconds = time.process_time() - start
    assert X_train.shape == (60000, 28, 28) and X_test.shape == (10000, 28, 28)
    assert X_train.dtype == np.float32 and X_train.min() == 0 and X_train.max() == 1
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert seconds < 5, "half a second on an idle core"


def test_the_airline_series_ships_with_the_package():
    months, passengers = datasets.airline()
    assert months[0] == "1949-01" and months[-1] == "1960-12" and len(months) == len(passengers) == 144
    assert passengers.sum() == 40363 and passengers[0] == 112


def test_japanese_vowels(shared_data: Path):
    train, test = datasets.japanese_vowels(shared_data / "sequences")
    assert train.inputs.shape == (270, 26, 12) and test.inputs.shape == (370, 29, 12)
    assert train.lengths.min() == 7 and test.lengths.max() == 29
    assert np.unique(train.labels).tolist() == list("123456789")
    assert abs(train.inputs[0, 0, 0] - 1.860936) < 1e-6


@pytest.mark.proof
def test_a_csv_of_a_million_rows_takes_a_few_seconds(tmp_path: Path):
    rows = io.StringIO()
    rows.write("series,time,a,b,c,label\n")
    for series in range(2000):
        rows.writelines(f"s{series},{t},{t / 7:.5f},{series},0.25,{series % 3}\n" for t in range(500))
    path = text(tmp_path, rows.getvalue())
    start = time.process_time()
    data = datasets.read(path, "train")
    seconds = time.process_time() - start
    assert data.inputs.shape == (2000, 500, 3) and data.lengths is None
    print(f"a million rows: {seconds:.1f} s")
    assert seconds < 10
