"""`fit`: it learns, and no way of cutting, stopping or resuming a run changes what it learns."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import needs_kernels
from tasks import ADAM, OBJECTIVE, SPEC_WITH_DROPOUT, AfterBlock, bits, data, network, rows

from latchwork.core import storage
from latchwork.core.errors import InputError, LatchworkError
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Dense, Sequential
from latchwork.engines.jax import steps as xla_steps
from latchwork.engines.jax.network import Network
from latchwork.engines.native.training import NativeSteps
from latchwork.training import (
    Accuracy,
    Data,
    EpochReport,
    Fitted,
    MeanSquaredError,
    Optimizer,
    SoftmaxCrossEntropy,
    Supervised,
    evaluate,
    fit,
    plan,
    trainer,
)

BATCH = 8  # of 40 rows: five steps in an epoch


def train(model: Any = None, given: Data | None = None, **options: Any) -> Fitted:
    settings: dict[str, Any] = {"optimizer": ADAM, "batch_size": BATCH, "progress": "none", "epochs": 3, **options}
    if options.keys() & {"steps", "minutes"}:
        settings["epochs"] = options.get("epochs")
    return fit(model or network(), settings.pop("objective", OBJECTIVE), given or data(), **settings)


def figures(fitted: Fitted) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in fitted.history.epochs]


def assert_same(one: Fitted, other: Fitted) -> None:
    assert bits(one.model) == bits(other.model)
    assert figures(one) == figures(other)
    assert (one.history.steps, one.history.stopped) == (other.history.steps, other.history.stopped)


def test_it_learns_to_remember_the_first_number():
    fitted = train(epochs=80)
    loss = fitted.history.column("loss")
    assert loss[-1] < 0.05 * loss[0]
    assert evaluate(fitted.model, OBJECTIVE, data(seed=1))["loss"] < 0.1 * loss[0]  # on sequences never seen


@pytest.mark.parametrize("options", [{}, {"validation": data(16, seed=1)}], ids=["joined epochs", "with validation"])
def test_how_steps_are_cut_into_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch, options: dict):
    runs: list[Fitted] = []
    for seconds in (0.0, 1e-3, 1e9):  # one step a block, some, all
        monkeypatch.setattr(trainer, "BLOCK_SECONDS", seconds)
        runs.append(train(network(SPEC_WITH_DROPOUT), epochs=7, **options))
    assert_same(runs[0], runs[1])
    assert_same(runs[0], runs[2])
    assert len(runs[0].history.epochs) == 7


@pytest.mark.parametrize("name", ["adam", "momentum", "adagrad"])
def test_a_program_compiled_fast_learns_the_same(monkeypatch: pytest.MonkeyPatch, name: str):
    optimizer = Optimizer(name, 0.01, weight_decay=0.1, clip=1.0)
    monkeypatch.setenv("LATCHWORK_BLOCK", "xla")
    models = []
    for small in (0, 1 << 30):
        monkeypatch.setattr(xla_steps, "SMALL", small)
        models.append(train(optimizer=optimizer).model)
    for one, other in zip(*(model.parameters.values() for model in models), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_dropout_is_drawn_from_the_seed():
    one, other, again = (train(network(SPEC_WITH_DROPOUT), seed=seed) for seed in (1, 2, 1))
    assert bits(one.model) == bits(again.model) != bits(other.model)


def test_steps_and_epochs_are_two_words_for_one_run():
    assert_same(train(epochs=2), train(steps=10))


def test_an_unfinished_epoch_has_its_own_row():
    fitted = train(steps=7)
    assert [row["step"] for row in fitted.history.epochs] == [5, 7]
    assert [row["epoch"] for row in fitted.history.epochs] == [1, 2]
    assert fitted.history.epochs[0] == train(steps=5).history.epochs[0] | {
        "seconds": fitted.history.epochs[0]["seconds"]
    }


def test_minutes_become_steps_that_repeat_the_run():
    timed = train(minutes=0.01)
    assert timed.history.steps > 0
    assert bits(timed.model) == bits(train(steps=timed.history.steps).model)


class BusyMachine:
    """Clocks by which a step takes `seconds` of the processor, and the wall's goes `busy` times as fast."""

    def __init__(self, seconds: float, busy: float, threads: int):
        self.seconds, self.busy, self.threads, self.processor = seconds, busy, threads, 0.0

    def process_time(self) -> float:
        return self.processor

    def monotonic(self) -> float:
        return self.processor / self.threads * self.busy

    def train(self, real: Any) -> Any:
        def train(steps: Any, state: Any, chunk: range, batches: Any) -> Any:
            self.processor += self.seconds * batches.order.shape[-2]
            return real(steps, state, chunk, batches)

        return train


