"""The .latch file: what goes in comes out, and nothing that was changed on the way is ever accepted."""

import errno
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors import safe_open

from latchwork.core import storage
from latchwork.core.errors import InputError, LatchworkError

FIXTURES = Path(__file__).parent / "fixtures"
DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]

document_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0, max_side=4))
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name != "__metadata__"
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.latch"
    tensors = {
        "network.layers.0.bias": np.linspace(-1, 1, 8, dtype="float32"),
        "fitted.mean": np.array([0.5, 2.5]),
        "fitted.flags": np.array([True, False, True]),
        "fitted.empty": np.zeros((0, 3), "int64"),
    }
    storage.save(path, {"job": "classification", "fitted": {"labels": ["a", "b"]}}, tensors)
    return path


def assert_refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        storage.load(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


@given(document=st.dictionaries(st.text(), document_values, max_size=4), tensors=st.dictionaries(names, arrays))
def test_load_returns_what_save_was_given_and_saves_the_same_bytes(tmp_path_factory, document, tensors):
    folder = tmp_path_factory.mktemp("round", numbered=True)
    storage.save(folder / "a.latch", document, tensors)
    loaded = storage.load(folder / "a.latch")
    assert loaded.document == {**document, "format": 1}
    assert loaded.tensors.keys() == tensors.keys()
    for name, array in tensors.items():
        assert loaded.tensors[name].dtype == array.dtype and loaded.tensors[name].shape == array.shape
        assert loaded.tensors[name].tobytes() == array.tobytes()
    storage.save(folder / "b.latch", loaded.document, dict(reversed(loaded.tensors.items())))
    assert (folder / "b.latch").read_bytes() == (folder / "a.latch").read_bytes()


def flip_and_load(path: Path, bits_of: Callable[[int], Iterable[int]]) -> None:
    original = path.read_bytes()
    for place in range(len(original)):
        for bit in bits_of(place):
            damaged = bytearray(original)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            assert_refused(path)


def test_a_flipped_bit_in_any_byte_is_refused(saved: Path):
    flip_and_load(saved, lambda place: [place % 8])


@pytest.mark.proof
def test_every_flipped_bit_is_refused(saved: Path):
    flip_and_load(saved, lambda place: range(8))


def test_padding_of_the_header_is_covered(saved: Path):
    original = saved.read_bytes()
    size = int.from_bytes(original[:8], "little")
    end = 8 + size - 1
    assert original[end : end + 1] == b" ", "the fixture needs a padded header"
    saved.write_bytes(original[:end] + b"\n" + original[end + 1 :])
    assert "SHA-256" in assert_refused(saved)


def test_every_truncation_is_refused(saved: Path):
    original = saved.read_bytes()
    for size in range(len(original)):
        saved.write_bytes(original[:size])
        assert_refused(saved)
    saved.write_bytes(original + b"\0")
    assert "need a file of" in assert_refused(saved)


def test_random_damage_is_refused():
    """Runs of bytes overwritten, cut out, doubled or moved: 200 of them."""
    original = (FIXTURES / "format1.latch").read_bytes()
    generator = random.Random(0)
    for _ in range(200):
        place = generator.randrange(len(original))
        length = generator.randrange(1, 40)
        head, run, tail = original[:place], original[place : place + length], original[place + length :]
        damaged = generator.choice(
            [
                head + generator.randbytes(len(run)) + tail,
                head + tail,
                head + run + run + tail,
                run + head + tail,
            ]
        )
        if damaged != original:
            with pytest.raises(InputError):
                storage._decode(damaged)


def test_a_file_of_format_1_still_opens():
    document, tensors = storage.load(FIXTURES / "format1.latch")
    assert document == {
        "format": 1,
        "job": "classification",
        "network": None,
        "fitted": {"labels": ["ä", "b"], "scaler": {"kind": "standard"}},
    }
    assert list(tensors) == ["fitted.scale", "network.layers.0.weight"]
    np.testing.assert_array_equal(tensors["fitted.scale"], np.array([0.1, 1 / 3]))
    np.testing.assert_array_equal(tensors["network.layers.0.weight"], np.arange(6, dtype="float32").reshape(2, 3) / 7)


def test_safetensors_itself_reads_the_file(saved: Path):
    with safe_open(saved, "numpy") as file:
        assert json.loads(file.metadata()["document"])["job"] == "classification"
        ours = storage.load(saved).tensors
        assert set(file.keys()) == set(ours)
        for name in file.keys():  # noqa: SIM118  # not a mapping
            np.testing.assert_array_equal(file.get_tensor(name), ours[name])


def test_loaded_tensors_are_aligned_and_read_only(saved: Path):
    for tensor in storage.load(saved).tensors.values():
        assert tensor.flags.aligned and not tensor.flags.writeable


def forged(path: Path, header: bytes, data: bytes = b"") -> Path:
    """A file with this header and a digest that matches: what somebody with bad intent would write."""
    header += b" " * (-len(header) % 8)
    head = bytearray(len(header).to_bytes(8, "little") + header)
    head[storage._DIGEST] = storage._digest(head, data)
    path.write_bytes(head + data)
    return path


def header(document: object = '{"format":1}', **tensors: object) -> bytes:
    entries = {"__metadata__": {"sha256": "0" * 64, "document": document}, **tensors}
    return json.dumps(entries, separators=(",", ":")).encode()


def entry(shape: object, offsets: object, dtype: object = "F32", **more: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


def test_the_forger_of_these_tests_can_write_a_good_file(tmp_path: Path):
    path = forged(tmp_path / "x.latch", header(a=entry([1], [0, 4])), b"\0\0\x80\x3f")
    assert storage.load(path).tensors["a"] == np.float32(1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header('{"format":2}'), "newer than this latchwork reads"),
        (header('{"format":true}'), "declares format"),
        (header('{"format":0}'), "declares format"),
        (header('{"format":"1"}'), "declares format"),
        (header("{}"), "does not hold"),
        (header("[]"), "does not hold"),
        (header("nonsense"), "does not hold"),
        (header(7), "does not hold"),
        (header('{"format":1,"format":1}'), "does not hold"),
        (header('{"format":1,"x":NaN}'), "does not hold"),
        (header('{"format":1,"x":1e999}'), "does not hold"),
        (header('{"format":1,"x":' + "9" * 5000 + "}"), "does not hold"),
        (header('{"format":1,"x":' + "[" * 100 + "]" * 100 + "}"), "does not hold"),
        (header('{"format":1,"x":' + "[" * 100_000 + "]" * 100_000 + "}"), "does not hold"),
        (header()[:-1] + b',"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "does not hold"),
        (header()[:-1] + b',"a":{},"a":{}}', "does not hold"),
        (header()[:-1] + b',"a":\xff}', "does not hold"),
        (header()[:-1], "does not hold"),
        (header(a=entry([1], [0, 4])), "truncated"),
        (header(a=entry([2**40, 2**40], [0, 2**82])), "no valid type"),
        (header(a=entry([2**31, 2**20], [0, 2**53])), "truncated"),
        (header(a=entry([-1], [0, -4])), "no valid type"),
        (header(a=entry([1.0], [0, 4])), "no valid type"),
        (header(a=entry([True], [0, 4])), "no valid type"),
        (header(a=entry([float("inf")], [0, 4])), "no valid type"),
        (header(a=entry(["1"], [0, 4])), "no valid type"),
        (header(a=entry(1, [0, 4])), "no valid type"),
        (header(a=entry([1] * 40, [0, 4])), "no valid type"),
        (header(a=entry([1], [4, 8])), "no valid type"),
        (header(a=entry([1], [0, 4]), b=entry([1], [0, 4])), "no valid type"),
        (header(a=entry([0], [0, 0], "BF16")), "no valid type"),
        (header(a=entry([0], [0, 0], ["F32"])), "no valid type"),
        (header(a=entry([0], [0, 0], more=1)), "no valid type"),
        (header(a=[1, 2, 3]), "no valid type"),
        (header(**{f"t{i}": entry([0], [0, 0]) for i in range(10_001)}), "at most 10000"),
    ],
)
def test_a_forged_file_with_a_valid_digest_is_refused(tmp_path: Path, content: bytes, reason: str):
    assert reason in assert_refused(forged(tmp_path / "x.latch", content))


def test_a_huge_declared_header_is_refused_before_it_is_read(tmp_path: Path):
    path = tmp_path / "x.latch"
    path.write_bytes((2**63).to_bytes(8, "little") + header())
    assert "declares a header of" in assert_refused(path)


def test_what_is_not_a_file_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "missing.latch", tmp_path / "pipe", Path("/dev/zero")):
        assert_refused(path)
    other = tmp_path / "sparse.bin"
    with other.open("wb") as file:
        file.truncate(5 << 30)
    assert "too large" in assert_refused(other)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"loss": [1.0, float("nan")]}, r"document\.loss\[1\] is nan"),
        ({"x": {1: 2}}, "key 1"),
        ({"x": np.float32(1)}, "float32"),
        ({"x": 2**64}, "64 bits"),
    ],
)
def test_a_document_that_is_not_plain_json_is_refused(tmp_path: Path, document: dict, reason: str):
    with pytest.raises(InputError, match=reason):
        storage.save(tmp_path / "x.latch", document, {})
    assert not list(tmp_path.iterdir())


