"""Files of Keras and PyTorch and what the originals answer: made by `scripts/make_interop_goldens.py`."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "goldens"


@cache
def read(archive: str) -> tuple[dict[str, bytes], dict[str, np.ndarray]]:
    """The files of an archive by name, and its arrays (`NAME.x`, `NAME.y`)."""
    with zipfile.ZipFile(FOLDER / archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    with np.load(io.BytesIO(files.pop("answers.npz"))) as arrays:
        return files, dict(arrays)
