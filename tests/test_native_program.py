"""Networks in the kernels: what they answer, show and derive is what the equations give."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from marks import needs_kernels

from latchwork.core import spec, table
from latchwork.core.errors import InputError
from latchwork.core.spec import (
    GRU,
    LSTM,
    Ahead,
    Bidirectional,
    CoupledLSTM,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    PeepholeLSTM,
    Pooling,
    Sequential,
    SimpleRNN,
)
from latchwork.engines.native import program
from latchwork.engines.plain.server import PlainServer

pytestmark = needs_kernels

TOLERANCE = 1e-5  # norm of the difference over norm
ACTIVATIONS: tuple[Any, ...] = (None, "tanh", "relu", "sigmoid")
CELLS = (SimpleRNN, GRU, LSTM, PeepholeLSTM, CoupledLSTM)


def parameters_of(network: Sequential, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = table.initial_parameters(network, seed)
    return {name: array + rng.normal(0, 0.1, array.shape).astype(np.float32) for name, array in first.items()}


def assert_near(found: np.ndarray, expected: np.ndarray, tolerance: float = TOLERANCE) -> None:
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.linalg.norm(found - expected) <= tolerance * max(np.linalg.norm(expected), 1e-3)


class Case:
    """A random network of every layer, its inputs and its lengths."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.rng, self.batch = rng, int(rng.choice([1, 3, 17, 130, 700], p=[0.2, 0.3, 0.3, 0.1, 0.1]))
        self.time, self.features = int(rng.integers(1, 9)), int(rng.integers(1, 20))
        layers: list[spec.Layer] = [Embedding(11, self.features)] if rng.random() < 0.3 else []
        steps = True
        for _ in range(rng.integers(1, 5)):
            units = int(rng.integers(1, 40))
            cell = CELLS[rng.integers(len(CELLS))]
            settings: dict[str, Any] = {"activation": "relu"} if cell is SimpleRNN and rng.random() < 0.5 else {}
            choice = rng.integers(8)
            if choice < 3 and steps:
                steps = rng.random() < 0.8
                inner = cell(units, return_sequences=steps, dropout=0.2, **settings)
                backwards = cell(units, return_sequences=steps, reverse=True, **settings)
                layers.append([inner, backwards, Bidirectional(inner)][choice])
            elif choice == 3 and steps:
                kinds = rng.permutation(["first", "last", "mean", "max"]).tolist()
                layers.append(Pooling(tuple(kinds[: rng.integers(1, 5)])))
                steps = False
            elif choice == 4:
                layers.append(LayerNorm())
            elif choice == 5:
                layers.append(Dropout(0.5))
            else:
                layers.append(Dense(units, ACTIVATIONS[rng.integers(4)]))
        self.ahead = None
        if not steps and rng.random() < 0.3:
            layers += [Ahead(7, 3, "tanh"), Dense(2)]
            self.ahead = rng.normal(size=(self.batch, 5, 3)).astype(np.float32)
        self.tokens = isinstance(layers[0], Embedding)
        self.network = Sequential(layers).with_input((None,) if self.tokens else (None, self.features))
        self.parameters = parameters_of(self.network, seed)
        shape = (self.batch, self.time)
        self.inputs = (
            rng.integers(0, 11, shape) if self.tokens else rng.normal(size=(*shape, self.features)).astype(np.float32)
        )
        self.lengths = rng.integers(1, self.time + 1, self.batch) if rng.random() < 0.5 else None
        self.plain = PlainServer(self.network, self.parameters)

    @property
    def steps_on(self) -> bool:
        return not any(
            isinstance(layer, Bidirectional | Ahead) or getattr(layer, "reverse", False)
            for layer in self.network.layers
        )


def past_lengths_zeroed(outputs: np.ndarray, case: Case) -> np.ndarray:
    """What stands past a length means nothing: a dense layer gives its bias there."""
    if case.lengths is None or outputs.ndim == 2 or case.ahead is not None:
        return outputs
    return np.where((np.arange(case.time) < case.lengths[:, None])[..., None], outputs, np.float32(0))