@needs_kernels
@pytest.mark.parametrize("threads", [1, 2])
def test_minutes_are_those_of_an_idle_machine(monkeypatch: pytest.MonkeyPatch, threads: int):
    """On one that gives the process a tenth of its time, as many steps are planned."""
    planned = []
    for busy in (1.0, 1.1, 10.0):
        with monkeypatch.context() as patched:
            clock = BusyMachine(0.01 * threads, busy, threads)
            patched.setattr(plan, "time", clock)
            patched.setattr(trainer, "time", clock)
            patched.setattr(NativeSteps, "threads", threads)
            patched.setattr(NativeSteps, "train", clock.train(NativeSteps.train))
            job = trainer.Trainer(network(), OBJECTIVE, data(40), Optimizer(), 8, 0, None)
            planned.append(job.steps_within(60.0, job.begin(1), plan.Moment.now()))
    assert planned[0] == pytest.approx(planned[1], rel=0.2)
    assert planned[0] == pytest.approx(planned[2], rel=0.2)
    assert 5000 < planned[0] < 6000


def test_last_batch_with_fewer_rows_counts_by_its_rows():
    """With a rate of nearly nothing, an epoch's loss is the loss of the first weights over all rows."""
    fitted = train(given=data(37), optimizer=Optimizer("sgd", learning_rate=1e-12), epochs=1)
    expected = evaluate(network(), OBJECTIVE, data(37))["loss"]
    assert fitted.history.last("loss") == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 1, "steps": 1}, "give one of epochs, steps and minutes"),
        ({"epochs": None}, "give one of epochs, steps and minutes"),
        ({"epochs": 0}, "above 0"),
        ({"steps": -3}, "above 0"),
        ({"batch_size": 0}, "above 0"),
        ({"patience": 3}, "give validation rows"),
        ({"validation": data(8), "monitor": "val_acuracy"}, "val_acuracy"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"optimizer": "adm"}, "unknown optimizer 'adm'"),
        ({"optimizer": 3}, "optimizer must be"),
    ],
)
def test_settings_that_mean_nothing_are_refused(options: dict, words: str):
    with pytest.raises(InputError, match=words):
        train(**options)


def test_validation_is_of_the_model_as_it_was_after_the_epoch():
    validation, models = data(16, seed=1), []
    fitted = train(validation=validation, callbacks=[lambda report: models.append(report.model)], keep_best=False)
    for model, row in zip(models, fitted.history.epochs, strict=True):
        assert row["val_loss"] == pytest.approx(evaluate(model, OBJECTIVE, validation)["loss"], rel=1e-5)
    assert bits(fitted.model) == bits(models[-1])


def test_the_training_loss_itself_can_be_watched():
    models: list[Any] = []
    rate = Optimizer("sgd", learning_rate=lambda step: 0.05 if step < 10 else -0.5)  # better, then worse
    fitted = train(epochs=4, optimizer=rate, monitor="loss")
    train(epochs=4, optimizer=rate, callbacks=[lambda report: models.append(report.model)])
    assert fitted.history.best_epoch in (2, 3)
    assert bits(fitted.model) == bits(models[fitted.history.best_epoch - 1])


@pytest.mark.parametrize("keep_best", [True, False])
def test_best_weights_are_those_of_the_best_epoch(monkeypatch: pytest.MonkeyPatch, keep_best: bool):
    models: list[Any] = []
    epochs = iter([2.0, 1.0, 0.5, 1.0, 2.0])
    monkeypatch.setattr(trainer.Trainer, "validate", lambda self, run: {"val_loss": np.array([next(epochs)])})
    fitted = train(
        epochs=5,
        validation=data(8),
        keep_best=keep_best,
        callbacks=[lambda report: models.append(report.model)],
    )
    assert bits(fitted.model) == bits(models[2 if keep_best else 4])
    assert fitted.history.best_epoch == 3


