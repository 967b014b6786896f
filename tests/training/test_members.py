"""Networks side by side, each with rows, validation, rate, clip, seed and patience of its own: each as if alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tasks import ADAM, TIME, AfterBlock, bits, network, rows

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Ahead, Dense, Sequential
from latchwork.training import (
    Data,
    Fitted,
    Generated,
    MeanSquaredError,
    Member,
    Optimizer,
    SideBySide,
    SmoothAbsoluteError,
    Supervised,
    evaluate,
    evaluate_members,
    fit,
    trainer,
)

INNER = Supervised(MeanSquaredError(), (("again", MeanSquaredError()),))
WAYS = ["native", "xla"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LATCHWORK_BLOCK", request.param)
    return request.param


def team(count: int) -> NetworkData:
    return NetworkData.stacked([network(seed=seed) for seed in range(count)])


def train(model: NetworkData, objective: Any, given: Any = None, **options: Any) -> Fitted:
    settings: dict[str, Any] = {"optimizer": ADAM, "batch_size": 8, "progress": "none", "epochs": 3, **options}
    return fit(model, objective, given or Data(rows()), **settings)


def assert_close(one: NetworkData, other: NetworkData) -> None:
    for name, array in one.parameters.items():
        np.testing.assert_allclose(array, other.parameters[name], rtol=2e-3, atol=2e-5, err_msg=name)


def test_each_is_trained_as_if_alone(way: str):
    mine, yours = np.arange(16), np.arange(10, 40)
    members = (Member(mine, seed=3, rate=0.5), Member(yours, seed=4, clip=0.05), Member(seed=5))
    together = train(team(3), SideBySide(INNER, members), epochs=2)
    assert together.history.block.startswith(way)
    everything = rows()
    all_rows = train(network(seed=2), INNER, Data(everything), epochs=2, seed=5)
    assert_close(together.model.member(2), all_rows.model)
    # A pass over 30 rows has four steps, an epoch of all five: one network passes its rows as often as they suffice.
    short = train(team(3), SideBySide(INNER, members), steps=4, epochs=None)
    some = Data({name: array[yours] for name, array in everything.items()})
    clipped = Optimizer("adam", 0.02, clip=0.05)
    own_rows = train(network(seed=1), INNER, some, epochs=None, steps=4, seed=4, optimizer=clipped)
    assert_close(short.model.member(1), own_rows.model)
    assert together.history.member_column("loss").shape == (2, 3)
    assert together.history.last("loss") == pytest.approx(together.history.member_column("loss")[-1].mean())
    assert together.history.member_column("loss")[-1][2] == pytest.approx(all_rows.history.last("loss"), rel=1e-3)


def test_a_rate_of_its_own_scales_the_steps(way: str):
    still = train(team(2), SideBySide(INNER, (Member(rate=1e-12), Member())), optimizer=Optimizer("sgd", 0.1))
    assert_close(still.model.member(0), network(seed=0))
    assert bits(still.model.member(1)) != bits(network(seed=1))
    assert way in still.history.block


def test_both_ways_agree_about_members(monkeypatch: pytest.MonkeyPatch):
    members = (
        Member(np.arange(12), np.arange(5), seed=1, rate=0.3, clip=0.1),
        Member(np.arange(8, 40), seed=2, group=1),
    )
    fitted: list[Fitted] = []
    for way in WAYS:
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        options: dict[str, Any] = {
            "optimizer": Optimizer("adamw", 0.02, weight_decay=0.1),
            "validation": Data(rows(16, 1)),
        }
        fitted.append(train(team(2), SideBySide(INNER, members), **options))
    assert_close(fitted[0].model, fitted[1].model)
    for name in ("loss", "val_loss"):
        ours, theirs = (one.history.member_column(name) for one in fitted)
        np.testing.assert_allclose(ours, theirs, rtol=1e-3)
        assert (ours[:, 0] != ours[:, 1]).all()


def test_members_are_evaluated_on_rows_of_their_own(way: str):
    members = (Member(validation=np.array([3, 3, 7])), Member(validation=np.arange(20)))
    given = Data(rows())
    found = evaluate_members(team(2), SideBySide(INNER, members), given, batch_size=8)
    for at, own in enumerate(([3, 3, 7], range(20))):
        some = Data({name: array[list(own)] for name, array in rows().items()})
        assert found["loss"][at] == pytest.approx(evaluate(network(seed=at), INNER, some)["loss"], rel=1e-5), way
    assert evaluate(team(2), SideBySide(INNER, members), given)["loss"] == pytest.approx(found["loss"].mean())


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """What the validation of four members is to give, epoch by epoch."""
    given: list[list[float]] = []
    monkeypatch.setattr(trainer.Trainer, "validate", lambda self, run: {"val_loss": np.array(given.pop(0))})
    return given


def test_groups_stop_by_themselves_and_each_keeps_its_best(losses: list[list[float]]):
    losses += [
        [5, 5, 5, 5],
        [4, 6, 4, 4],
        [6, 3, 6, 3],
        [6, 6, 7, 2],
        [6, 6, 6, 1],
        [6, 6, 6, 9],
        [0, 0, 0, 9],
        [0, 0, 0, 9],
    ]
    models: list[NetworkData] = []
    members = tuple(Member(seed=seed, group=group) for seed, group in enumerate((0, 0, 0, 7)))
    fitted = train(
        team(4), SideBySide(INNER, members, quorum=0.5), epochs=20, validation=Data(rows(8)), patience=2,
        callbacks=[lambda report: models.append(report.model)],
    )  # fmt: skip
    # Group 0 gains with two of three: in epochs 1 and 2, and stops with epoch 4. Group 7 goes on until epoch 7.
    assert fitted.history.stopped == "patience" and len(fitted.history.epochs) == 7
    for member in range(3):
        assert bits(models[3].member(member)) == bits(models[6].member(member))
        assert bits(models[2].member(member)) != bits(models[3].member(member))
    assert bits(models[5].member(3)) != bits(models[6].member(3))
    for member, best in enumerate((2, 3, 2, 5)):
        assert bits(fitted.model.member(member)) == bits(models[best - 1].member(member))
    own = fitted.history.member_column("loss")
    assert (own[3:, :3] == own[3, :3]).all() and len(set(own[:, 3])) == 7


def test_one_that_never_gets_better_stays_as_it_was(losses: list[list[float]]):
    losses += [[1, 5], [2, 4], [3, 6]]
    members = SideBySide(INNER, (Member(), Member(group=1)))
    fitted = train(team(2), members, epochs=2, validation=Data(rows(8)), validate_first=True)
    assert bits(fitted.model.member(0)) == bits(network(seed=0)) and bits(fitted.model.member(1)) != bits(
        network(seed=1)
    )
    assert [row["epoch"] for row in fitted.history.epochs] == [0, 1, 2]
    assert fitted.history.member_column("val_loss").tolist() == [[1, 5], [2, 4], [3, 6]]


class BrokenOffError(Exception):
    pass


def test_members_that_were_broken_off_go_on_to_the_same_end(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trainer, "BLOCK_SECONDS", 0.0)
    members = (Member(np.arange(20), seed=1, rate=0.5), Member(np.arange(20), seed=2, group=1))
    options: dict[str, Any] = {"validation": Data(rows(16, 1)), "patience": 4, "epochs": 4, "validate_first": True}
    data = Data(rows(), draw_steps=4)
    whole = train(team(2), SideBySide(INNER, members), data, **options)

    def stop(step: int) -> None:
        if step == 10:
            raise BrokenOffError

    kept: dict[str, Any] = {"checkpoint": tmp_path, "checkpoint_seconds": 0.0}
    with pytest.raises(BrokenOffError):
        train(team(2), SideBySide(INNER, members), data, progress=AfterBlock(stop), **options, **kept)
    resumed = train(team(2), SideBySide(INNER, members), data, **options, **kept)
    assert bits(resumed.model) == bits(whole.model), way
    assert resumed.history.members == whole.history.members
    others = (Member(np.arange(20), seed=1, rate=0.4), Member(np.arange(20), seed=2, group=1))
    with pytest.raises(InputError, match="belongs to another run: its objective"):
        train(team(2), SideBySide(INNER, others), data, **options, **kept)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_members_without_seeds_share_their_order_and_draw_apart(way: str, dropout: float):
    twins = NetworkData.stacked([network(Sequential([LSTM(4, dropout=dropout), Dense(1)]))] * 2)
    fitted = train(twins, SideBySide(INNER))
    assert (bits(fitted.model.member(0)) == bits(fitted.model.member(1))) == (dropout == 0), way


def test_rows_are_drawn_with_replacement_from_ones_own():
    members = (Member(np.array([1, 2]), seed=1), Member(np.array([1, 2]), seed=2), Member(np.array([30]), seed=1))
    data = Data(rows(), draw_steps=7)
    orders = [data.order(range(40), epoch, one.seed or 0, 8, one.rows) for one in members for epoch in (0, 1)]
    assert all(order.shape == (7, 8) for order in orders)
    assert [set(order.flat) for order in orders] == [{1, 2}] * 4 + [{30}] * 2
    assert len({order.tobytes() for order in orders[:4]}) == 4
    assert len(train(team(3), SideBySide(INNER, members), data, epochs=2).history.epochs) == 2


def made(chunk: range) -> dict[str, np.ndarray]:
    """Rows of two members, which follow from the chunk alone."""
    inputs = np.random.default_rng([9, chunk.start]).uniform(-1, 1, (len(chunk), 2, TIME, 1)).astype(np.float32)
    return {"inputs": inputs, "targets": inputs[:, :, 0].copy()}


def test_rows_made_by_a_function_are_trained_as_rows_in_memory(tmp_path: Path, way: str):
    whole = {
        name: np.concatenate([made(range(at, at + 24))[name] for at in (0, 24, 48)]) for name in ("inputs", "targets")
    }
    objective = SideBySide(INNER, (Member(rate=0.5), Member(clip=0.5)))
    options: dict[str, Any] = {"epochs": 2, "checkpoint": tmp_path}
    generated = train(team(2), objective, Generated(72, 24, made), **options)
    stored = train(team(2), objective, Data(whole, chunk_rows=24, shuffle=False), epochs=2)
    assert bits(generated.model) == bits(stored.model), way
    assert bits(train(team(2), objective, Generated(72, 24, made), **options).model) == bits(stored.model)

    def other(chunk: range) -> dict[str, np.ndarray]:
        return {name: array + 1 for name, array in made(chunk).items()}

    with pytest.raises(InputError, match="belongs to another run: its data"):
        train(team(2), objective, Generated(72, 24, other), **options)


def test_a_schedule_may_end_above_zero():
    scales = -Optimizer("adam", 0.2, schedule="cosine", last=0.1).scales(0, 1500, 1500)
    assert scales[0] == pytest.approx(0.2) and scales[-1] == pytest.approx(0.02, rel=1e-3)
    with pytest.raises(InputError, match="last"):
        Optimizer(last=1.5)


@pytest.mark.parametrize(
    ("model", "objective", "words"),
    [
        (team(2), INNER, "there are 2 networks: train them with the objective SideBySide"),
        (network(), SideBySide(INNER), "join networks with NetworkData.stacked"),
        (team(2), SideBySide(INNER, (Member(),)), "2 networks and 1 members"),
        (team(2), SideBySide(INNER, (Member(np.arange(3)), Member(np.arange(30, 33)))), "no row among 0 to 19"),
    ],
)
def test_what_does_not_fit_together_is_refused(model: NetworkData, objective: Any, words: str):
    with pytest.raises(InputError, match=words):
        train(model, objective, Data(rows(), chunk_rows=20))


# What was not observed.

AHEAD = Sequential([LSTM(4), Ahead(5, 2, "tanh"), Dense(1)])


def ahead_rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    targets = rng.normal(size=(24, 3, 1)).astype(np.float32)
    targets[rng.uniform(size=targets.shape) < 0.4] = np.nan
    inputs, ahead = rng.normal(size=(24, TIME, 1)), rng.normal(size=(24, 3, 2))
    return {"inputs": inputs.astype(np.float32), "ahead": ahead.astype(np.float32), "targets": targets}


def test_targets_that_were_not_observed_count_nowhere(way: str):
    given, model = ahead_rows(), NetworkData.build(AHEAD, (TIME, 1), 0)
    loss = SmoothAbsoluteError(1e-3)
    by_values = evaluate(model, Supervised(loss, mean="values"), Data(given), batch_size=7)["loss"]
    by_rows = evaluate(model, Supervised(loss), Data(given), batch_size=7)["loss"]
    from latchwork.engines.plain.server import PlainServer

    outputs = PlainServer(model.spec, model.parameters).run(given["inputs"], ahead=given["ahead"])
    values = np.sqrt((outputs - given["targets"]) ** 2 + 1e-3)[..., 0]
    assert by_values == pytest.approx(np.nanmean(values), rel=1e-5)
    seen = values[np.isfinite(values).any(axis=1)]
    assert by_rows == pytest.approx(np.nanmean(seen, axis=1).mean(), rel=1e-5)
    assert by_values != pytest.approx(by_rows, rel=1e-3), way


def test_members_may_share_inputs_and_have_targets_of_their_own(way: str):
    given = ahead_rows()
    hidden = np.where(np.arange(3)[:, None] > 0, np.nan, given["targets"])  # one member sees the first step ahead alone
    shared = given | {"targets": np.stack([given["targets"], hidden], axis=1)}
    model = NetworkData.stacked([NetworkData.build(AHEAD, (TIME, 1), 0)] * 2)
    inner = Supervised(SmoothAbsoluteError(), mean="values")
    members = (Member(seed=1), Member(seed=1))
    together = fit(model, SideBySide(inner, members), Data(shared), epochs=2, batch_size=8, progress="none")
    assert together.history.block.startswith(way)
    for at, targets in enumerate((given["targets"], hidden)):
        alone = NetworkData.build(AHEAD, (TIME, 1), 0)
        own = Data(given | {"targets": targets})
        assert_close(
            together.model.member(at), fit(alone, inner, own, epochs=2, batch_size=8, seed=1, progress="none").model
        )
