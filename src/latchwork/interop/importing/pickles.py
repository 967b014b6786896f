"""A pickle as data: a reader of our own that knows tensors, containers and numbers, and calls nothing.

PyTorch's files are pickles, and a pickle is a program. Python's own reader, `torch.load(weights_only=True)` too, looks
up names and calls what it finds. Here a name is compared with a short list, and each name on it stands for something
that is made in this file: a dictionary, a storage's type, a tensor's place. Any other name ends the reading.

Opcodes: Python's Lib/pickletools.py. Protocol 2 is what PyTorch writes; 3 to 5 add what is read here as well.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from latchwork.core.errors import InputError

MAX_OPCODES = 500_000  # a large state dict has some ten thousand
MAX_DIMENSIONS = 32


@dataclass(frozen=True)
class StorageType:
    """Numbers of one type; `bfloat16` is the upper half of a float32, which NumPy does not have."""

    dtype: np.dtype[Any]
    bfloat16: bool = False


@dataclass(frozen=True)
class Storage:
    """A run of numbers that the file keeps elsewhere, under a key."""

    type: StorageType
    key: str
    count: int


@dataclass(frozen=True)
class TensorPlace:
    """A tensor: where in its storage its numbers are."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.size)


@dataclass(frozen=True)
class _Known:
    """A name that may be called, and what is made then."""

    make: Callable[..., Any]


def _storage_type(code: str, *, bfloat16: bool = False) -> StorageType:
    return StorageType(np.dtype(code), bfloat16)


STORAGES = {
    "FloatStorage": _storage_type("<f4"), "DoubleStorage": _storage_type("<f8"), "HalfStorage": _storage_type("<f2"),
    "BFloat16Storage": _storage_type("<u2", bfloat16=True), "LongStorage": _storage_type("<i8"),
    "IntStorage": _storage_type("<i4"), "ShortStorage": _storage_type("<i2"), "CharStorage": _storage_type("i1"),
    "ByteStorage": _storage_type("u1"), "BoolStorage": _storage_type("?"),
}  # fmt: skip


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> TensorPlace:
    """A tensor, checked to lie in its storage and to have no more numbers than it."""
    whole = all(type(each) is int and each >= 0 for part in (size, stride) for each in part)
    if not isinstance(storage, Storage) or type(offset) is not int or offset < 0 or not whole:
        raise ValueError
    if len(size) != len(stride) or len(size) > MAX_DIMENSIONS:
        raise ValueError
    place = TensorPlace(storage, offset, tuple(size), tuple(stride))
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True))
    if place.count and (last >= storage.count or place.count > storage.count):
        raise InputError(f"damaged: a tensor of shape {place.size} is said to lie in {storage.count} numbers")
    return place


def _parameter(data: Any, *_: Any) -> TensorPlace:
    if not isinstance(data, TensorPlace):
        raise ValueError
    return data


def _dictionary(items: Any = ()) -> dict[Any, Any]:
    return {_key(key): value for key, value in items}


def _key(value: Any) -> Hashable:
    if not isinstance(value, str | int | float | None):
        raise ValueError
    return value


NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Known(_dictionary),
    ("torch._utils", "_rebuild_tensor"): _Known(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Known(_tensor),
    ("torch._utils", "_rebuild_parameter"): _Known(_parameter),
    ("torch", "Size"): _Known(lambda sizes=(): tuple(sizes)),
    **{("torch", name): kind for name, kind in STORAGES.items()},
}


class _Mark:
    """Where a group of values begins on the stack."""


def read_pickle(content: bytes, start: int = 0) -> tuple[Any, int]:
    """The value that a pickle describes, and where it ends.

    Args:
        content: bytes that have the pickle.
        start: where it begins in them.

    Returns:
        Dictionaries, lists, tuples, text, numbers, `TensorPlace`; the offset after its last byte.

    Raises:
        InputError: it names anything but tensors and dictionaries, is damaged or cut short.
    """
    reader = _Reader(content, start)
    try:
        return reader.read(), reader.at
    except InputError:
        raise
    except (IndexError, ValueError, TypeError, KeyError, struct.error, AttributeError, OverflowError):
        raise InputError("damaged or cut short: its pickle does not describe tensors") from None


