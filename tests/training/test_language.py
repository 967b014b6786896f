"""What language models train by: a layer tied to the embedding, states carried from batch to batch, a sampled softmax.

Beside XLA, beside PyTorch's goldens (scripts/make_language_goldens.py), beside the equations in double precision, and
beside themselves: on other numbers of threads, cut into other blocks, from a checkpoint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marks import needs_kernels
from numpy.typing import NDArray
from tasks import bits

from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import (
    GRU,
    LSTM,
    SLSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    PeepholeLSTM,
    Sequential,
    SimpleRNN,
)
from latchwork.text.streams import as_streams
from latchwork.training import (
    Accuracy,
    Bits,
    Data,
    Fitted,
    Optimizer,
    SampledCrossEntropy,
    SideBySide,
    SoftmaxCrossEntropy,
    Supervised,
    evaluate,
    fit,
    trainer,
)

pytestmark = needs_kernels

GOLDENS = np.load(Path(__file__).parent.parent / "goldens" / "language.npz")
TOKENS, STREAMS, WINDOW = 13, 4, 5
IDS = np.random.default_rng(0).integers(0, TOKENS, 400).astype(np.uint8)
EXACT = SoftmaxCrossEntropy()


def objective(loss: Any = EXACT) -> Supervised:
    return Supervised(loss, (("bits", Bits()),), carried=True)


def language(recurrent: Any, width: int = 6, *, tied: bool = True, tokens: int = TOKENS) -> Sequential:
    return Sequential([Embedding(tokens, width), recurrent, Dense(width), Dense(tokens, tied=tied)])


def train(network: Sequential, loss: Any = EXACT, ids: NDArray[Any] = IDS, **options: Any) -> Fitted:
    model = NetworkData.build(network, (None,), seed=1)
    data = as_streams(ids, STREAMS, WINDOW)
    chosen: dict[str, Any] = {"epochs": 2, "batch_size": STREAMS, "progress": "none", "optimizer": "adam", **options}
    return fit(model, objective(loss), data, validation=as_streams(ids, 2, 7), **chosen)


# The first ones in both engines.


NETWORKS = [
    language(LSTM(8, return_sequences=True)),
    language(GRU(8, return_sequences=True), width=16),
    language(SLSTM(8, heads=2, return_sequences=True), width=20),
    language(SimpleRNN(5, return_sequences=True), tied=False),
    Sequential(
        [Embedding(TOKENS, 6), PeepholeLSTM(7, return_sequences=True), LSTM(6, return_sequences=True),
         Dense(TOKENS, tied=True)]
    ),
    Sequential([Embedding(TOKENS, 6), Dense(TOKENS, tied=True)]),
]  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_they_learn_as_with_xla(network: Sequential, monkeypatch: pytest.MonkeyPatch):
    optimizer = Optimizer("adamw", 0.01, weight_decay=0.1, clip=0.5)
    models: list[Fitted] = []
    for way in ("native", "xla"):
        monkeypatch.setenv("LATCHWORK_BLOCK", way)
        models.append(train(network, optimizer=optimizer))
    ours, theirs = models
    assert ours.history.block == "native" and theirs.history.block.startswith("xla")
    for name, array in ours.model.parameters.items():
        np.testing.assert_allclose(array, theirs.model.parameters[name], rtol=1e-3, atol=3e-5, err_msg=name)
    for one, other in zip(ours.history.epochs, theirs.history.epochs, strict=True):
        assert one | {"seconds": 0} == pytest.approx(other | {"seconds": 0}, rel=1e-5)


# Beside PyTorch.


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_it_learns_as_pytorch_does(kind: str):
    case = {name.partition("/")[2]: GOLDENS[name] for name in GOLDENS.files if name.startswith(f"{kind}/")}
    spec, settings = Sequential.from_dict(json.loads(str(case["spec"]))), json.loads(str(case["settings"]))
    before, after = (
        {name.removeprefix(when): array.astype(np.float32) for name, array in case.items() if name.startswith(when)}
        for when in ("before.", "after.")
    )
    model = NetworkData(spec, before)
    tokens, window = case["tokens"], settings["window"]
    cut = {"inputs": tokens[:, :-1], "targets": tokens[:, 1:]}
    rows = {name: np.concatenate(np.split(array, array.shape[1] // window, axis=1)) for name, array in cut.items()}
    losses: list[float] = []
    optimizer = Optimizer("sgd", settings["rate"], clip=settings["clip"])
    job = trainer.Trainer(model, objective(), Data(rows, shuffle=False), optimizer, len(tokens), 0, None)
    run = job.begin(len(case["losses"]))
    for _ in case["losses"]:  # the first block is one step
        job.seconds_per_step = None
        job.train_block(run, joined=False)
        losses.append(float(run.sums[0, 0]) / len(tokens))
    steps = np.diff(losses[:-1], prepend=0)  # the sums are the epoch's so far, and it ends with the last step
    np.testing.assert_allclose(steps, case["losses"][:-1], rtol=1e-5)
    for name, array in job.steps.parameters(run.state).items():
        np.testing.assert_allclose(array, after[name], atol=2e-6, err_msg=name)
    np.testing.assert_allclose(run.state.carried.reshape(case["states"].shape), case["states"], atol=2e-6)


# The sampled softmax.


@pytest.mark.parametrize("tied", [True, False])
def test_a_sample_of_all_there_is_is_the_exact_softmax(tied: bool):
    """Only the last token is not among the frequent, so each draw is that one."""
    network = language(GRU(8, return_sequences=True), tied=tied)
    exact, sampled = train(network), train(network, SampledCrossEntropy(TOKENS - 1, 3))
    assert sampled.history.block == "native"
    for name, array in exact.model.parameters.items():
        np.testing.assert_allclose(sampled.model.parameters[name], array, rtol=1e-4, atol=2e-6, err_msg=name)
    for one, other in zip(exact.history.epochs, sampled.history.epochs, strict=True):
        assert one | {"seconds": 0} == pytest.approx(other | {"seconds": 0}, rel=1e-5)


def philox(counter: int, step: int, key: tuple[int, int]) -> list[int]:
    """Philox4x32-10 (Salmon et al., 2011), as `csrc/network/random.h` has it."""
    x, k, low = [counter, 0, step, 0], list(key), 2**32 - 1
    for _ in range(10):
        a, b = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(b >> 32) ^ x[1] ^ k[0], b & low, (a >> 32) ^ x[3] ^ k[1], a & low]
        k = [(k[0] + 0x9E3779B9) & low, (k[1] + 0xBB67AE85) & low]
    return x


def drawn_tokens(count: int, frequent: int, tokens: int, seed: int) -> NDArray[np.intp]:
    """Those of a run's first step."""
    numbers = [number for at in range(-(-count // 4)) for number in philox(at, 0, (seed, 0xFFE))][:count]
    return np.minimum(frequent * (tokens / frequent) ** (np.array(numbers) / 2**32), tokens - 1).astype(np.intp)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("seed", [0, 7])
def test_a_sampled_step_is_what_the_equation_says(tied: bool, seed: int):
    """The scores' gradient by hand, in double, through a network that is nothing but vectors and scores."""
    tokens, frequent, drawn, width = 40, 6, 9, 5
    network = Sequential([Embedding(tokens, width), Dense(tokens, tied=tied)])
    model = NetworkData.build(network, (None,), 3)
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(size=array.shape).astype(np.float32) for name, array in model.parameters.items()}
    rows = {name: rng.integers(0, tokens, (8, 3)) for name in ("inputs", "targets")}
    fitted = fit(
        NetworkData(model.spec, arrays), Supervised(SampledCrossEntropy(frequent, drawn)), Data(rows, shuffle=False),
        steps=1, batch_size=8, optimizer=Optimizer("sgd", 1.0), seed=seed, progress="none",
    )  # fmt: skip
    vectors, bias = arrays["layers.0.weight"].astype(float), arrays["layers.1.bias"].astype(float)
    matrix = vectors.T if tied else arrays["layers.1.weight"].astype(float)
    sample = drawn_tokens(drawn, frequent, tokens, seed)
    expected_times = drawn * np.log1p(1 / sample) / np.log(tokens / frequent)
    read, targets = rows["inputs"].ravel(), rows["targets"].ravel()
    by_vectors, by_matrix, by_bias, loss = np.zeros_like(vectors), np.zeros_like(matrix), np.zeros(tokens), 0.0
    for token, target in zip(read, targets, strict=True):
        scores = vectors[token] @ matrix + bias
        counted = [*range(frequent), *sample, *([target] if target >= frequent else [])]
        shift = np.concatenate([np.zeros(frequent), np.log(expected_times), np.zeros(len(counted) - frequent - drawn)])
        powers = np.exp(scores[counted] - shift)
        powers[frequent : frequent + drawn] *= sample != target
        loss += (np.log(powers.sum()) - scores[target]) / len(read)
        by_scores = np.zeros(tokens)
        np.add.at(by_scores, counted, powers / powers.sum() / len(read))
        by_scores[target] -= 1 / len(read)
        by_vectors[token] += matrix @ by_scores
        by_matrix += np.outer(vectors[token], by_scores)
        by_bias += by_scores
    assert fitted.history.last("loss") == pytest.approx(loss, rel=1e-5)
    gradients = {"layers.0.weight": by_vectors + (by_matrix.T if tied else 0), "layers.1.bias": by_bias}
    gradients |= {} if tied else {"layers.1.weight": by_matrix}
    for name, gradient in gradients.items():
        np.testing.assert_allclose(arrays[name] - fitted.model.parameters[name], gradient, atol=2e-6, err_msg=name)


def test_a_sampled_loss_is_the_exact_one_in_expectation():
    tokens = 600
    ids = np.minimum(np.random.default_rng(2).zipf(1.4, 4000) - 1, tokens - 1)
    network = Sequential([Embedding(tokens, 16), LSTM(16, return_sequences=True), Dense(16), Dense(tokens, tied=True)])
    still = {"optimizer": Optimizer("sgd", 1e-12), "epochs": 1, "ids": ids}
    exact = train(network, **still).history.last("loss")
    losses = [train(network, SampledCrossEntropy(50, 50), seed=seed, **still).history.last("loss") for seed in (0, 1)]
    assert losses[0] != losses[1]
    assert losses == pytest.approx([exact, exact], rel=0.02)


# The same bits.


@pytest.mark.parametrize("loss", [EXACT, SampledCrossEntropy(4, 6)])
def test_how_steps_are_cut_into_blocks_changes_nothing(loss: Any, monkeypatch: pytest.MonkeyPatch):
    network = Sequential(
        [Embedding(TOKENS, 6), LSTM(8, return_sequences=True, dropout=0.2, recurrent_dropout=0.3), Dropout(0.2),
         Dense(6), Dense(TOKENS, tied=True)]
    )  # fmt: skip
    models: list[Fitted] = []
    for seconds in (0.0, 1e9):  # one step a block, all
        monkeypatch.setattr(trainer, "BLOCK_SECONDS", seconds)
        models.append(train(network, loss))
    assert bits(models[0].model) == bits(models[1].model)
    assert models[0].history.column("val_bits") == models[1].history.column("val_bits")


def test_a_run_goes_on_from_the_middle_of_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The states that are carried are in the checkpoint: without them the next window would begin with zeros."""
    network = language(LSTM(8, return_sequences=True))
    whole = train(network, steps=30, epochs=None)
    monkeypatch.setattr(trainer, "BLOCK_SECONDS", 0.0)
    options: dict[str, Any] = {"steps": 30, "epochs": None, "checkpoint": tmp_path, "checkpoint_seconds": 0.0}
    real, done = trainer.Trainer.train_block, []

    def stopped(self: trainer.Trainer, run: Any, *, joined: bool) -> Any:
        if len(done) == 7:
            raise RuntimeError("killed")
        done.append(run.step)
        return real(self, run, joined=joined)

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
        patched.setattr(trainer.Trainer, "train_block", stopped)
        train(network, **options)
    resumed = train(network, **options)
    assert bits(resumed.model) == bits(whole.model)
    assert resumed.history.column("bits") == whole.history.column("bits")


def test_the_result_does_not_depend_on_the_number_of_threads():
    program = """
import hashlib
from test_language import *
found = []
for loss, tied in ((EXACT, True), (SampledCrossEntropy(20, 30), True), (SampledCrossEntropy(20, 30), False)):
    network = Sequential([Embedding(150, 37), LSTM(90, return_sequences=True, recurrent_dropout=0.2), Dropout(0.2),
                          Dense(37), Dense(150, tied=tied)])
    ids = np.random.default_rng(0).integers(0, 150, 5000)
    fitted = fit(NetworkData.build(network, (None,), 1), objective(loss), as_streams(ids, 50, 12), batch_size=50,
                 steps=9, optimizer=Optimizer("adamw", clip=0.1), progress="none")
    found.append((hashlib.sha256(b"".join(bits(fitted.model))).hexdigest(), fitted.history.last("bits")))
print(found)
"""
    given = {
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True,
            env=os.environ | {"LATCHWORK_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for threads in (1, 2, 3)
    }  # fmt: skip
    assert len(given) == 1


def test_members_side_by_side_carry_a_state_each():
    network = language(GRU(8, return_sequences=True))
    models = [NetworkData.build(network, (None,), seed) for seed in (1, 2, 3)]
    data, options = as_streams(IDS, STREAMS, WINDOW), {"epochs": 2, "batch_size": STREAMS, "progress": "none"}
    together = fit(NetworkData.stacked(models), SideBySide(objective()), data, validation=data, **options)
    for place, model in enumerate(models):
        alone = fit(model, objective(), data, validation=data, **options)
        assert bits(together.model.member(place)) == bits(alone.model)
        assert together.history.members[-1]["val_bits"][place] == alone.history.last("val_bits")


# What cannot be.


@pytest.mark.parametrize(
    ("network", "loss", "data", "words"),
    [
        (language(LSTM(4, return_sequences=True)), EXACT, {"shuffle": True}, "shuffle=False"),
        (language(LSTM(4, return_sequences=True)), EXACT, {"draw_steps": 2}, "no draw_steps"),
        (language(LSTM(4, return_sequences=True, reverse=True)), EXACT, {}, "reads backwards"),
        (language(Bidirectional(LSTM(4, return_sequences=True))), EXACT, {}, "reads backwards"),
        (language(LSTM(4, return_sequences=True)), SampledCrossEntropy(TOKENS, 3), {}, "nothing to sample"),
        (
            Sequential([Embedding(TOKENS, 6), LSTM(TOKENS, return_sequences=True)]),
            SampledCrossEntropy(3, 3), {}, "a linear Dense",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["native", "auto"])
def test_what_cannot_be_is_said(
    network: Sequential, loss: Any, data: dict[str, Any], words: str, way: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LATCHWORK_BLOCK", way)
    rows = {name: np.zeros((8, 3), np.int32) for name in ("inputs", "targets")}
    if way == "auto" and isinstance(loss, SampledCrossEntropy):
        pytest.skip("XLA sums over all of them")
    with pytest.raises(InputError, match=words):
        fit(
            NetworkData.build(network, (None,)), objective(loss), Data(rows, **{"shuffle": False, **data}),
            steps=1, progress="none",
        )  # fmt: skip


def test_a_sample_has_no_accuracy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATCHWORK_BLOCK", "native")
    wanted = Supervised(SampledCrossEntropy(3, 3), (("accuracy", Accuracy()),))
    model, data = NetworkData.build(language(LSTM(4, return_sequences=True)), (None,)), as_streams(IDS, 2, 5)
    with pytest.raises(InputError, match="no other metric"):
        fit(model, wanted, data, steps=1, progress="none")
    assert 0 <= evaluate(model, wanted, data)["accuracy"] <= 1  # all outputs are there
