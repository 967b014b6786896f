"""Scripts that were written for Keras, run with their imports changed and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
SCRIPTS = sorted(path.stem for path in (FOLDER / "scripts").glob("*.txt"))


def changed(text: str, module: str = "latchwork.keras") -> str:
    """The script with its imports of Keras turned to another module: the lines that begin so, and nothing else."""
    return re.sub(r"^(from|import) (?:tensorflow\.)?keras\b", rf"\1 {module}", text, flags=re.MULTILINE)


def run(text: str, seed: int | None = None) -> dict[str, Any]:
    """What a script leaves behind."""
    if seed is not None:
        np.random.seed(seed)
    left: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, "script", "exec"), left)
    return left
