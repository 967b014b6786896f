"""Layers against what PyTorch, Keras and xlstm give for the same arrays, outputs and gradients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import ENGINES, assert_close

from latchwork.core import spec
from latchwork.engines.jax.compilation import COMPILE_FAST
from latchwork.engines.jax.layers import BidirectionalLayer, RecurrentLayer, build_layer

FOLDER = Path(__file__).with_name("goldens")


def load(framework: str) -> dict[str, dict[str, Any]]:
    cases: dict[str, dict[str, Any]] = {}
    with np.load(FOLDER / f"{framework}.npz") as arrays:
        for name in arrays.files:
            case, _, key = name.partition("/")
            cases.setdefault(case, {})[key] = arrays[name]
    return cases


FRAMEWORKS = ("pytorch", "keras", "xlstm")
GOLDENS = {(framework, name): case for framework in FRAMEWORKS for name, case in load(framework).items()}


def named(case: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in case.items() if key.startswith(prefix)}


def states(case: dict[str, Any], prefix: str) -> tuple[Any, ...]:
    """Each part of a state `[ways, batch, units]`."""
    return tuple(value for _, value in sorted(named(case, prefix).items()))


def run(layer: Any, inputs: Any, first: tuple[Any, ...], lengths: Any) -> tuple[Any, tuple[Any, ...]]:
    """Outputs, and each part of the final states with its ways side by side."""
    match layer:
        case RecurrentLayer():
            outputs, final = layer.run(
                inputs, type(layer.cell.initial_state(()))(*(part[0] for part in first)), lengths
            )
            return outputs, tuple(part[None] for part in final)
        case BidirectionalLayer():
            both = [
                run(one, inputs, tuple(part[way : way + 1] for part in first), lengths)
                for way, one in enumerate((layer.forward, layer.backward))
            ]
            final = tuple(jnp.concatenate(parts) for parts in zip(*(final for _, final in both), strict=True))
            return jnp.concatenate([outputs for outputs, _ in both], axis=-1), final
        case _:
            return layer(inputs, lengths), ()


def check(case: dict[str, Any], dtype: Any, tolerance: float) -> None:
    layer = spec.layer_from_dict(json.loads(str(case["spec"])))
    lengths = None if "lengths" not in case else jnp.asarray(case["lengths"])
    cast = lambda array: jnp.asarray(array, dtype if array.dtype.kind == "f" else None)  # noqa: E731
    arguments = jax.tree.map(cast, (named(case, "array."), case["inputs"], states(case, "state.")))
    weighed = jax.tree.map(cast, (case["by_outputs"], states(case, "by_state.")))
    by_arrays = named(case, "grad.")
    by_states, by_inputs = states(by_arrays, "state."), by_arrays.pop("inputs", None)
    by_arrays = {name: by for name, by in by_arrays.items() if not name.startswith("state.")}
    gradients = (by_arrays,) if by_inputs is None else (by_arrays, by_inputs, by_states)

    def loss(arrays: Any, inputs: Any, first: Any) -> tuple[Any, Any]:
        results = run(build_layer(layer, arrays), inputs, first, lengths)
        return sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), results, weighed))), results

    both = jax.grad(loss, argnums=tuple(range(len(gradients))), has_aux=True)
    found, results = jax.jit(both, compiler_options=dict(COMPILE_FAST))(*arguments)
    assert_close(results, (case["outputs"], states(case, "final.")), tolerance)
    assert_close(found, gradients, tolerance)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("framework", "name"), GOLDENS, ids=[" ".join(key) for key in GOLDENS])
def test_outputs_states_and_gradients(framework: str, name: str, engine: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATCHWORK_ENGINE", engine)
    # The goldens are float64: what is left is our own rounding.
    with jax.enable_x64(engine == "scan"):
        dtype, tolerance = (jnp.float64, 1e-12) if engine == "scan" else (jnp.float32, 5e-6)
        check(GOLDENS[framework, name], dtype, tolerance)


def test_the_scan_engine_in_single_precision(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATCHWORK_ENGINE", "scan")
    check(GOLDENS["pytorch", "lstm_both_ways_ragged"], jnp.float32, 2e-6)


@pytest.mark.parametrize("name", ["lstm_ragged", "gru_both_ways"])
def test_a_wrong_gate_order_is_noticed(name: str):
    case = dict(GOLDENS["pytorch", name])
    key = next(key for key in case if key.endswith("hidden_weight") and key.startswith("array."))
    case[key] = np.roll(case[key], 5, axis=1)
    with pytest.raises(AssertionError, match="above"):
        check(case, jnp.float32, 1e-5)
