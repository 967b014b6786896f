"""What the kernels' trainer knows beyond one network: members, looking ahead, unobserved targets, images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from marks import needs_kernels

from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, Ahead, Dense, Sequential
from latchwork.engines import native
from latchwork.training import (
    Accuracy,
    Data,
    Fitted,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Optimizer,
    SideBySide,
    SoftmaxCrossEntropy,
    Supervised,
    evaluate,
    fit,
)
from latchwork.training.losses import SmoothAbsoluteError
from latchwork.training.objectives import Member
from latchwork.transforms.augmentation import AffineImages

pytestmark = needs_kernels

ROWS, TIME, FEATURES, HORIZON, KNOWN = 41, 5, 3, 4, 2
LOOKING = Sequential([LSTM(6), Ahead(7, KNOWN, "tanh"), Dense(1)])
OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 8, "progress": "none"}


def looking_rows(missing: float = 0.0, members: int | None = None) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    own = () if members is None else (members,)
    targets = rng.normal(size=(ROWS, *own, HORIZON, 1)).astype(np.float32)
    targets[rng.uniform(size=targets.shape) < missing] = np.nan
    if missing:
        targets[:3] = np.nan  # rows of which nothing is known
    return {
        "inputs": rng.normal(size=(ROWS, TIME, FEATURES)).astype(np.float32),
        "ahead": rng.normal(size=(ROWS, HORIZON, KNOWN)).astype(np.float32),
        "targets": targets,
    }


def both_ways(monkeypatch: pytest.MonkeyPatch, model: NetworkData, objective: Any, given: Any, **options: Any) -> None:
    fitted: list[Fitted] = []
    for way in ("native", "xla"):
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        fitted.append(fit(model, objective, Data(given), **OPTIONS | options))
    ours, theirs = fitted
    for name, value in ours.model.parameters.items():
        np.testing.assert_allclose(value, theirs.model.parameters[name], rtol=1e-3, atol=3e-5, err_msg=name)
    for own, other in zip(ours.history.epochs, theirs.history.epochs, strict=True):
        for name in own.keys() - {"seconds"}:
            assert own[name] == pytest.approx(other[name], rel=2e-4, abs=1e-6), name


@pytest.mark.parametrize("mean", ["rows", "values"])
@pytest.mark.parametrize("missing", [0.0, 0.4])
@pytest.mark.parametrize("loss", [SmoothAbsoluteError(0.01), MeanSquaredError(), Huber(0.5)], ids=repr)
def test_looking_ahead_with_targets_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, loss: Any, missing: float, mean: Any
):
    objective = Supervised(loss, (("mae", MeanAbsoluteError()),), mean=mean)
    model = NetworkData.build(LOOKING, (TIME, FEATURES), 1)
    both_ways(monkeypatch, model, objective, looking_rows(missing))


def test_evaluation_counts_what_was_observed():
    model = NetworkData.build(LOOKING, (TIME, FEATURES), 1)
    given = looking_rows(0.4)
    from latchwork.engines.native import program

    outputs = program.serve(model.spec, model.parameters).run(given["inputs"], ahead=given["ahead"])
    figures = evaluate(model, Supervised(MeanAbsoluteError(), mean="values"), Data(given), batch_size=8)
    assert figures["loss"] == pytest.approx(np.nanmean(abs(outputs - given["targets"])), rel=1e-5)


def test_each_member_is_trained_as_it_would_be_alone():
    """Rows, rates, clips and seeds of their own; rows that all share, targets of each."""
    rng = np.random.default_rng(0)
    network = Sequential([GRU(5, dropout=0.2), Dense(2)])
    objective = Supervised(MeanSquaredError())
    inputs = rng.normal(size=(ROWS, TIME, FEATURES)).astype(np.float32)
    targets = rng.normal(size=(ROWS, 3, 2)).astype(np.float32)
    chosen = [rng.permutation(ROWS)[:24] for _ in range(3)]
    members = [
        Member(rows=rows, rate=rate, clip=clip, seed=seed)
        for rows, rate, clip, seed in zip(chosen, (1.0, 0.5, 2.0), (None, 0.01, 0.1), (7, 8, 9), strict=True)
    ]
    networks = [NetworkData.build(network, (TIME, FEATURES), seed) for seed in range(3)]
    together = fit(
        NetworkData.stacked(networks), SideBySide(objective, tuple(members)),
        Data({"inputs": inputs, "targets": targets}), **OPTIONS,
    )  # fmt: skip
    assert together.history.block == "native"
    for place, (member, rows) in enumerate(zip(members, chosen, strict=True)):
        given = {"inputs": inputs[rows], "targets": np.ascontiguousarray(targets[rows, place])}
        optimizer = Optimizer("adam", 1e-3 * member.rate, clip=member.clip)
        assert member.seed is not None
        alone = fit(networks[place], objective, Data(given), optimizer=optimizer, seed=member.seed, **OPTIONS)
        for name, value in alone.model.parameters.items():
            np.testing.assert_array_equal(together.model.parameters[name][place], value, err_msg=name)


def test_members_without_a_seed_drop_different_units():
    network = Sequential([LSTM(8, dropout=0.5), Dense(2)])
    rng = np.random.default_rng(0)
    given = {
        "inputs": rng.normal(size=(ROWS, TIME, FEATURES)).astype(np.float32),
        "targets": rng.normal(size=(ROWS, 2)).astype(np.float32),
    }
    one = NetworkData.build(network, (TIME, FEATURES), 0)
    fitted = fit(NetworkData.stacked([one, one]), SideBySide(Supervised(MeanSquaredError())), Data(given), **OPTIONS)
    weight = fitted.model.parameters["layers.0.input_weight"]
    assert np.abs(weight[0] - weight[1]).max() > 1e-5


@pytest.mark.parametrize("shape", [(28, 28), (7, 12), (1, 5)])
def test_images_are_changed_as_in_numpy(shape: tuple[int, int]):
    rng = np.random.default_rng(1)
    images = rng.uniform(size=(20, *shape)).astype(np.float32)
    draws = rng.uniform(-1, 1, size=(20, AffineImages.DRAWS)).astype(np.float32)
    draws[0] = 0
    limits = AffineImages(0.4, 0.3, 0.3, 3.0)
    changed = np.empty_like(images)
    native.module().warp_images(images, draws, limits.rotation, limits.scale, limits.shear, limits.shift, changed)
    np.testing.assert_array_equal(changed[0], images[0])
    np.testing.assert_allclose(changed, limits.changed(images, draws), atol=2e-4)
    assert np.abs(changed - images).max() > 0.1


def test_training_changes_images_anew_and_evaluation_never():
    network = Sequential([LSTM(5), Dense(3)])
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(ROWS, 9, 9)).astype(np.float32)
    given = Data({"inputs": images, "targets": rng.integers(0, 3, ROWS, np.int32)})
    model = NetworkData.build(network, (9, 9), 0)
    plain = Supervised(SoftmaxCrossEntropy(), (("accuracy", Accuracy()),))
    changing = Supervised(plain.loss, plain.metrics, augmentation=AffineImages())
    fits = [fit(model, objective, given, seed=seed, **OPTIONS)
            for objective, seed in ((changing, 1), (changing, 1), (changing, 2), (plain, 1))]  # fmt: skip
    assert {fitted.history.block for fitted in fits} == {"native"}
    weights = [fitted.model.parameters["layers.0.input_weight"] for fitted in fits]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 1e-5
    assert np.abs(weights[0] - weights[3]).max() > 1e-5
    assert evaluate(model, changing, given) == evaluate(model, plain, given)
    nothing = Supervised(plain.loss, plain.metrics, augmentation=AffineImages(0, 0, 0, 0))
    still = fit(model, nothing, given, seed=1, **OPTIONS)
    np.testing.assert_allclose(still.model.parameters["layers.0.input_weight"], weights[3], rtol=1e-4, atol=1e-6)
