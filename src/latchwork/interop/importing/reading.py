"""Which library a file is from, and its network."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from latchwork.core.errors import InputError
from latchwork.interop.importing import hdf5
from latchwork.interop.importing.files import opened_zip, read_file
from latchwork.interop.importing.imported import Imported
from latchwork.interop.importing.keras_file import read_keras_file
from latchwork.interop.importing.keras_layers import network_of
from latchwork.interop.importing.torch_file import is_safetensors

Path = str | os.PathLike[str]
Result = TypeVar("Result")


def read_keras(path: Path) -> Imported:
    """The network in a `.keras` or `.h5` file.

    Raises:
        InputError: in one line, what is wrong with the file, or which layer or setting no layer of ours has.
    """
    return _read(path, _keras)


def read_torch(path: Path, *, reads: str | None = None, activation: str | None = None) -> Imported:
    """The network in a state dict of PyTorch, `.pt` or `.safetensors`; arguments as of `import_model`.

    Raises:
        InputError: as `read_keras`.
    """
    from latchwork.interop.importing.torch_state import network_of_state, read_state

    return _read(path, lambda content: network_of_state(read_state(content), reads=reads, activation=activation))


def read_onnx(path: Path) -> Imported:
    """The network in an ONNX graph.

    Raises:
        InputError: as `read_keras`.
    """
    from latchwork.interop.importing.onnx_graph import network_of_graph

    return _read(path, network_of_graph)


def read_any(path: Path, *, reads: str | None = None, activation: str | None = None) -> tuple[str, Imported]:
    """`keras`, `torch` or `onnx`, and the network; arguments as of `import_model`.

    Raises:
        InputError: as `read_keras`; or the file is of no kind that is read.
    """
    from latchwork.interop.importing.onnx_graph import network_of_graph
    from latchwork.interop.importing.torch_state import network_of_state, read_state

    def read(content: bytes) -> tuple[str, Imported]:
        kind = _kind(content, os.fspath(path))
        if kind != "torch" and (reads is not None or activation is not None):
            raise InputError("reads and activation say what a state dict of PyTorch leaves open: leave them out here")
        match kind:
            case "keras":
                return kind, _keras(content)
            case "torch":
                return kind, network_of_state(read_state(content), reads=reads, activation=activation)
            case _:
                return kind, network_of_graph(content)

    return _read(path, read)


def _keras(content: bytes) -> Imported:
    return network_of(read_keras_file(content))


def _read(path: Path, reader: Callable[[bytes], Result]) -> Result:
    """What a reader makes of a file's bytes, its errors with the file's name."""
    content = read_file(path)
    try:
        return reader(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (MemoryError, RecursionError):
        raise InputError(f"{path}: damaged: it states more than it has") from None


def _kind(content: bytes, name: str) -> str:
    """By what the file begins with; by its name where the beginning says nothing."""
    if content.startswith(hdf5.SIGNATURE):
        return "keras"
    if content.startswith(b"PK\x03\x04"):
        with opened_zip(content) as archive:
            names = archive.namelist()
        if any(each.endswith(("data.pkl", "/version", "constants.pkl")) for each in names):
            return "torch"
        return "keras"
    if content[8:32] == b'{"__metadata__":{"sha256':
        raise InputError("it is a model of latchwork already: open it with latchwork.load")
    if is_safetensors(content):
        return "torch"
    if content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05":
        return "torch"
    if content[257:262] == b"ustar":
        return "torch"
    if name.lower().endswith((".onnx", ".pb")) or content[:1] == b"\x08":
        return "onnx"
    if name.lower().endswith((".pt", ".pth", ".safetensors", ".bin")):
        return "torch"
    if name.lower().endswith((".keras", ".h5", ".hdf5")):
        return "keras"
    raise InputError("of no kind that is read: give a .keras, .h5, .pt, .safetensors or .onnx file")
