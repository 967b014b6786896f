"""What the size of parameters adds to the loss: reported with it, and in the gradient, in the kernels and in XLA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from marks import needs_kernels
from tasks import bits

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, Bidirectional, Dense, Sequential
from latchwork.training import (
    Data,
    Fitted,
    MeanSquaredError,
    Optimizer,
    Penalty,
    SideBySide,
    Supervised,
    evaluate,
    fit,
)

pytestmark = needs_kernels

NETWORK = Sequential([Bidirectional(GRU(40, return_sequences=True)), LSTM(5), Dense(2)])
NAMES = ("layers.0.forward.input_weight", "layers.0.backward.hidden_weight", "layers.1.bias", "layers.2.weight")
PENALTIES = tuple(Penalty(name, l1=0.01 * place, l2=0.3 / (1 + place)) for place, name in enumerate(NAMES))
RNG = np.random.default_rng(0)
ROWS = {
    "inputs": RNG.normal(size=(40, 6, 3)).astype(np.float32),
    "targets": RNG.normal(size=(40, 2)).astype(np.float32),
    "weight": RNG.uniform(0.5, 2, 40).astype(np.float32),
}


def model(seed: int = 1) -> NetworkData:
    """With a bias that is not all zero, and one number that is: its penalty has no slope."""
    data = NetworkData.build(NETWORK, (6, 3), seed)
    weight = data.parameters[NAMES[0]].copy()
    weight[0, 0] = 0
    return NetworkData(data.spec, {**data.parameters, NAMES[0]: weight})


def train(penalties: tuple[Penalty, ...], **options: Any) -> Fitted:
    """One step of plain descent, or as the options say."""
    settings: dict[str, Any] = {"steps": 1, "batch_size": 40, "optimizer": Optimizer("sgd", 0.1), "progress": "none"}
    return fit(model(), Supervised(MeanSquaredError(), penalties=penalties), Data(ROWS), **settings | options)


def cost(of: NetworkData) -> float:
    """All penalties, in float64."""
    arrays = {name: array.astype(np.float64) for name, array in of.parameters.items()}
    return sum(each.l1 * abs(arrays[each.name]).sum() + each.l2 * (arrays[each.name] ** 2).sum() for each in PENALTIES)


@pytest.mark.parametrize("way", ["native", "xla"])
def test_the_loss_and_its_gradient_hold_the_penalty(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATCHWORK_BLOCK", way)
    start, plain, penalised = model(), train(()), train(PENALTIES)
    assert penalised.history.block.startswith(way)
    assert penalised.history.last("loss") == pytest.approx(plain.history.last("loss") + cost(start), rel=1e-5)
    by_name = {each.name: each for each in PENALTIES}
    for name, before in start.parameters.items():
        one = by_name.get(name, Penalty(name))
        slope = one.l1 * np.sign(before.astype(np.float64)) + 2 * one.l2 * before
        expected = plain.model.parameters[name] - 0.1 * slope
        np.testing.assert_allclose(penalised.model.parameters[name], expected, rtol=2e-5, atol=1e-6, err_msg=name)
    objective = Supervised(MeanSquaredError(), penalties=PENALTIES)
    alone = evaluate(start, Supervised(MeanSquaredError()), Data(ROWS), batch_size=16)["loss"]
    assert evaluate(start, objective, Data(ROWS), batch_size=16)["loss"] == pytest.approx(alone + cost(start), rel=1e-5)


def test_both_ways_learn_alike_with_clipping(monkeypatch: pytest.MonkeyPatch):
    found: list[Fitted] = []
    for way in ("native", "xla"):
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        found.append(train(PENALTIES, steps=12, batch_size=16, optimizer=Optimizer("adam", 0.01, clip=0.5)))
    for name, value in found[0].model.parameters.items():
        np.testing.assert_allclose(value, found[1].model.parameters[name], rtol=1e-3, atol=3e-5, err_msg=name)
    assert found[0].history.last("loss") == pytest.approx(found[1].history.last("loss"), rel=1e-4)


def test_members_are_penalised_each_by_itself():
    options: dict[str, Any] = {"steps": 3, "batch_size": 40, "optimizer": Optimizer("sgd", 0.1), "progress": "none"}
    objective = Supervised(MeanSquaredError(), penalties=PENALTIES)
    together = fit(NetworkData.stacked([model(1), model(2)]), SideBySide(objective), Data(ROWS), **options)
    for place in (0, 1):
        alone = fit(model(1 + place), objective, Data(ROWS), **options)
        assert bits(together.model.member(place)) == bits(alone.model)


@pytest.mark.parametrize(
    ("penalties", "words"),
    [
        ((Penalty("layers.9.weight", l2=1),), "the network learns no 'layers.9.weight': it has layers.0.forward.input"),
        ((Penalty(NAMES[0], l1=-1),), "l1 and l2 are numbers of at least 0"),
        ((Penalty(NAMES[0], l1=1), Penalty(NAMES[0], l2=1)), "two penalties of layers.0.forward.input_weight"),
    ],
)
def test_what_means_nothing_is_refused(penalties: tuple[Penalty, ...], words: str):
    with pytest.raises(InputError, match=words):
        train(penalties)
