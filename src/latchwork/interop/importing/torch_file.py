"""A state dict of PyTorch as arrays by name, out of a `.pt` file (both of its forms) or a `.safetensors` file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.importing.files import SMALL, opened_zip, read_member
from latchwork.interop.importing.pickles import Storage, StorageType, TensorPlace, read_pickle

State = dict[str, NDArray[Any]]
"""Arrays by name (`lstm.weight_ih_l0`), in the order of the file: float32, or whole numbers."""

MAX_PICKLE = 32 << 20
MAX_HEADER = 4 << 20
MAX_TENSORS = 20_000
MAX_DEPTH = 8
EXPANSION = 3
_MAGIC = 0x1950A86A20F9469CFC6C  # of the older form, the first of its pickles
_SAFE = {
    "F64": StorageType(np.dtype("<f8")), "F32": StorageType(np.dtype("<f4")), "F16": StorageType(np.dtype("<f2")),
    "BF16": StorageType(np.dtype("<u2"), bfloat16=True), "I64": StorageType(np.dtype("<i8")),
    "I32": StorageType(np.dtype("<i4")), "I16": StorageType(np.dtype("<i2")), "I8": StorageType(np.dtype("i1")),
    "U8": StorageType(np.dtype("u1")), "BOOL": StorageType(np.dtype("?")),
}  # fmt: skip


def read_state(content: bytes) -> State:
    """The state dict in a file.

    Args:
        content: the file's bytes: `.pt` as a zip, `.pt` of PyTorch before 1.6, or `.safetensors`.

    Raises:
        InputError: damaged, cut short, a pickle that names anything but tensors, or no state dict.
    """
    if content.startswith(b"PK"):
        return _read_zip(content)
    if content[:1] == b"\x80" and not is_safetensors(content):
        return _read_old(content)
    if content[257:262] == b"ustar":
        raise InputError("a tar archive, as PyTorch wrote before 2018: save its state dict again, with a newer PyTorch")
    return _read_safetensors(content)


def is_safetensors(content: bytes) -> bool:
    """Whether a file begins as one: a length, and an object of that length."""
    return content[8:9] == b"{" and int.from_bytes(content[:8], "little") <= len(content) - 8


def _read_zip(content: bytes) -> State:
    with opened_zip(content) as archive:
        pickles = [name for name in archive.namelist() if re.fullmatch(r"[^/]*/?data\.pkl", name)]
        if any(name.endswith("constants.pkl") or "/code/" in name for name in archive.namelist()):
            raise InputError("a TorchScript program: nothing from a file is run; save model.state_dict() in its place")
        if len(pickles) != 1:
            raise InputError("no state dict of PyTorch: its zip has no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and read_member(archive, f"{root}byteorder", 16) != b"little":
            raise InputError("written on a machine with the other byte order: save it again on this one")
        value, _ = read_pickle(read_member(archive, pickles[0], MAX_PICKLE))

        def bytes_of(storage: Storage) -> bytes:
            return read_member(archive, f"{root}data/{storage.key}")

        return _arrays(_state_dict(value), bytes_of, len(content))


def _read_old(content: bytes) -> State:
    """Three pickles of words, one of the state dict, one of the storages' keys; then each storage's count and bytes."""
    magic, at = read_pickle(content)
    if magic != _MAGIC:
        raise InputError("a pickle, but no state dict of PyTorch")
    for _ in range(2):  # the version, and the machine
        _, at = read_pickle(content, at)
    value, at = read_pickle(content[: at + MAX_PICKLE], at)
    keys, at = read_pickle(content[: at + MAX_PICKLE], at)
    state = _state_dict(value)
    types = {place.storage.key: place.storage for place in _places(value, 0, set())}
    if not isinstance(keys, list) or not set(types) <= set(cast("list[Any]", keys)):
        raise InputError("damaged: its storages are not those of its tensors")
    found: dict[str, bytes] = {}
    for key in cast("list[Any]", keys):
        if key not in types:
            raise InputError("damaged: it keeps numbers that belong to no tensor")
        size = types[key].count * types[key].type.dtype.itemsize
        if int.from_bytes(content[at : at + 8], "little") != types[key].count or at + 8 + size > len(content):
            raise InputError("damaged or cut short: a storage has other numbers than its tensors need")
        found[key] = content[at + 8 : at + 8 + size]
        at += 8 + size
    return _arrays(state, lambda storage: found[storage.key], len(content))


def _places(value: Any, depth: int, seen: set[int]) -> list[TensorPlace]:
    """Every tensor in nested containers."""
    if isinstance(value, TensorPlace):
        return [value]
    if not isinstance(value, dict | list | tuple) or depth > MAX_DEPTH or id(value) in seen:
        return []
    seen.add(id(value))
    items = cast("dict[Any, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value)
    return [place for item in items for place in _places(item, depth + 1, seen)]


def _state_dict(value: Any) -> dict[str, TensorPlace]:
    """The state dict: the value itself, or the one in a checkpoint beside an optimiser's and counters."""
    if not isinstance(value, dict):
        raise InputError("it holds no state dict: save model.state_dict()")
    entries = cast("dict[Any, Any]", value)
    tensors = {str(name): each for name, each in entries.items() if isinstance(each, TensorPlace)}
    if tensors:
        return tensors
    named = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params")
    nested = [name for name in named if isinstance(entries.get(name), dict)]
    if len(nested) != 1:
        inside = ", ".join(str(name)[:30] for name in list(entries)[:6]) or "nothing"
        raise InputError(f"it holds no state dict (but {inside}): save model.state_dict()")
    inner = cast("dict[Any, Any]", entries[nested[0]])
    tensors = {str(name): each for name, each in inner.items() if isinstance(each, TensorPlace)}
    if not tensors:
        raise InputError(f"its {nested[0]} has no tensors")
    return tensors