@pytest.mark.parametrize("seed", range(120))
def test_random_networks_answer_as_their_equations(seed: int):
    case = Case(seed)
    expected = case.plain.run(case.inputs, case.lengths, ahead=case.ahead)
    outputs = program.serve(case.network, case.parameters).run(case.inputs, case.lengths, ahead=case.ahead)
    assert_near(past_lengths_zeroed(outputs, case), past_lengths_zeroed(expected, case))


@pytest.mark.parametrize("seed", range(60))
def test_step_by_step_they_answer_the_whole_sequence(seed: int):
    case = Case(seed)
    server = program.serve(case.network, case.parameters)
    if not case.steps_on:
        with pytest.raises(InputError, match="cannot go step by step"):
            server.initial_state(case.batch)
        return
    state, plain = server.initial_state(case.batch), case.plain.initial_state(case.batch)
    outputs = np.zeros(0)
    for at in range(case.time):
        outputs, state = server.step(case.inputs[:, at], state)
        expected, plain = case.plain.step(case.inputs[:, at], plain)
        assert_near(outputs, expected)
    whole = server.run(case.inputs)
    assert_near(outputs, whole if whole.ndim == 2 else whole[:, -1])
    first, state = server.advance(case.inputs, server.initial_state(case.batch))
    assert_near(first, whole)
    again = np.concatenate([case.inputs] * 2, axis=1)
    second, _ = server.advance(case.inputs, state)
    expected = server.run(again)
    assert_near(second, expected if expected.ndim == 2 else expected[:, case.time :])


@pytest.mark.parametrize("seed", range(60))
def test_a_trace_is_what_the_equations_compute(seed: int):
    case = Case(seed)
    if case.ahead is not None:
        return
    traced, outputs = program.trace(case.network, case.parameters, case.inputs, case.lengths)
    expected, answer = case.plain.trace(case.inputs, case.lengths)
    assert_near(past_lengths_zeroed(outputs, case), past_lengths_zeroed(answer, case))
    assert [layer for layer, _, _ in traced] == list(expected)
    for layer, names, arrays in traced:
        assert list(names) == list(expected[layer])
        assert_near(arrays, np.stack(list(expected[layer].values())))


@pytest.mark.parametrize("seed", range(60))
def test_a_gradient_is_the_slope_of_the_outputs(seed: int):
    """Beside central differences of the equations in double, along a random direction."""
    case = Case(seed)
    network, parameters, inputs = case.network, case.parameters, case.inputs
    if case.tokens:
        inputs = case.rng.normal(size=(*inputs.shape, case.features)).astype(np.float32)  # no two alike: no ties
        above = Sequential(network.layers[1:] or [Dropout(0.1)]).with_input((None, case.features))
        below = {f"layers.{int(name.split('.')[1]) - 1}.{name.split('.', 2)[2]}": array
                 for name, array in parameters.items() if not name.startswith("layers.0.")}  # fmt: skip
    else:
        above, below = network, parameters
    exact = PlainServer(above, {name: array.astype(np.float64) for name, array in below.items()})
    answers = PlainServer(above, below).run(inputs, case.lengths, ahead=case.ahead)
    by = past_lengths_zeroed(case.rng.normal(size=answers.shape), case)
    outputs, by_inputs = program.gradient(
        network, parameters, inputs, by.astype(np.float32), case.lengths, ahead=case.ahead
    )
    assert_near(past_lengths_zeroed(outputs, case), past_lengths_zeroed(answers, case))
    way = case.rng.normal(size=inputs.shape)
    ahead = None if case.ahead is None else case.ahead.astype(np.float64)

    def weighed(distance: float) -> float:
        return float((exact.run(inputs + distance * way, case.lengths, ahead=ahead) * by).sum())

    slopes = [(weighed(step) - weighed(-step)) / (2 * step) for step in (1e-4, 1e-5, 1e-6)]
    found = float((by_inputs.astype(np.float64) * way).sum())
    # A kink of relu or of a maximum may lie between two points: the best of three.
    size = np.linalg.norm(by_inputs) * np.sqrt(way.size) + 1e-3
    assert min(abs(slope - found) for slope in slopes) < 1e-3 * size