@pytest.mark.parametrize(
    ("values", "options", "epochs", "best"),
    [
        ([3, 2, 2, 2, 1], {"patience": 2}, 4, 2),
        ([3, 2, 2.5, 1, 1.5, 1.5], {"patience": 2}, 6, 4),
        ([3, 2.95, 2.9, 2.85], {"patience": 2, "min_delta": 0.2}, 3, 1),
        ([0.1, 0.5, 0.4, 0.4], {"patience": 2, "monitor": "val_accuracy"}, 4, 2),
    ],
)
def test_patience(monkeypatch: pytest.MonkeyPatch, values: list, options: dict, epochs: int, best: int):
    given = iter(values)
    monitor = options.get("monitor", "val_loss")
    options = {"objective": Supervised(MeanSquaredError(), (("accuracy", MeanSquaredError()),)), **options}
    monkeypatch.setattr(trainer.Trainer, "validate", lambda self, run: {monitor: np.array([next(given)])})
    history = train(epochs=len(values) + 3, validation=data(8), **options).history
    assert (len(history.epochs), history.best_epoch, history.stopped) == (epochs, best, "patience")


def test_a_callback_sees_each_epoch_and_can_end_the_run():
    seen: list[EpochReport] = []

    def watch(report: EpochReport) -> bool:
        seen.append(report)
        return len(seen) == 2

    history = train(epochs=9, callbacks=[watch]).history
    assert [report.row["epoch"] for report in seen] == [1, 2]
    assert history.stopped == "callback" and history.steps == 10


