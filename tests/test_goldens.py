"""Our cells beside PyTorch's, Keras's and ONNX Runtime's: outputs, final states and gradients.

The committed files were made by the scripts in tests/goldens. Case by case, the same function is differentiated:
`sum(outputs * output_weight) + sum(final * final_weight)`.
"""

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from latchwork import cells, spec
from latchwork.runtime import numpy_cells
from latchwork.unroll import unroll

GOLDENS = Path(__file__).parent / "goldens"
CELLS = {
    "SimpleRNN": cells.SimpleRNNCell,
    "GRU": cells.GRUCell,
    "LSTM": cells.LSTMCell,
    "PeepholeLSTM": cells.PeepholeLSTMCell,
    "CoupledLSTM": cells.CoupledLSTMCell,
}
TOLERANCE = {"float64": 1e-12, "float32": 2e-6}  # of the largest value of each array


def read_all() -> dict[str, dict[str, np.ndarray]]:
    """Every case's arrays, by `torch/LSTM/ragged`."""
    cases: dict[str, dict[str, np.ndarray]] = {}
    for source in ("torch", "keras", "onnx"):
        with np.load(GOLDENS / f"{source}.npz") as file:
            for name in file.files:
                cell, case, array = name.split("/")
                cases.setdefault(f"{source}/{cell}/{case}", {})[array] = file[name]
    return cases


CASES = read_all()


def part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


@partial(jax.jit, static_argnames=("reverse", "engine"))
def answer(cell: Any, inputs: Any, state: Any, lengths: Any, weights: Any, *, reverse: bool, engine: str) -> Any:
    """Outputs, final state, and the gradients by cell, inputs and first state."""

    def total(cell: Any, inputs: Any, state: Any) -> Any:
        outputs, final = unroll(cell, inputs, state, lengths, reverse=reverse, engine=engine)
        sums = [jnp.sum(outputs * weights[0]), *(jnp.sum(a * b) for a, b in zip(final, weights[1], strict=True))]
        return sum(sums), (outputs, final)

    gradients, (outputs, final) = jax.grad(total, argnums=(0, 1, 2), has_aux=True)(cell, inputs, state)
    return outputs, final, gradients


def close(found: Any, expected: np.ndarray, tolerance: float) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=tolerance * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "engine"), [("float64", "scan"), ("float32", "auto")])
def test_cell(name: str, dtype: str, engine: str):
    _, kind, case = name.split("/")
    golden = CASES[name]
    tolerance = 1e-6 if "onnx" in name else TOLERANCE[dtype]  # ONNX Runtime computes in float32
    with jax.enable_x64(dtype == "float64"):
        cast = {key: jnp.asarray(array, dtype) for key, array in golden.items() if key != "lengths"}
        cell = CELLS[kind](**part(cast, "parameter."))
        states = part(cast, "initial.")
        state = type(cell.initial_state((1,)))(**states)
        zeros = jnp.zeros((*cast["inputs"].shape[:2], cell.hidden_size), dtype)
        weights = (
            cast.get("output_weight", zeros),
            tuple(cast.get(f"final_weight.{key}", zeros[:, 0]) for key in states),
        )
        # Without lengths once; elsewhere full ones, so that fewer programs are compiled.
        full = None if case == "full" and dtype == "float64" else np.full(*zeros.shape[:2], np.int32)
        lengths = golden.get("lengths", full)
        outputs, final, (by_cell, by_inputs, by_state) = answer(
            cell, cast["inputs"], state, lengths, weights, reverse=case == "reverse", engine=engine
        )
        if "outputs" in golden:
            close(outputs, golden["outputs"], tolerance)
        for key, expected in part(golden, "final.").items():
            close(getattr(final, key), expected, tolerance)
        for key, expected in part(golden, "gradient.parameter.").items():
            close(getattr(by_cell, key), expected, tolerance)
        for key, expected in part(golden, "gradient.initial.").items():
            close(getattr(by_state, key), expected, tolerance)
        if "gradient.inputs" in golden:
            close(by_inputs, golden["gradient.inputs"], tolerance)


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("full")])
def test_the_runtimes_step(name: str):
    _, kind, _ = name.split("/")
    golden = CASES[name]
    parameters = part(golden, "parameter.")
    layer = getattr(spec, kind)(parameters["hidden_weight"].shape[0])
    state = tuple(part(golden, "initial.").values())
    for at, inputs in enumerate(golden["inputs"].swapaxes(0, 1)):
        state = numpy_cells.step(layer, parameters, numpy_cells.project(layer, parameters, inputs), state)
        close(state[0], golden["outputs"][:, at], 1e-6 if "onnx" in name else 1e-12)
    for found, expected in zip(state, part(golden, "final.").values(), strict=True):
        close(found, expected, 1e-6 if "onnx" in name else 1e-12)


def test_every_framework_and_cell_is_there():
    assert len(CASES) == 24
    gradients = [name for name, arrays in CASES.items() if "gradient.inputs" in arrays]
    assert len(gradients) == 18