def test_symbols_have_no_derivatives():
    network = Sequential([Embedding(5, 3), LSTM(2)]).with_input((None,))
    with pytest.raises(InputError, match="vectors"):
        program.gradient(network, parameters_of(network), np.zeros((1, 4), int), np.zeros((1, 2)))


def test_any_number_of_threads_shares_a_server():
    case = Case(7)
    server = program.serve(case.network, case.parameters)
    expected = server.run(case.inputs, case.lengths, ahead=case.ahead)
    with ThreadPoolExecutor(8) as pool:
        for outputs in pool.map(lambda _: server.run(case.inputs, case.lengths, ahead=case.ahead), range(200)):
            assert (outputs == expected).all()


def test_inputs_are_scaled_in_double():
    network = Sequential([LSTM(4), Dense(2)]).with_input((None, 2))
    parameters = parameters_of(network)
    offset, scale = np.array([1e6 + 0.5, -1.0]), np.array([0.25, 3.0])
    inputs = (np.random.default_rng(0).normal(size=(5, 6, 2)) * scale + offset).astype(np.float32)
    server = program.serve(network, parameters, offset=offset, scale=scale)
    scaled = ((inputs.astype(np.float64) - offset) / scale).astype(np.float32)
    np.testing.assert_array_equal(server.run(inputs), program.serve(network, parameters).run(scaled))


def test_steps_of_scores_are_probabilities():
    network = Sequential([LSTM(4), Dense(30)]).with_input((None, 2))
    server = program.serve(network, parameters_of(network), scores=True)
    inputs = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    outputs, _ = server.step(inputs, server.initial_state(3))
    scores = np.exp(server.run(inputs[:, None]))
    np.testing.assert_allclose(outputs, scores / scores.sum(axis=-1, keepdims=True), rtol=1e-5)


def test_vectors_need_no_time_axis():
    network = Sequential([Dense(7, "tanh"), LayerNorm(), Dense(3)]).with_input((4,))
    parameters = parameters_of(network)
    inputs = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert_near(program.serve(network, parameters).run(inputs), PlainServer(network, parameters).run(inputs))


def test_what_cannot_be_is_said():
    network = Sequential([LSTM(4), Dense(3)]).with_input((None, 2))
    server = program.serve(network, parameters_of(network))
    good = np.zeros((2, 5, 2), np.float32)
    for inputs, lengths, words in [
        (good * np.nan, None, "missing or infinite"),
        (good[..., :1], None, "do not fit"),
        (good[0], None, "3 axes"),
        (good[:0], None, "empty"),
        (good, [6, 1], "from 1 to 5"),
        (good, [1], "from 1 to 5"),
        ([["a"]], None, "axes"),
    ]:
        with pytest.raises(InputError, match=words):
            server.run(inputs, lengths)
    with pytest.raises(InputError, match="2 sequences and a state of 3"):
        server.step(good[:, 0], server.initial_state(3))
    tokens = Sequential([Embedding(5, 3), LSTM(2)]).with_input((None,))
    for wrong in (5, -1):
        with pytest.raises(InputError, match="does not know"):
            program.serve(tokens, parameters_of(tokens)).run(np.full((2, 3), wrong))
    with pytest.raises(InputError, match="whole"):
        program.serve(tokens, parameters_of(tokens)).run(np.zeros((2, 3)))
    with pytest.raises(InputError, match="missing"):
        program.serve(network, {})
    looking = Sequential([LSTM(4), Ahead(3, 2)]).with_input((None, 2))
    with pytest.raises(InputError, match="known ahead"):
        program.serve(looking, parameters_of(looking)).run(good)


def test_another_networks_state_is_refused():
    networks = [Sequential([LSTM(units), Dense(3)]).with_input((None, 2)) for units in (4, 5)]
    servers = [program.serve(network, parameters_of(network)) for network in networks]
    assert servers[0].quick_step(np.zeros((1, 2), np.float32), servers[1].initial_state(1)) is None