def test_a_row_of_weight_zero_is_as_good_as_absent():
    full, poison = rows(12), rows(12)
    poison["targets"][5] = 1e9
    weight = np.ones(12, np.float32)
    weight[5] = 0
    settings: dict[str, Any] = {"epochs": 4, "batch_size": 16}
    weighted = train(given=Data(poison | {"weight": weight}, shuffle=False), **settings)
    without = train(given=Data({k: np.delete(v, 5, axis=0) for k, v in full.items()}, shuffle=False), **settings)
    for one, other in zip(weighted.model.parameters.values(), without.model.parameters.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert weighted.history.last("loss") == pytest.approx(without.history.last("loss"), rel=1e-4)


def test_weights_change_what_is_minimised():
    """Two targets for one input: the answer goes to the heavier one, three to one."""
    inputs = np.ones((8, 5, 1), np.float32)
    targets = np.tile([[0.0], [1.0]], (4, 1)).astype(np.float32)
    weight = np.tile([1.0, 3.0], 4).astype(np.float32)
    fitted = train(given=Data({"inputs": inputs, "targets": targets, "weight": weight}), epochs=400)
    assert float(Network.from_data(fitted.model)(jnp.asarray(inputs[:1]))[0, 0]) == pytest.approx(0.75, abs=0.02)


def test_a_loss_that_is_not_a_number_says_when_and_what_to_do():
    given = rows()
    given["targets"] = given["targets"] * np.float32(1e30)
    with pytest.raises(LatchworkError, match="not a number at step 1: lower learning_rate") as caught:
        train(given=Data(given))
    assert not isinstance(caught.value, InputError)


def test_progress_is_closed_when_training_fails():
    class Watched(AfterBlock):
        ended = False

        def end(self) -> None:
            self.ended = True

    def fail(step: int) -> None:
        raise ZeroDivisionError

    shown = Watched(fail)
    with pytest.raises(ZeroDivisionError):
        train(progress=shown)
    assert shown.ended


def test_the_model_that_was_given_stays_as_it_was():
    model = network()
    before = bits(model)
    fitted = train(model)
    assert bits(model) == before != bits(fitted.model)


def test_a_module_of_jax_is_given_back_as_one(monkeypatch: pytest.MonkeyPatch):
    model = Network.from_data(network())
    fitted, plain = train(model), train()
    assert fitted.history.block == "native" and isinstance(fitted.model, Network)
    assert bits(fitted.model.data()) == bits(plain.model) != bits(model.data())
    monkeypatch.setenv("LATCHWORK_BLOCK", "xla")
    compiled = train(model).model
    assert isinstance(compiled, Network) and isinstance(train().model, NetworkData)
    for one, other in zip(compiled.parameters().values(), plain.model.parameters.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_any_optax_transformation_serves():
    named, own = (train(optimizer=each).model for each in (ADAM, optax.adam(0.02, eps=1e-7)))
    for one, other in zip(named.parameters.values(), own.parameters.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_rate_may_be_a_function_of_the_step():
    still = train(optimizer=Optimizer("sgd", learning_rate=lambda step: 0.0))
    assert bits(still.model) == bits(network())


def test_metrics_are_reported_beside_the_loss():
    given = rows()
    targets = (given["targets"][:, 0] > 0).astype(np.int32)
    from latchwork.core.spec import LSTM, Dense, Sequential

    model = NetworkData.build(Sequential([LSTM(4), Dense(2)]), (5, 1), seed=0)
    objective = Supervised(SoftmaxCrossEntropy(), (("accuracy", Accuracy()),))
    fitted = fit(model, objective, Data({**given, "targets": targets}), epochs=40, optimizer=ADAM, progress="none")
    answers = np.asarray(Network.from_data(fitted.model)(jnp.asarray(given["inputs"]))).argmax(axis=1)
    found = evaluate(fitted.model, objective, Data({**given, "targets": targets}))
    assert found["accuracy"] == pytest.approx((answers == targets).mean())
    assert fitted.history.last("accuracy") > 0.9


# What is left in a folder, and going on from it.


class BrokenOffError(Exception):
    pass


def broken_off_at(wanted: int) -> AfterBlock:
    def kill(step: int) -> None:
        if step >= wanted:
            raise BrokenOffError

    return AfterBlock(kill)


@pytest.mark.parametrize("joined", [True, False])
def test_a_run_that_was_broken_off_anywhere_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joined: bool
):
    monkeypatch.setattr(trainer, "BLOCK_SECONDS", 2e-3)
    options: dict[str, Any] = {"epochs": 6, "given": data(chunk_rows=None if joined else 16)}
    if not joined:
        options |= {"validation": data(16, seed=1), "patience": 4}
    model = lambda: network(SPEC_WITH_DROPOUT)  # noqa: E731
    whole = train(model(), **options)
    checkpoint = {"checkpoint": tmp_path / "run", "checkpoint_seconds": 0.0}
    for step in (1, 2, 9, 10, 11, 23):
        with pytest.raises(BrokenOffError):
            train(model(), progress=broken_off_at(step), **options, **checkpoint)
    finished = train(model(), **options, **checkpoint)
    assert_same(whole, finished)
    assert_same(whole, train(model(), progress=broken_off_at(0), **options, **checkpoint))  # nothing is left to do
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint.latch"]


def test_a_run_with_an_optax_transformation_goes_on_in_another_process(tmp_path: Path):
    """Its functions have other addresses there, so addresses must not tell runs apart."""
    settings: dict[str, Any] = {"epochs": 2, "checkpoint": tmp_path}
    whole = train(optimizer=optax.adam(0.02), epochs=2)
    with pytest.raises(BrokenOffError):
        train(optimizer=optax.adam(0.02), progress=broken_off_at(1), checkpoint_seconds=0.0, **settings)
    assert_same(whole, train(optimizer=optax.adam(0.02), **settings))


def test_minutes_are_timed_once_for_all_that_goes_on(tmp_path: Path):
    timed = train(minutes=0.01, checkpoint=tmp_path)
    again = train(minutes=0.01, checkpoint=tmp_path)
    assert_same(timed, again)


def test_ctrl_c_ends_after_the_block_and_keeps_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    losses = iter([1.0, 0.5, 2.0, 3.0] + [4.0] * 9)
    models: list[Any] = []
    monkeypatch.setattr(trainer.Trainer, "validate", lambda self, run: {"val_loss": np.array([next(losses)])})
    before = signal.getsignal(signal.SIGINT)
    press = AfterBlock(lambda step: signal.raise_signal(signal.SIGINT) if step == 20 else None)
    options: dict[str, Any] = {"epochs": 9, "validation": data(8), "checkpoint": tmp_path}
    fitted = train(progress=press, callbacks=[lambda report: models.append(report.model)], **options)
    assert (fitted.history.stopped, fitted.history.steps) == ("interrupted", 20)
    assert fitted.history.best_epoch == 2 and bits(fitted.model) == bits(models[1])
    assert signal.getsignal(signal.SIGINT) is before  # given back

    resumed = train(**options)
    assert (resumed.history.stopped, resumed.history.steps) == ("finished", 45)
    assert bits(resumed.model) == bits(models[1])  # the best of both parts


def test_a_second_ctrl_c_stops_at_once():
    def press_twice(step: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(progress=AfterBlock(press_twice))


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"epochs": 4}, "steps"),
        ({"seed": 1}, "seed"),
        ({"batch_size": 16}, "batch size"),
        ({"optimizer": Optimizer("adam", learning_rate=0.01)}, "optimizer"),
        ({"optimizer": optax.adam(0.02)}, "optimizer"),
        ({"given": data(seed=3)}, "data"),
        ({"given": data(chunk_rows=20)}, "chunk"),
        ({"given": data(shuffle=False)}, "shuffle"),
        ({"model": network(SPEC_WITH_DROPOUT)}, "network"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, changed: dict, name: str):
    train(checkpoint=tmp_path)
    with pytest.raises(InputError, match=f"belongs to another run: its .*{name}") as caught:
        train(**changed, checkpoint=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_or_foreign_checkpoint_is_refused_in_one_line(tmp_path: Path):
    train(checkpoint=tmp_path)
    path = tmp_path / "checkpoint.latch"
    sound = path.read_bytes()
    document, tensors = storage.load(path)

    def assert_refused() -> None:
        with pytest.raises(InputError) as caught:
            train(checkpoint=tmp_path)
        assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)

    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(sound), 20):
        flipped = bytearray(sound)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        assert_refused()
        path.write_bytes(sound[:place])
        assert_refused()
    foreign = [
        ({"job": "classification"}, {}),
        ({"job": "checkpoint"}, {}),
        ({"job": "checkpoint", "settings": document["settings"]}, {}),
        ({**document, "run": {}}, tensors),
        ({**document, "run": {**document["run"], "history": {"epoch": 1}}}, tensors),
        ({**document, "run": {**document["run"], "step": "three"}}, tensors),
        ({**document, "run": {**document["run"], "step": -1}}, tensors),
        ({**document, "run": {**document["run"], "sums": [1.0]}}, tensors),
        (document, {name: array for name, array in tensors.items() if name != "state.slots"}),
        (document, {name: array[..., :1] if array.ndim else array for name, array in tensors.items()}),
        ({**document, "run": {**document["run"], "best_values": [1.0]}}, tensors),  # and no best arrays
    ]
    for forged, arrays in foreign:
        storage.save(path, forged, arrays)
        assert_refused()


