"""A text as parallel streams of windows, so that each batch goes on where the last one stopped.

The text is cut into `streams` parts of equal length, read side by side: row r of batch s is window s of part r, and
the network's state of row r is carried from batch to batch. Nothing is copied until a window is asked for, so a text
mapped from disk is streamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.training import Data

_CHUNK_TOKENS = 1 << 24  # held on the device at a time


@dataclass(frozen=True)
class Windows:
    """The windows of a text as rows of an array that is made as it is read.

    Attributes:
        ids: token ids `[tokens]`.
        streams: parts read side by side.
        length: tokens in a window.
        ahead: 0 for what the network is given, 1 for what it has to predict.
    """

    ids: NDArray[Any]
    streams: int
    length: int
    ahead: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of an id."""
        return self.ids.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """Windows and tokens in each."""
        return self._steps * self.streams, self.length

    @property
    def _part(self) -> int:
        """Tokens in a stream."""
        return (len(self.ids) - 1) // self.streams

    @property
    def _steps(self) -> int:
        return self._part // self.length

    def __len__(self) -> int:
        """The number of windows; the text's last tokens that fill no window are left out."""
        return self.shape[0]

    def __getitem__(self, rows: slice | int) -> NDArray[Any]:
        """Windows `[rows, length]`, or one `[length]`."""
        wanted = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        step, stream = np.divmod(wanted, self.streams)
        starts = stream * self._part + step * self.length + self.ahead
        return np.asarray(self.ids[starts[..., None] + np.arange(self.length)])


def as_streams(ids: NDArray[Any], streams: int, length: int) -> Data:
    """A text as training data: `inputs` and, one token on, `targets`.

    Raises:
        InputError: the text is shorter than one window of each stream.
    """
    if len(ids) <= streams * length:
        raise InputError(f"got {len(ids)} tokens: {streams} streams of {length} tokens need {streams * length + 1}")
    # An id takes up to 8 bytes here, as input and target; chunks end with a whole batch, so that states carry over.
    chunk = max(1, _CHUNK_TOKENS // (streams * length)) * streams
    windows = {name: Windows(ids, streams, length, ahead) for name, ahead in (("inputs", 0), ("targets", 1))}
    rows = len(windows["inputs"])
    return Data(windows, chunk_rows=chunk if rows > chunk else None, shuffle=False)  # pyright: ignore[reportArgumentType]  # reads like an array
