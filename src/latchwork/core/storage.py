"""The `.latch` file: a saved model as data only, nothing to execute.

It is a safetensors file, so any safetensors reader opens it. Its metadata holds one JSON document (format
version, job, network spec, what was fitted, training record, data fingerprint) and a SHA-256. Byte by byte:

    8 bytes    length of the header, little endian
    header     {"__metadata__":{"sha256":"<64 hex digits>","document":"<JSON>"},
                "<name>":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, ...}
               padded with spaces to a multiple of 8 bytes
    data       the tensors, one after the other, widest types first so that each is aligned

The SHA-256 is that of the whole file with its own 64 digits written as zeros. It therefore covers every byte:
the document, every tensor's name, type, shape and values, and even the padding; safetensors itself checks
neither padding nor values. The header is written here and not by the safetensors package because that package
fixes neither the place nor the order of metadata, and a model saved twice has to be the same file.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from latchwork.core.errors import InputError
from latchwork.core.packing import whole
from latchwork.core.spec import Sequential, check_parameters

FORMAT = 1
"""The version of the document that this code writes, and the newest that it reads."""

# Limits are checked before anything is allocated; each is far above what a recurrent network needs.
MAX_FILE_BYTES = 4 << 30
MAX_HEADER_BYTES = 64 << 20
MAX_TENSORS = 10_000
MAX_DIMENSIONS = 32
MAX_DEPTH = 64

_PREFIX = b'{"__metadata__":{"sha256":"'
_DIGEST = slice(8 + len(_PREFIX), 8 + len(_PREFIX) + 64)  # where the digest stands in every file
_NO_DIGEST = b"0" * 64

_DTYPES = {
    "F64": np.dtype("<f8"), "I64": np.dtype("<i8"), "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"), "I32": np.dtype("<i4"), "U32": np.dtype("<u4"),
    "F16": np.dtype("<f2"), "I16": np.dtype("<i2"), "U16": np.dtype("<u2"),
    "I8": np.dtype("i1"), "U8": np.dtype("u1"), "BOOL": np.dtype("?"),
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class Latch(NamedTuple):
    """What a `.latch` file holds.

    Attributes:
        document: the JSON document, checked to be of a known format.
        tensors: arrays by name; views of the file's bytes, hence read-only: copy one to change it.
    """

    document: dict[str, Any]
    tensors: dict[str, np.ndarray]


def save(path: str | os.PathLike[str], document: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Write a `.latch` file, whole or not at all.

    The same document and tensors always give the same bytes.

    Args:
        path: the file; an old one stays as it was until the new one is complete on disk.
        document: plain JSON (dicts with text keys, lists, text, finite numbers, booleans, None). Its
            `"format"` is set here.
        tensors: arrays by name, of any shape, of a floating (16 to 64 bits), integer or boolean type.

    Raises:
        InputError: the document or a tensor cannot be stored, or there is no such folder.
        LatchworkError: the disk is full or refuses the file.

    Example:
        >>> import numpy as np
        >>> save("model.latch", {"job": "example"}, {"weight": np.eye(2, dtype="float32")})
        >>> load("model.latch").document
        {'format': 1, 'job': 'example'}
    """
    document = {**document, "format": FORMAT}
    _check_json(document, "document", 0)
    arrays = {name: _storable(name, array) for name, array in tensors.items()}
    if len(arrays) > MAX_TENSORS:
        raise InputError(f"got {len(arrays)} tensors: a .latch file holds at most {MAX_TENSORS}")
    names = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))

    header: dict[str, Any] = {
        "__metadata__": {
            "sha256": _NO_DIGEST.decode(),
            "document": json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False),
        }
    }
    start = 0
    for name in names:
        array = arrays[name]
        stop = start + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, stop],
        }
        start = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER_BYTES or 8 + len(text) + start > MAX_FILE_BYTES:
        raise InputError(f"{path}: the model is too large for a .latch file ({len(text)} + {start} bytes)")

    head = bytearray(len(text).to_bytes(8, "little") + text)
    data = [arrays[name].reshape(-1).view(np.uint8).data for name in names if arrays[name].nbytes]
    head[_DIGEST] = _digest(head, *data)
    from latchwork.core.writing import write_atomically  # what only answers writes nothing, and need not wait for it

    write_atomically(path, [head, *data])


def load(path: str | os.PathLike[str]) -> Latch:
    """Read a `.latch` file, verified before anything in it is used.

    Args:
        path: the file.

    Returns:
        The document and the tensors.

    Raises:
        InputError: in one line, what is wrong: no such file, not a `.latch` file, cut short, changed since
            it was saved, larger than the limits, or written by a newer latchwork.
    """
    raw = _read(path)
    try:
        return _decode(raw)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def load_model(path: str | os.PathLike[str]) -> Latch:
    """Read a `.latch` file that holds a model: `load`, and then what every model has is checked.

    Args:
        path: the file.

    Returns:
        The document, in which `job` is text, `network` a spec or None, `fitted`, `training` and `data` are objects;
        and the tensors, of which those under `network.layers.` are the spec's, in full where the file has them packed.

    Raises:
        InputError: as `load`; or the file is no model, or its network and its arrays do not belong together.
    """
    document, tensors = load(path)
    if not isinstance(document.get("job"), str):
        raise InputError(f"{path}: a sound file, but no model: its document names no job")
    for part in ("fitted", "training", "data"):
        if not isinstance(document.setdefault(part, {}), dict):
            raise InputError(f"{path}: no model that this version knows: {part!r} is not an object")
    try:
        if document.setdefault("network", None) is not None:
            network = Sequential.from_dict(document["network"])
            tensors = whole(document, tensors)
            layers = [name for name in tensors if name.startswith("network.layers.")]
            check_parameters(network, {name.removeprefix("network."): tensors[name] for name in layers})
    except ValueError as error:
        raise InputError(f"{path}: no model that this version knows: {error}") from None
    return Latch(document, tensors)