def _arrays(places: Mapping[str, TensorPlace], bytes_of: Callable[[Storage], bytes], size: int) -> State:
    if len(places) > MAX_TENSORS:
        raise InputError(f"it has {len(places)} tensors: at most {MAX_TENSORS} are read")
    total = sum(place.count * max(4, place.storage.type.dtype.itemsize) for place in places.values())
    if total > EXPANSION * size + SMALL:
        raise InputError(f"its tensors state {total} bytes in a file of {size}: the sizes are not true")
    state: State = {}
    for name, place in places.items():
        kind, raw = place.storage.type, bytes_of(place.storage)
        if len(raw) != place.storage.count * kind.dtype.itemsize:
            raise InputError(f"damaged: the numbers of {name[:60]!r} are {len(raw)} bytes, its storage states others")
        flat = np.frombuffer(raw, kind.dtype)
        steps = tuple(step * kind.dtype.itemsize for step in place.stride)
        view = np.lib.stride_tricks.as_strided(flat[place.offset :], place.size, steps, writeable=False)
        state[name] = _as_array(view, kind)
    return state


def _as_array(values: NDArray[Any], kind: StorageType) -> NDArray[Any]:
    """Float32, or whole numbers as they are; a copy, so that the file's bytes can go."""
    if kind.bfloat16:
        return np.left_shift(values.astype(np.uint32), 16).view(np.float32).reshape(values.shape)
    with np.errstate(over="ignore"):
        return values.astype(np.float32 if values.dtype.kind == "f" else values.dtype)


def _read_safetensors(content: bytes) -> State:
    """8 bytes of length, a JSON header of types, shapes and places, the numbers one after the other."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(len(content) - 8, MAX_HEADER):
        raise InputError("damaged, cut short or no safetensors file: its header does not fit into it")
    text = content[8 : 8 + length]
    if text.count(b"[") + text.count(b"{") > 4 * MAX_TENSORS:
        raise InputError(f"its header describes more than {MAX_TENSORS} tensors: no state dict has so many")
    try:
        header = json.loads(text)
        header.pop("__metadata__", None)
        entries = [
            (str(name), _SAFE[each["dtype"]], each["shape"], each["data_offsets"]) for name, each in header.items()
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError("damaged: its header does not say what the tensors are") from None
    if len(entries) > MAX_TENSORS:
        raise InputError(f"it has {len(entries)} tensors: at most {MAX_TENSORS} are read")
    state: State = {}
    data = memoryview(content)[8 + length :]
    taken = 0
    for name, kind, shape, offsets in entries:
        numbers = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [-1]
        if not all(type(each) is int and each >= 0 for each in numbers) or len(offsets) != 2 or len(shape) > 32:
            raise InputError(f"damaged: the tensor {name[:60]!r} has no shape and place")
        size = math.prod(shape) * kind.dtype.itemsize
        taken += size
        if offsets[1] - offsets[0] != size or offsets[1] > len(data) or taken > len(data):
            raise InputError(f"damaged or cut short: the tensor {name[:60]!r} of shape {shape} does not fit its place")
        state[name] = _as_array(np.frombuffer(data[offsets[0] : offsets[1]], kind.dtype).reshape(shape), kind)
    return state
