"""The table, the kernels and the page hold together; and a cell is added by its description, its equation and a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import test_unroll
from every_cell import LAYERS, UNITS, assert_close, random_cell

import latchwork as lw
from latchwork import runtime
from latchwork.core import spec, table
from latchwork.core.arrays import sigmoid, split, tanh
from latchwork.core.cells import Cell
from latchwork.core.network import NetworkData
from latchwork.engines.plain import cells as plain
from latchwork.engines.plain.server import PlainServer


def test_every_layer_has_one_row_and_every_row_its_layer():
    rows = {*table.CELLS, *table.LAYERS, spec.Bidirectional}
    assert rows == set(spec.LAYERS.values())
    assert {name for name in spec.__all__ if name != "Sequential"} == set(spec.LAYERS)
    assert all(getattr(lw, name) is kind for name, kind in spec.LAYERS.items())


@pytest.mark.parametrize("name", LAYERS)
def test_a_row_fits_its_cell(name: str):
    layer = LAYERS[name]
    row = table.cell_row(layer)
    assert set(layer.gates) <= {*row.gates, "hidden"}, "the description's gates are not the cell's"
    assert row.states[0] == "hidden" == row.traced[-1]
    shapes = layer.parameter_shapes((None, 3))
    cell = row.build(layer, {name: np.zeros(size, np.float32) for name, size in shapes.items()})
    assert list(cell.weights()) == list(shapes), "arrays in another order"


# A leaky integrator: one gate says how much of the old state stays. It stands for a cell that somebody brings.


class LeakyState(NamedTuple):
    hidden: Any


class LeakyGates(NamedTuple):
    keep: Any
    candidate: Any


@dataclass(frozen=True, repr=False)
class Leaky(spec.Recurrent):
    """h' = k h + (1 - k) tanh(g), k = sigmoid(k)."""

    gates: ClassVar[tuple[str, ...]] = ("keep", "candidate")


@dataclass(frozen=True, eq=False)
class LeakyCell(Cell[LeakyState]):
    """k, g = split(x W + h U + b); h' = sigmoid(k) h + (1 - sigmoid(k)) tanh(g)."""

    input_weight: Any
    hidden_weight: Any
    bias: Any
    State: ClassVar[type[LeakyState]] = LeakyState
    Gates: ClassVar[type[LeakyGates]] = LeakyGates

    def project(self, inputs: Any) -> Any:
        return inputs @ self.input_weight + self.bias

    def step(self, projected: Any, state: LeakyState, hidden_mask: Any = None) -> tuple[Any, LeakyState]:
        keep, candidate = self._gates(projected, state, hidden_mask)
        hidden = keep * state.hidden + (1 - keep) * candidate
        return hidden, LeakyState(hidden)

    def gates(self, inputs: Any, state: LeakyState) -> LeakyGates:
        return self._gates(self.project(inputs), state, None)

    def _gates(self, projected: Any, state: LeakyState, mask: Any) -> LeakyGates:
        shown = state.hidden if mask is None else state.hidden * mask
        keep, candidate = split(projected + shown @ self.hidden_weight, 2)
        return LeakyGates(sigmoid(keep), tanh(candidate))


@pytest.fixture
def leaky() -> Iterator[str]:
    """The toy cell, in the table and among those that every contract is held for."""
    with table.added(table.CellRow(Leaky, LeakyCell)):
        LAYERS["Leaky"] = Leaky(UNITS)
        yield "Leaky"
        del LAYERS["Leaky"]
        test_unroll.case.cache_clear()


def takes_a_case(test: Any) -> bool:
    """Whether a test is held for every cell and engine."""
    marks = getattr(test, "pytestmark", [])
    return any(mark.args and mark.args[0] == ("name", "engine") for mark in marks)


CONTRACTS = [test for name, test in vars(test_unroll).items() if name.startswith("test_") and takes_a_case(test)]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda test: test.__name__)
def test_a_cell_of_ones_own_keeps_every_contract_in_jax(contract: Callable[..., None], leaky: str):
    contract(leaky, "scan")


def test_there_are_contracts():
    assert len(CONTRACTS) >= 4


def test_the_kernels_say_that_they_do_not_know_it(leaky: str):
    with pytest.raises(lw.InputError, match="the kernels do not know the cell LeakyCell"):
        test_unroll.unroll(random_cell(LAYERS[leaky], 4), test_unroll.INPUTS, engine="native")


@pytest.mark.parametrize("reverse", [False, True])
def test_it_computes_the_same_in_numpy_and_in_jax(leaky: str, reverse: bool):
    built = random_cell(LAYERS[leaky], 4)
    arrays = {name: np.asarray(array) for name, array in built.weights().items()}
    inputs, lengths = np.asarray(test_unroll.INPUTS), np.asarray(test_unroll.LENGTHS)
    found = plain.unroll(LeakyCell(**arrays), inputs, None, lengths, reverse=reverse)
    expected = test_unroll.unroll(built, test_unroll.INPUTS, None, test_unroll.LENGTHS, reverse=reverse, engine="scan")
    assert_close(found, expected, 1e-6)


def network(leaky: type[Leaky]) -> spec.Sequential:
    return lw.Sequential([lw.Bidirectional(leaky(4, return_sequences=True)), leaky(3), lw.Dense(2)])


def test_step_by_step_is_the_whole_sequence_in_numpy(leaky: str):
    data = NetworkData.build(lw.Sequential([Leaky(4, return_sequences=True), Leaky(3), lw.Dense(2)]), (None, 4))
    server, inputs = PlainServer(data.spec, data.parameters), np.asarray(test_unroll.INPUTS)
    state = server.initial_state(len(inputs))
    for time in range(inputs.shape[1]):
        output, state = server.step(inputs[:, time], state)
    np.testing.assert_allclose(output, server.run(inputs), rtol=1e-5, atol=1e-6)


def test_its_trace_has_its_own_gates(leaky: str):
    data = NetworkData.build(network(Leaky), (None, 4))
    found, _ = PlainServer(data.spec, data.parameters).trace(np.asarray(test_unroll.INPUTS))
    assert list(found) == ["layers.0.forward", "layers.0.backward", "layers.1"]
    assert all(list(arrays) == ["keep", "candidate", "hidden"] for arrays in found.values())


def test_a_cell_without_a_row_is_refused_by_name():
    with pytest.raises(lw.InputError, match=r"Leaky\(3\) has no row in the table"):
        NetworkData.build(lw.Sequential([Leaky(3)]), (None, 4))


def test_it_trains_is_saved_opened_and_answers_the_same(leaky: str, tmp_path: Path):
    X = np.random.default_rng(0).normal(size=(60, 6, 4)).astype(np.float32)
    y = np.where(X[:, :, 0].sum(axis=1) > 0, "up", "down")
    model = lw.SequenceClassifier(network(Leaky), epochs=30, learning_rate=1e-2, progress="none").fit(X, y)
    assert model.score(X, y) > 0.8
    model.save(tmp_path / "leaky.latch")
    for opened in (runtime.load(tmp_path / "leaky.latch"), lw.load(tmp_path / "leaky.latch")):
        np.testing.assert_array_equal(opened.predict(X), model.predict(X))
        np.testing.assert_allclose(opened.predict_proba(X), model.predict_proba(X), atol=1e-6)