class _Reader:
    """The stack machine."""

    def __init__(self, content: bytes, start: int) -> None:
        self.content, self.at = content, start
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self) -> Any:
        for _ in range(MAX_OPCODES):
            code = self._take(1)[0]
            if code == 0x2E:  # STOP
                return self.stack.pop()
            step = OPCODES.get(code)
            if step is None:
                raise InputError(f"its pickle does more than describe tensors (opcode 0x{code:02x}): nothing from a "
                                 "file is run; save model.state_dict() alone")  # fmt: skip
            step(self)
        raise InputError(f"its pickle has more than {MAX_OPCODES} steps: no state dict is so long")

    def _take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.content):
            raise ValueError
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, form: str) -> Any:
        return struct.unpack("<" + form, self._take(struct.calcsize("<" + form)))[0]

    def text(self, form: str) -> str:
        return self._take(self.number(form)).decode("utf-8", "surrogatepass")

    def line(self) -> str:
        end = self.content.index(b"\n", self.at, self.at + 1000)
        return self._take(end + 1 - self.at)[:-1].decode()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def group(self) -> list[Any]:
        """What stands above the last mark."""
        at = max(place for place, value in enumerate(self.stack) if isinstance(value, _Mark))
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def last(self, kind: type[Any]) -> Any:
        """The container on top."""
        if not isinstance(self.stack[-1], kind):
            raise ValueError
        return self.stack[-1]

    def name(self, module: str, name: str) -> None:
        if (module, name) not in NAMES:
            raise InputError(f"its pickle names {f'{module}.{name}'[:80]!r}, which is no tensor: nothing from a file "
                             "is run; save model.state_dict() alone, with torch.save or safetensors")  # fmt: skip
        self.push(NAMES[module, name])

    def reduce(self) -> None:
        arguments, known = self.stack.pop(), self.stack.pop()
        if not isinstance(known, _Known) or not isinstance(arguments, tuple):
            raise ValueError
        self.push(known.make(*cast("tuple[Any, ...]", arguments)))

    def build(self) -> None:
        """A dictionary's attributes (a state dict's versions) mean nothing here."""
        self.stack.pop()
        self.last(dict)

    def set_items(self, values: list[Any]) -> None:
        if len(values) % 2:
            raise ValueError
        self.last(dict).update((_key(key), value) for key, value in zip(values[::2], values[1::2], strict=True))

    def persistent(self) -> None:
        """`("storage", type, key, device, count)`: numbers that the file keeps elsewhere."""
        match self.stack.pop():
            case ("storage", StorageType() as kind, str(key), str(), int(count), *_) if count >= 0:
                self.push(Storage(kind, key, count))
            case _:
                raise ValueError

    def tuple_of(self, count: int) -> None:
        values = tuple(self.stack[len(self.stack) - count :])
        if len(values) != count or any(isinstance(value, _Mark) for value in values):
            raise ValueError
        del self.stack[len(self.stack) - count :]
        self.push(values)


def _set_item(reader: _Reader) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.set_items([key, value])


def _append(reader: _Reader) -> None:
    value = reader.stack.pop()
    reader.last(list).append(value)


def _set_items(reader: _Reader) -> None:
    reader.set_items(reader.group())


def _append_all(reader: _Reader) -> None:
    values = reader.group()
    reader.last(list).extend(values)


def _put(index: int, reader: _Reader) -> None:
    reader.memo[index] = reader.stack[-1]


def _stack_name(reader: _Reader) -> None:
    name, module = reader.stack.pop(), reader.stack.pop()
    reader.name(str(module), str(name))


OPCODES: dict[int, Callable[[_Reader], Any]] = {
    ord("("): lambda r: r.push(_Mark()),
    ord("0"): lambda r: r.stack.pop(),
    ord("}"): lambda r: r.push({}),
    ord("]"): lambda r: r.push([]),
    ord(")"): lambda r: r.push(()),
    ord("N"): lambda r: r.push(None),
    ord("X"): lambda r: r.push(r.text("I")),
    ord("U"): lambda r: r.push(r.text("B")),
    ord("T"): lambda r: r.push(r.text("I")),
    ord("J"): lambda r: r.push(r.number("i")),
    ord("K"): lambda r: r.push(r.number("B")),
    ord("M"): lambda r: r.push(r.number("H")),
    ord("G"): lambda r: r.push(struct.unpack(">d", r._take(8))[0]),  # pyright: ignore[reportPrivateUsage]
    ord("a"): _append,
    ord("e"): _append_all,
    ord("s"): _set_item,
    ord("u"): _set_items,
    ord("t"): lambda r: r.push(tuple(r.group())),
    ord("l"): lambda r: r.push(r.group()),
    ord("q"): lambda r: _put(r.number("B"), r),
    ord("r"): lambda r: _put(r.number("I"), r),
    ord("h"): lambda r: r.push(r.memo[r.number("B")]),
    ord("j"): lambda r: r.push(r.memo[r.number("I")]),
    ord("c"): lambda r: r.name(r.line(), r.line()),
    ord("R"): _Reader.reduce,
    ord("b"): _Reader.build,
    ord("Q"): _Reader.persistent,
    0x80: lambda r: r.number("B"),
    0x85: lambda r: r.tuple_of(1),
    0x86: lambda r: r.tuple_of(2),
    0x87: lambda r: r.tuple_of(3),
    0x88: lambda r: r.push(True),
    0x89: lambda r: r.push(False),
    0x8A: lambda r: r.push(int.from_bytes(r._take(r.number("B")), "little", signed=True)),  # pyright: ignore[reportPrivateUsage]
    0x8C: lambda r: r.push(r.text("B")),
    0x93: _stack_name,
    0x94: lambda r: _put(len(r.memo), r),
    0x95: lambda r: r.number("Q"),
}
