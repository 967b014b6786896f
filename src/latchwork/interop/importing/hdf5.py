"""HDF5 as a tree of arrays: what a Keras file keeps its weights in.

The format can do far more than that: links to other files, data kept outside, data put together of other files,
compiled filters. Everything of the kind is refused, and no dataset is read before its size was held against the file's.
"""

from __future__ import annotations

import io
import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.importing.files import SMALL, required

SIGNATURE = b"\x89HDF\r\n\x1a\n"
EXPANSION = 2
MAX_OBJECTS = 20_000
MAX_DEPTH = 24
MAX_TEXT = 1 << 20
KNOWN_FILTERS = {1, 2, 3}  # gzip, shuffle, a checksum: in the library itself; others would be loaded from the disk

Arrays = dict[str, NDArray[np.float32]]


@contextmanager
def opened_hdf5(content: bytes) -> Generator[Any]:
    """An HDF5 file in memory, as `h5py.File`; what the library says of damage becomes one line.

    Raises:
        InputError: no HDF5 file, damaged, or cut short.
    """
    h5py = required("h5py", "reading Keras's weights")
    if not content.startswith(SIGNATURE):
        raise InputError("its weights are no HDF5 file")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except InputError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError, MemoryError, SystemError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise InputError(f"damaged or cut short: its HDF5 part cannot be read ({line})") from None


def text_attribute(file: Any, name: str) -> str | None:
    """A text among the attributes of the file's root; None where there is none.

    Raises:
        InputError: it is no text, or longer than 1 MB.
    """
    if name not in file.attrs:
        return None
    attribute = file.attrs.get_id(name)
    if attribute.shape != () or attribute.get_storage_size() > MAX_TEXT:
        raise InputError(f"its attribute {name} is no single text")
    value = file.attrs[name]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InputError(f"its attribute {name} is no text of at most {MAX_TEXT} characters")
    return text


def read_arrays(file: Any, size: int, within: str) -> Arrays:
    """The datasets below a group by the rest of their path (`lstm/cell/vars/0`), in float32; all others are checked.

    Args:
        file: from `opened_hdf5`.
        size: bytes of the file.
        within: the group, such as `layers`.

    Raises:
        InputError: what leads out of the file, is put together of other datasets, or states more than the file has.
    """
    found = dict(_datasets(file, "", 0, set()))
    if len(found) > MAX_OBJECTS:
        raise InputError(f"it has {len(found)} arrays: at most {MAX_OBJECTS} are read")
    total = sum(math.prod(each.shape) * max(each.dtype.itemsize, 4) for each in found.values())
    if total > EXPANSION * size + SMALL:
        raise InputError(f"its arrays state {total} bytes in a file of {size}: the sizes are not true")
    start = within + "/"
    return {
        path.removeprefix(start): np.asarray(each[()], np.float32)
        for path, each in found.items()
        if path.startswith(start)
    }


def _datasets(group: Any, path: str, depth: int, seen: set[Any]) -> Generator[tuple[str, Any]]:
    h5py = required("h5py", "reading Keras's weights")
    if depth > MAX_DEPTH or len(seen) > MAX_OBJECTS:
        raise InputError("its groups are nested without end, or too many")
    for name in group:
        where = f"{path}/{name}" if path else name
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            kind = type(link).__name__
            raise InputError(f"{where[:120]} is a {kind} to elsewhere: a model holds its own weights")
        each = group[name]
        address = h5py.h5o.get_info(each.id).addr
        if address in seen:
            raise InputError(f"{where[:120]} is the same object as another: a model's tree has each once")
        seen.add(address)
        if isinstance(each, h5py.Group):
            yield from _datasets(each, where, depth + 1, seen)
        elif isinstance(each, h5py.Dataset):
            if (reason := _why_not(each)) is not None:
                raise InputError(f"{where[:120]}: {reason}")
            yield where, each
        else:
            raise InputError(f"{where[:120]} is neither a group nor an array")


def _why_not(dataset: Any) -> str | None:
    """Why an array is not read."""
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        return "its numbers are kept in another file, which is not opened"
    if dataset.is_virtual:
        return "it is put together of other files' arrays, which are not opened"
    filters = {properties.get_filter(index)[0] for index in range(properties.get_nfilters())}
    if not filters <= KNOWN_FILTERS:
        return f"it is packed by filters {sorted(filters - KNOWN_FILTERS)}, which are not part of HDF5"
    if dataset.dtype.kind not in "fiu" or dataset.shape is None:
        return f"it holds {dataset.dtype}, expected numbers"
    return None


def under(arrays: Mapping[str, NDArray[np.float32]], prefix: str) -> Arrays:
    """The arrays below a group, by the rest of their path."""
    start = prefix.rstrip("/") + "/"
    return {path.removeprefix(start): array for path, array in arrays.items() if path.startswith(start)}