def test_a_tensor_that_cannot_be_stored_is_refused(tmp_path: Path):
    for name, array in {"a": np.array(["text"]), "b": np.array([1j]), "": np.zeros(1)}.items():
        with pytest.raises(InputError):
            storage.save(tmp_path / "x.latch", {}, {name: array})


def test_any_memory_layout_and_byte_order_is_stored_by_value(tmp_path: Path):
    array = np.arange(12, dtype=">f4").reshape(3, 4).T[::2]
    storage.save(tmp_path / "x.latch", {}, {"a": array})
    np.testing.assert_array_equal(storage.load(tmp_path / "x.latch").tensors["a"], array)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(saved: Path, monkeypatch: pytest.MonkeyPatch):
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LatchworkError, match="No space left on device; what was there before is untouched"):
        storage.save(saved, {}, {"a": np.zeros(10)})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_disk_that_refuses_bytes_midway_leaves_the_old_file(saved: Path):
    """A limit on the size of files is the nearest that a test can come to a full disk."""
    before = saved.read_bytes()
    code = f"""
import resource, numpy as np
from latchwork.core import storage
from latchwork.core.errors import LatchworkError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    storage.save({str(saved)!r}, {{}}, {{"a": np.zeros(100_000)}})
except LatchworkError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"could not write .*: File too large; what was there before is untouched\n", result.stdout)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_follows_a_link_and_respects_the_umask(saved: Path, tmp_path: Path):
    link = tmp_path / "link.latch"
    link.symlink_to(saved)
    storage.save(link, {"job": "new"}, {})
    assert link.is_symlink() and storage.load(saved).document["job"] == "new"
    plain = tmp_path / "plain"
    plain.touch()
    assert saved.stat().st_mode == plain.stat().st_mode


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="there is no folder"):
        storage.save(tmp_path / "no" / "x.latch", {}, {})
    with pytest.raises(InputError, match="is a folder"):
        storage.save(tmp_path, {}, {})
