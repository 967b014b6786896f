"""Every cell, out of the table that builds them: a new cell gets all tests by its row in `core.table`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from latchwork.core import spec
from latchwork.core.cells import Cell
from latchwork.core.table import CELLS
from latchwork.engines import native
from latchwork.engines.jax.layers import build_layer

UNITS = 5
LAYERS: dict[str, spec.Recurrent] = {kind.__name__: kind(UNITS) for kind in CELLS}
LAYERS["SLSTM, exponential, heads"] = spec.SLSTM(UNITS, heads=UNITS, forget_gate="exponential")
LAYERS["SimpleRNN, relu"] = spec.SimpleRNN(UNITS, activation="relu")
LAYERS["LSTM, relu"] = spec.LSTM(UNITS, activation="relu")
LAYERS["GRU, relu"] = spec.GRU(UNITS, activation="relu")
ENGINES = ("scan", "fused") if native.available() else ("scan",)


def random_cell(layer: spec.Recurrent, features: int, seed: int = 0, dtype: Any = jnp.float32) -> Cell[Any]:
    """The layer's cell with random arrays, biases and peepholes among them."""
    rng = np.random.default_rng(seed)
    shapes = layer.parameter_shapes((None, features))
    arrays = {name: jnp.asarray(rng.normal(0, 0.6, size), dtype) for name, size in shapes.items()}
    return build_layer(layer, arrays).cell  # pyright: ignore[reportAttributeAccessIssue]


def random_state(cell: Cell[Any], batch: int, seed: int = 1) -> Any:
    """A state that is not zero; a normaliser is a sum of exponentials."""
    rng = np.random.default_rng(seed)
    zeros = cell.initial_state((batch,))
    drawn = [jnp.asarray(rng.normal(size=zero.shape), zero.dtype) for zero in zeros]
    named = dict(zip(zeros._fields, drawn, strict=True))
    return type(zeros)(**named | {name: jnp.abs(named[name]) for name in named if name == "normalizer"})


def assert_close(found: Any, expected: Any, tolerance: float) -> None:
    """Every tensor: the norm of the difference is at most `tolerance` of the norm."""
    pairs = zip(jax.tree_util.tree_leaves_with_path(expected), jax.tree.leaves(found), strict=True)
    for (path, wanted), given in pairs:
        where, a, b = jax.tree_util.keystr(path), np.asarray(wanted, np.float64), np.asarray(given, np.float64)
        assert a.shape == b.shape, f"{where}: {b.shape} in place of {a.shape}"
        error = np.linalg.norm(a - b) / (np.linalg.norm(a) or 1.0)
        assert error <= tolerance, f"{where}: {error:.2g} is above {tolerance:g}"


def kernel_name(layer: spec.Recurrent) -> str | None:
    """The kernels' name of a layer's cell; None where they have none."""
    kernel = CELLS[type(layer)].kernel
    return None if kernel is None else kernel(layer)