def is_latch(beginning: bytes) -> bool:
    """Whether a file that begins so is, or was, a `.latch` file."""
    return beginning.startswith(_PREFIX, 8)


def _decode(raw: bytes) -> Latch:
    if len(raw) < 8:
        raise InputError(f"not a .latch file: it has {len(raw)} bytes")
    size = int.from_bytes(raw[:8], "little")
    if not raw.startswith(_PREFIX[: len(raw) - 8], 8):
        raise InputError("not a .latch file, or its first bytes are damaged")
    if size > MAX_HEADER_BYTES or size % 8:
        raise InputError(f"damaged: it declares a header of {size} bytes")
    start = 8 + size
    if start > len(raw):
        raise InputError(f"truncated: its header needs {start} bytes, the file has {len(raw)}")

    try:
        header = json.loads(raw[8:start], object_pairs_hook=_without_repeats)
        document = json.loads(header.pop("__metadata__")["document"], object_pairs_hook=_without_repeats)
        _check_json(document, "document", 0)
        version = document["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("damaged: its header does not hold a latchwork document") from None
    if type(version) is not int or version < 1:
        raise InputError(f"damaged: it declares format {str(version)[:80]!r}")
    if version > FORMAT:
        raise InputError(f"format {version} is newer than this latchwork reads (up to {FORMAT}): upgrade it")

    places = _places(header)
    end = start + sum(place.size for place in places.values())
    if end != len(raw):
        what = "truncated" if end > len(raw) else "damaged"
        raise InputError(f"{what}: its tensors need a file of {end} bytes, it has {len(raw)}")
    head = bytearray(raw[:start])
    head[_DIGEST] = _NO_DIGEST
    if _digest(head, memoryview(raw)[start:]) != raw[_DIGEST]:
        raise InputError("damaged: its contents do not match the SHA-256 that was saved with them")
    return Latch(document, {name: place.view(raw, start) for name, place in places.items()})


def _digest(*parts: bytes | bytearray | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest().encode()


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib takes longer to import than a model to read
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is not a file: give a .latch file")
        if status.st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: too large for a .latch file (more than {MAX_FILE_BYTES} bytes)")
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            first = file.read(8 + len(_PREFIX))
            if not first.startswith(_PREFIX, 8):
                return first  # enough to say what is wrong; a large file of another kind is not read whole
            return first + file.read(status.st_size - len(first))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


class _Place(NamedTuple):
    """A tensor's type and shape, and where its bytes start in the data."""

    dtype: np.dtype[Any]
    shape: list[int]
    start: int

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def view(self, raw: bytes, data: int) -> np.ndarray:
        return np.frombuffer(raw, self.dtype, math.prod(self.shape), data + self.start).reshape(self.shape)


def _places(header: dict[str, Any]) -> dict[str, _Place]:
    """The tensors that the header declares, each checked to start where the one before ends."""
    if len(header) > MAX_TENSORS:
        raise InputError(f"it declares {len(header)} tensors: at most {MAX_TENSORS} are read")
    places: dict[str, _Place] = {}
    start = 0
    for name, entry in header.items():
        try:
            place = _Place(_DTYPES[entry["dtype"]], [_size(extent) for extent in entry["shape"]], start)
            stop = start + place.size
            if len(entry) != 3 or len(place.shape) > MAX_DIMENSIONS or entry["data_offsets"] != [start, stop]:
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise InputError(f"damaged: tensor {name[:80]!r} has no valid type, shape and place") from None
        places[name], start = place, stop
    return places


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_FILE_BYTES:
        raise ValueError
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name is given twice")
    return result


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    if not name or name == "__metadata__" or len(name) > 1000:
        raise InputError(f"{name[:80]!r} cannot name a tensor")
    array = np.asarray(array)
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _NAMES:
        raise InputError(f"tensor {name!r} has type {array.dtype}: a .latch file holds floats, integers and booleans")
    if array.ndim > MAX_DIMENSIONS:
        raise InputError(f"tensor {name!r} has {array.ndim} dimensions: at most {MAX_DIMENSIONS}")
    return np.ascontiguousarray(array, dtype).reshape(array.shape)


def _check_json(value: Any, where: str, depth: int) -> None:
    """Plain JSON of a sane depth, with finite numbers: what readers in every language understand alike."""
    if depth > MAX_DEPTH:
        raise InputError(f"{where[:80]}... is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in cast("dict[Any, Any]", value).items():
            if not isinstance(key, str):
                raise InputError(f"{where} has the key {key!r}: JSON has text keys only")
            _check_json(item, f"{where}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(cast("list[Any]", value)):
            _check_json(item, f"{where}[{place}]", depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where} is {value}: JSON has no such number")
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise InputError(f"{where} is an integer of more than 64 bits")
    elif not (value is None or isinstance(value, str)):
        raise InputError(f"{where} is a {type(value).__name__}: a .latch document is plain JSON")
