"""Training, scoring and the file of a language model."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import latchwork as lw
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.packing import packed, unpacked
from latchwork.core.spec import LSTM, Dense, Embedding, Sequential
from latchwork.text.model import TextModel
from latchwork.text.predictor import Mixture, NetworkPredictor
from latchwork.text.scoring import best_share, best_shares, network_bits
from latchwork.text.streams import Windows, as_streams
from latchwork.training import Bits, Optimizer, SoftmaxCrossEntropy, Supervised, evaluate

NETWORK = Sequential([Embedding(11, 6), LSTM(8, return_sequences=True), Dense(6), Dense(11)])
IDS = np.random.default_rng(0).integers(0, 11, 700).astype(np.uint8)
NEXT_TOKEN = Supervised(SoftmaxCrossEntropy(), (("bits", Bits()),), carried=True)


def test_a_model_learns_the_text_and_says_so_in_bits(writer: lw.LanguageModel, story: str) -> None:
    fresh = "the cat ran up the hill\na dog sat on the mat\n"
    assert writer.bits_per_character(fresh) < 2.0 < writer.bits_per_character("zebras quiz foxes")
    assert writer.score(fresh) == -writer.bits_per_character(fresh)
    bits = writer.history_.column("val_bits")
    assert bits[-1] < bits[0]


def test_the_file_holds_the_model(writer: lw.LanguageModel, writer_file: Path, story: str) -> None:
    loaded = lw.load(writer_file)
    assert isinstance(loaded, lw.LanguageModel)
    text = story[:500]
    assert loaded.bits_per_character(text) == writer.bits_per_character(text)
    assert "".join(loaded.write("the ", 50, seed=3)) == "".join(writer.write("the ", 50, seed=3))


def test_a_words_model_is_tied_and_suggests(typist_file: Path, writer: lw.LanguageModel) -> None:
    model = TextModel.load(typist_file)
    assert model.tied
    matrix = model.data.parameters["layers.4.weight"]
    np.testing.assert_array_equal(matrix, model.data.parameters["layers.0.weight"].T)
    assert model.keyboard().suggest("the ")[0] in {"cat", "mat", "sun", "dog", "hill"}
    with pytest.raises(InputError, match="keyboard needs one of words"):
        writer.suggest("to")


def test_surprises_sum_to_the_bits_and_spell_the_text(writer: lw.LanguageModel) -> None:
    text = "the cat ☃ sat"
    pieces = writer.surprises(text)
    assert "".join(piece.text for piece in pieces) == text
    total = sum(piece.bits for piece in pieces)
    assert total / len(text) == pytest.approx(writer.bits_per_character(text))
    assert max(pieces, key=lambda piece: piece.bits).text == "☃"


def test_streams_go_on_where_the_last_batch_stopped() -> None:
    inputs, targets = (np.asarray(Windows(IDS, 4, 5, ahead)[:]) for ahead in (0, 1))
    first_stream = inputs[::4].ravel()
    np.testing.assert_array_equal(first_stream, IDS[: len(first_stream)])
    np.testing.assert_array_equal(
        targets.ravel()[:-1][np.arange(targets.size - 1) % 5 != 4],
        inputs.ravel()[1:][np.arange(inputs.size - 1) % 5 != 4],
    )
    np.testing.assert_array_equal(Windows(IDS, 4, 5, 0)[8:12], inputs[8:12])
    with pytest.raises(InputError, match="need 2001"):
        as_streams(IDS, 20, 100)


def test_the_state_is_carried_between_windows() -> None:
    model = NetworkData.build(NETWORK, (None,), 0)
    short = evaluate(model, NEXT_TOKEN, as_streams(IDS, 2, 5), batch_size=2)
    long = evaluate(model, NEXT_TOKEN, as_streams(IDS, 2, 345), batch_size=2)
    assert short["bits"] == pytest.approx(long["bits"], rel=1e-5)
    assert short["bits"] == pytest.approx(short["loss"] / np.log(2))


def test_steps_cost_what_training_counts() -> None:
    model = NetworkData.build(NETWORK, (None,), 0)
    predictor = NetworkPredictor(model)
    loss = evaluate(model, NEXT_TOKEN, as_streams(IDS, 1, len(IDS) - 1), batch_size=1)["loss"]
    assert network_bits(predictor, IDS)[1:].mean() * np.log(2) == pytest.approx(loss, rel=1e-5)
    state = predictor.initial_state()
    for token in IDS[:5].tolist():
        probabilities, state = predictor.step(token, state)
    assert -np.log2(probabilities[IDS[5]]) == pytest.approx(network_bits(predictor, IDS)[5], rel=1e-4)


def test_streams_side_by_side_cost_what_one_pass_costs() -> None:
    predictor = NetworkPredictor(NetworkData.build(NETWORK, (None,), 0))
    ids = np.random.default_rng(1).integers(0, 11, 5000)
    state, one_pass = predictor.initial_states(1), []
    for token in ids.tolist():
        ((scores,),), state = predictor.scores(np.array([[token]]), state)
        one_pass.append(scores - np.log(np.exp(scores).sum()))
    expected = [-row[after] / np.log(2) for row, after in zip(one_pass, ids[1:], strict=False)]
    np.testing.assert_allclose(network_bits(predictor, ids)[1:], expected, atol=1e-3)


def test_the_mixture_is_the_weighted_mean_and_its_weight_the_best(writer: lw.LanguageModel, story: str) -> None:
    model = writer.model_
    shares = np.linspace(0, 1, model.ngram.kinds).tolist()
    mixture = Mixture(model.network_predictor, model.ngram, shares)
    token = int(model.vocabulary.encode("t")[0])
    mixed, _ = mixture.step(token, mixture.initial_state())
    one, _ = model.network_predictor.step(token, model.network_predictor.initial_state())
    other, contexts = model.ngram.step(token, ())
    share = shares[model.ngram.confidence(contexts)]
    assert 0 < share < 1
    np.testing.assert_allclose(mixed, (1 - share) * one + share * other, rtol=1e-6)
    rng = np.random.default_rng(0)
    first, second = rng.exponential(2, 500), rng.exponential(2, 500)
    cost = {s: -np.log2((1 - s) * 2**-first + s * 2**-second).mean() for s in np.linspace(0.01, 0.99, 99)}
    assert best_share(first, second) == pytest.approx(min(cost, key=cost.__getitem__), abs=0.02)


def test_each_kind_of_context_has_a_weight_of_its_own() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 4000)
    first = np.where(kind == 0, 1.0, 4.0) + rng.exponential(1, 4000)  # each is better at one kind
    second = np.where(kind == 1, 1.0, 4.0) + rng.exponential(1, 4000)
    shares = best_shares(first, second, kind, 3)
    assert shares[0] < 0.2 < best_share(first, second) < 0.8 < shares[1]
    assert shares[2] == pytest.approx(best_share(first, second))  # nothing is known of it


def test_the_cost_of_a_step_by_step_text_is_the_cost_of_the_whole(writer: lw.LanguageModel, story: str) -> None:
    """The kernels' steps, the n-gram's and their mixing, against what a whole text is scored by."""
    model = writer.model_
    ids = model.vocabulary.encode(story[:300])
    state, steps = model.predictor.initial_state(), []
    for token, after in pairwise(ids.tolist()):
        probabilities, state = model.predictor.step(token, state)
        steps.append(-np.log2(probabilities[after]))
    np.testing.assert_allclose(steps, model.token_bits(story[:300])[1][1:], rtol=1e-3, atol=3e-3)


def test_weights_in_a_byte_each_are_close_and_stay_what_they_are() -> None:
    rng = np.random.default_rng(0)
    parameters = {
        "layers.0.weight": rng.normal(size=(40, 8)).astype(np.float32) * np.geomspace(1e-6, 10, 40)[:, None],
        "layers.1.weight": rng.normal(size=(8, 5)).astype(np.float32),
        "layers.1.bias": rng.normal(size=5).astype(np.float32),
    }
    stored = packed(parameters, "layers.0.weight")
    assert stored["network.layers.0.weight"].dtype == np.int8
    once = unpacked(stored)
    for name, array in parameters.items():
        step = (
            np.abs(array).max(axis=1 if name == "layers.0.weight" else 0, keepdims=True) / 127 if array.ndim > 1 else 0
        )
        assert (np.abs(once[name] - array) <= 0.51 * np.maximum(step, 6.2e-5)).all()
    again = packed(once, "layers.0.weight")
    for name, array in stored.items():
        np.testing.assert_array_equal(array, again[name])


def test_steps_repeat_a_run_and_a_checkpoint_goes_on_with_it(story: str, tmp_path: Path) -> None:
    text = story[:3000]
    # The rate is given by hand: a chosen schedule ends at the last step, which the two runs do not share.
    settings = {"hidden": 8, "progress": "none", "optimizer": Optimizer("adamw", 3e-3, clip=1.0)}
    whole = lw.LanguageModel(steps=24, **settings).fit(text)
    again = lw.LanguageModel(steps=24, **settings).fit(text)
    for name, array in whole.model_.data.parameters.items():
        np.testing.assert_array_equal(array, again.model_.data.parameters[name])
    killed = lw.LanguageModel(steps=24, checkpoint=tmp_path, **settings)
    killed.listener = _stop_soon()
    with pytest.raises(RuntimeError, match="killed"):
        killed.fit(text)
    resumed = lw.LanguageModel(steps=24, checkpoint=tmp_path, **settings).fit(text)
    for name, array in whole.model_.data.parameters.items():
        np.testing.assert_array_equal(array, resumed.model_.data.parameters[name])


def test_a_run_of_minutes_goes_on_from_its_checkpoint(story: str, tmp_path: Path) -> None:
    settings = {"hidden": 8, "progress": "none", "minutes": 0.02, "checkpoint": tmp_path}
    first = lw.LanguageModel(**settings).fit(story[:3000])
    again = lw.LanguageModel(**settings).fit(story[:3000])
    assert again.history_.steps == first.history_.steps


def _stop_soon() -> object:
    def listener(sample: str) -> None:
        raise RuntimeError("killed")

    return listener


def test_an_unfitted_model_and_odd_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="not fitted"):
        lw.LanguageModel().write("a")
    with pytest.raises(InputError, match="char"):
        lw.LanguageModel("letters", steps=1).fit("abc")
    with pytest.raises(InputError, match="expected a text"):
        lw.LanguageModel(steps=1).fit(3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="share from 0 to 1"):
        lw.LanguageModel(steps=1, ngram_share=2.0).fit("abcabc" * 20)


def test_serving_imports_no_jax(typist_file: Path) -> None:
    code = (
        "import sys; from latchwork.text.model import TextModel; "
        f"m = TextModel.load({str(typist_file)!r}); m.keyboard().suggest('the c'); ''.join(m.write('the', 20)); "
        "from latchwork.text import testing, terminal; sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_weights_of_four_bits_stay_what_they_are_and_are_closer_than_a_step() -> None:
    rng = np.random.default_rng(0)
    parameters = {
        "layers.0.weight": rng.normal(size=(40, 8)).astype(np.float32) * np.geomspace(1e-3, 10, 40)[:, None],
        "layers.1.weight": rng.normal(size=(8, 6)).astype(np.float32),
        "layers.2.weight": rng.normal(size=(8, 5)).astype(np.float32),  # an odd number of columns
    }
    halved = ("layers.0.weight", "layers.1.weight", "layers.2.weight")
    stored = packed(parameters, "layers.0.weight", halved)
    assert stored["network.layers.0.weight"].nbytes == 40 * 4
    assert stored["network.layers.2.weight"].dtype == np.int8
    once = unpacked(stored)
    for name, axis in (("layers.0.weight", 1), ("layers.1.weight", 0)):
        array = parameters[name]
        off = np.abs(once[name] - array) / np.abs(array).max(axis=axis, keepdims=True)
        assert np.quantile(off, 0.9) < 0.5 / 7
        assert off.max() < 0.55
    for name, array in packed(once, "layers.0.weight", halved).items():
        np.testing.assert_array_equal(array, stored[name])


def test_a_small_keyboard_is_as_small_as_asked_and_answers_alike_when_opened(story: str, tmp_path: Path) -> None:
    model = lw.LanguageModel("word", hidden=16, steps=20, size=60_000, progress="none").fit(story)
    path = tmp_path / "small.latch"
    model.save(path)
    opened = TextModel.load(path)
    assert opened.halved
    assert opened.bits_per_character(story[:400]) == model.bits_per_character(story[:400])
    again = tmp_path / "again.latch"
    lw.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()
