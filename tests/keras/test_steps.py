"""Ten training steps beside Keras's own, from the same weights: losses, metrics, weights, answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import BATCH, CASES, STEPS, Case
from marks import needs_kernels

from latchwork import keras
from latchwork.core.errors import InputError

pytestmark = needs_kernels
GOLDENS = Path(__file__).parents[1] / "goldens" / "keras_steps.npz"


@pytest.fixture(scope="module")
def goldens() -> dict[str, dict[str, Any]]:
    cases: dict[str, dict[str, Any]] = {}
    with np.load(GOLDENS) as arrays:
        for name in arrays.files:
            case, _, key = name.partition("/")
            cases.setdefault(case, {})[key] = arrays[name]
    return cases


def listed(golden: dict[str, Any], prefix: str) -> list[np.ndarray]:
    names = sorted((name for name in golden if name.startswith(prefix)), key=lambda name: int(name.split(".")[1]))
    return [golden[name] for name in names]


def begun(name: str, golden: dict[str, Any]) -> Case:
    case = CASES[name](keras)
    assert [array.shape for array in case.model.get_weights()] == [one.shape for one in listed(golden, "weights.")]
    case.model.set_weights(listed(golden, "weights."))
    return case


def close(found: Any, expected: Any, what: str, tolerance: float = 1e-4) -> None:
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=what)


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_are_keras_own(name: str, goldens: dict[str, Any]):
    golden = goldens[name]
    model, x, y = begun(name, golden)
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        close(np.atleast_1d(model.train_on_batch(x[rows], y[rows])), golden["losses"][step], f"step {step}")
    for at, (found, expected) in enumerate(zip(model.get_weights(), listed(golden, "after."), strict=True)):
        close(found, expected, f"weights {at} afterwards", 3e-4)
    model.reset_states()
    close(np.atleast_1d(model.evaluate(x, y, batch_size=BATCH, verbose=0)), golden["evaluated"], "evaluate")
    model.reset_states()
    predicted, real = model.predict(x[:BATCH]), np.True_
    if name == "bidirectional_with_masking":
        real = (x[:BATCH] != -1).any(axis=-1)[..., None]
    close(np.where(real, predicted, 0), np.where(real, golden["predicted"], 0), "predict")


@pytest.mark.parametrize("name", CASES)
def test_fit_does_the_same_steps(name: str, goldens: dict[str, Any]):
    golden = goldens[name]
    model, x, y = begun(name, golden)
    history = model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    close(history.history["loss"], [golden["losses"][:, 0].mean()], "the epoch's loss")
    for found, expected in zip(model.get_weights(), listed(golden, "after."), strict=True):
        close(found, expected, "weights afterwards", 3e-4)


def test_a_wrong_step_is_noticed(goldens: dict[str, Any]):
    golden = goldens["many_to_one"]
    model, x, y = begun("many_to_one", golden)
    model.optimizer.learning_rate = 0.00105  # in place of 0.001
    losses = [model.train_on_batch(x[at : at + BATCH], y[at : at + BATCH])[0] for at in range(0, len(x), BATCH)]
    with pytest.raises(AssertionError):
        close(losses, golden["losses"][:, 0], "losses")


def test_weights_of_other_shapes_are_refused():
    model = CASES["many_to_one"](keras).model
    with pytest.raises(InputError, match="weights of shapes"):
        model.set_weights([array.T for array in model.get_weights()])