def test_a_checkpoint_folder_that_is_a_file_is_refused_before_training(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="file"):
        train(checkpoint=tmp_path / "file", progress=AfterBlock(lambda step: pytest.fail("it trained first")))


def test_history_as_data_and_as_a_picture():
    history = train(validation=data(8)).history
    assert type(history).from_dict(history.to_dict()) == history
    assert dataclasses.replace(history).column("val_loss") == [row["val_loss"] for row in history.epochs]
    figure = history.plot()
    assert {line.get_label() for axis in figure.axes for line in axis.get_lines()} >= {"training", "validation"}


class Anew(Data):
    """Eight rows of its own in each epoch."""

    def chunks(self) -> list[range]:
        return [range(8)]

    def epoch(self, number: int, seed: int) -> list[range]:
        del seed
        return [range(8 * number, 8 * number + 8)]


@needs_kernels
def test_an_epoch_has_its_own_rows_however_many_epochs_go_into_a_block():
    rng = np.random.default_rng(0)
    arrays = {"inputs": rng.normal(size=(80, 5, 3)).astype(np.float32), "targets": rng.integers(0, 4, 80, np.int32)}
    small = NetworkData.build(Sequential([LSTM(4), Dense(4)]), (5, 3), 1)
    together, apart = (
        fit(small, Supervised(SoftmaxCrossEntropy()), Anew(arrays), epochs=10, batch_size=4, progress="none", **more)
        for more in ({}, {"callbacks": [lambda _: False]})
    )
    for name, array in apart.model.parameters.items():
        assert np.array_equal(together.model.parameters[name], array), name
