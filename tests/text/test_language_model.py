"""Training, scoring and the file of a language model."""

import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import latchwork as lw
from latchwork.errors import InputError
from latchwork.network import Network
from latchwork.spec import LSTM, Dense, Embedding, Sequential
from latchwork.text.model import TextModel
from latchwork.text.objective import NextToken
from latchwork.text.predictor import Mixture, NetworkPredictor
from latchwork.text.scoring import best_share, network_bits
from latchwork.text.streams import Windows, as_streams
from latchwork.training import Optimizer, evaluate

NETWORK = Sequential([Embedding(11, 6), LSTM(8, return_sequences=True), Dense(6), Dense(11)])
IDS = np.random.default_rng(0).integers(0, 11, 700).astype(np.uint8)


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
    matrix = model.parameters["layers.4.weight"]
    np.testing.assert_array_equal(matrix, model.parameters["layers.0.weight"].T)
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
    model = Network.build(NETWORK, (None,), 0)
    short = evaluate(model, NextToken(), as_streams(IDS, 2, 5), batch_size=2)
    long = evaluate(model, NextToken(), as_streams(IDS, 2, 345), batch_size=2)
    assert short["bits"] == pytest.approx(long["bits"], rel=1e-5)
    assert short["bits"] == pytest.approx(short["loss"] / np.log(2))


def test_numpy_steps_cost_what_training_counts() -> None:
    model = Network.build(NETWORK, (None,), 0)
    predictor = NetworkPredictor(model.spec, model.parameters())
    batch = {
        "inputs": jnp.asarray(IDS[None, :-1]), "targets": jnp.asarray(IDS[None, 1:]), "weight": jnp.ones(1),
    }  # fmt: skip
    objective = NextToken()
    loss = float(objective(model, batch, objective.initial_carry(model, 1), None)[0])
    assert network_bits(predictor, IDS)[1:].mean() * np.log(2) == pytest.approx(loss, rel=1e-5)
    state = predictor.initial_state()
    for token in IDS[:5].tolist():
        probabilities, state = predictor.step(token, state)
    assert -np.log2(probabilities[IDS[5]]) == pytest.approx(network_bits(predictor, IDS)[5], rel=1e-4)


def test_streams_side_by_side_cost_what_one_pass_costs() -> None:
    model = Network.build(NETWORK, (None,), 0)
    predictor = NetworkPredictor(model.spec, model.parameters())
    ids = np.random.default_rng(1).integers(0, 11, 5000)
    state, one_pass = predictor.initial_state(), []
    for token in ids.tolist():
        scores, state = predictor.scores(token, state)
        one_pass.append(scores - np.log(np.exp(scores).sum()))
    expected = [-row[after] / np.log(2) for row, after in zip(one_pass, ids[1:], strict=False)]
    np.testing.assert_allclose(network_bits(predictor, ids)[1:], expected, atol=1e-3)


def test_tying_uses_the_embedding_twice() -> None:
    model = Network.build(NETWORK, (None,), 0)
    batch = {"inputs": jnp.asarray(IDS[None, :9]), "targets": jnp.asarray(IDS[None, 1:10]), "weight": jnp.ones(1)}
    parameters = model.parameters()
    parameters["layers.3.weight"] = parameters["layers.0.weight"].T
    copied = Network.from_parameters(model.spec, parameters)
    tied = NextToken(tied=True)(model, batch, NextToken().initial_carry(model, 1), None)[0]
    assert float(tied) == float(NextToken()(copied, batch, NextToken().initial_carry(model, 1), None)[0])


def test_the_mixture_is_the_weighted_mean_and_its_weight_the_best(writer: lw.LanguageModel, story: str) -> None:
    model = writer.model_
    mixture = Mixture(model.network_predictor, model.ngram, 0.3)
    token = int(model.vocabulary.encode("t")[0])
    mixed, _ = mixture.step(token, mixture.initial_state())
    one, _ = model.network_predictor.step(token, model.network_predictor.initial_state())
    other, _ = model.ngram.step(token, ())
    np.testing.assert_allclose(mixed, 0.7 * one + 0.3 * other, rtol=1e-6)
    rng = np.random.default_rng(0)
    first, second = rng.exponential(2, 500), rng.exponential(2, 500)
    cost = {s: -np.log2((1 - s) * 2**-first + s * 2**-second).mean() for s in np.linspace(0.01, 0.99, 99)}
    assert best_share(first, second) == pytest.approx(min(cost, key=cost.__getitem__), abs=0.02)


def test_steps_repeat_a_run_and_a_checkpoint_goes_on_with_it(story: str, tmp_path: Path) -> None:
    text = story[:3000]
    # The rate is given by hand: a chosen schedule ends at the last step, which the two runs do not share.
    settings = {"hidden": 8, "progress": "none", "optimizer": Optimizer("adamw", 3e-3, clip=1.0)}
    whole = lw.LanguageModel(steps=24, **settings).fit(text)
    again = lw.LanguageModel(steps=24, **settings).fit(text)
    for name, array in whole.model_.parameters.items():
        np.testing.assert_array_equal(array, again.model_.parameters[name])
    killed = lw.LanguageModel(steps=24, checkpoint=tmp_path, **settings)
    killed.listener = _stop_soon()
    with pytest.raises(RuntimeError, match="killed"):
        killed.fit(text)
    resumed = lw.LanguageModel(steps=24, checkpoint=tmp_path, **settings).fit(text)
    for name, array in whole.model_.parameters.items():
        np.testing.assert_array_equal(array, resumed.model_.parameters[name])


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
