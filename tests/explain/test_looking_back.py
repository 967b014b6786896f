import json
from pathlib import Path

import numpy as np
import pytest

import latchwork as lw
from latchwork import datasets
from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.explain.horizon import memory_horizon
from latchwork.explain.neurons import neurons, season_rules, text_rules
from latchwork.transforms.vocabulary import vocabulary_from_dict


def fading(forget: float) -> NetworkData:
    """A relu network of one unit that multiplies its memory by `forget` and adds its input."""
    layers = lw.Sequential([lw.SimpleRNN(1, activation="relu"), lw.Dense(1)], input_shape=(None, 1))
    parameters = {
        "layers.0.input_weight": [[1.0]],
        "layers.0.hidden_weight": [[forget]],
        "layers.0.bias": [0.0],
        "layers.1.weight": [[1.0]],
        "layers.1.bias": [0.0],
    }
    return NetworkData(layers, {name: np.array(value, np.float32) for name, value in parameters.items()})


@pytest.fixture(scope="module")
def positive():
    return np.random.default_rng(0).uniform(0.5, 1.5, (40, 60, 1)).astype(np.float32)


def test_the_horizon_of_a_fading_memory_is_what_its_factor_says(positive):
    # 95 % of the sum of 0.8^k lies within the first 14 terms: 1 - 0.8^14 = 0.956.
    short = memory_horizon(fading(0.8), positive)
    assert abs(short.by_influence - 14) <= 1
    longer = memory_horizon(fading(0.95), positive)
    assert longer.by_influence > 2 * short.by_influence
    assert longer.by_cutting > short.by_cutting
    slope, _ = np.polyfit(np.arange(30), np.log(short.reach[:30]), 1)
    assert np.exp(slope) == pytest.approx(0.8, rel=0.02)
    assert short.change[-1] == pytest.approx(0, abs=1e-6)


def test_one_sequence_has_no_spread_to_compare_with(positive):
    with pytest.raises(InputError, match="two sequences or more"):
        memory_horizon(fading(0.5), positive[0])


def test_units_are_found_by_the_rule_that_they_follow():
    # Unit 0 repeats its input's level; unit 1 adds a constant at each step: the position.
    layers = lw.Sequential([lw.SimpleRNN(2, activation="relu")], input_shape=(None, 1))
    parameters = {
        "layers.0.input_weight": [[1.0, 0.0]],
        "layers.0.hidden_weight": [[0.0, 0.0], [0.0, 1.0]],
        "layers.0.bias": [0.0, 1.0],
    }
    network = NetworkData(layers, {name: np.array(value, np.float32) for name, value in parameters.items()})
    data = np.random.default_rng(0).uniform(0, 1, (8, 50, 1)).astype(np.float32)
    found = {neuron.unit: neuron for neuron in neurons(network, data)}
    assert found[0].rule == "level" and found[0].score > 0.999
    assert found[1].rule == "position" and found[1].score > 0.999
    with pytest.raises(InputError, match="expected one number a step"):
        neurons(network, data, {"wrong": np.zeros(49)})


def test_the_rules_of_a_text():
    rules = text_rules('a "b"\nC')
    straight, levelling = rules["position in line"]
    np.testing.assert_allclose(straight / straight[1], [0, 1, 2, 3, 4, 5, 0])
    assert levelling[1] - levelling[0] > levelling[5] - levelling[4] > 0
    assert rules["inside quotes"].tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert rules["capital"].tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_a_season_is_found_in_any_phase():
    steps = np.arange(96)
    wave = np.cos(2 * np.pi * (steps - 5) / 12)
    layers = lw.Sequential([lw.SimpleRNN(1, activation="relu")], input_shape=(None, 1))
    parameters = {"layers.0.input_weight": [[1.0]], "layers.0.hidden_weight": [[0.0]], "layers.0.bias": [2.0]}
    network = NetworkData(layers, {name: np.array(value, np.float32) for name, value in parameters.items()})
    found = neurons(network, wave[:, None].astype(np.float32), season_rules(96, 12))
    assert found[0].rule == "season" and found[0].score > 0.999


def test_what_a_unit_keeps_is_looked_at_beside_what_it_shows():
    # Its output gate is closed but for the last step, so that only its cell says how many steps it has counted.
    layers = lw.Sequential([lw.LSTM(1)], input_shape=(None, 1))
    parameters = {
        "layers.0.input_weight": [[0.0, 0.0, 0.0, 40.0]],
        "layers.0.hidden_weight": [[0.0, 0.0, 0.0, 0.0]],
        "layers.0.bias": [20.0, 20.0, 0.1, -20.0],
    }
    network = NetworkData(layers, {name: np.array(value, np.float32) for name, value in parameters.items()})
    data = np.zeros((4, 30, 1), np.float32)
    data[:, -1] = 1
    found = neurons(network, data)
    assert found[0].state == "cell" and found[0].rule == "position" and found[0].score > 0.999


@pytest.fixture(scope="module")
def language():
    text = 'He said: "yes".\n(She did not.)\n' * 60
    model = lw.LanguageModel("char", hidden=8, steps=2, ngram_share=0.0, progress="none")
    return model.fit(text)


def test_a_language_model_is_asked_with_a_text(language):
    text = 'She said: "no".\n' * 8
    found = neurons(language, text)
    assert found.tokens is not None and "".join(found.tokens) == text
    assert len(found) == len(found.to_frame()) == 8
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert str(found).splitlines()[1].endswith(("hidden", "cell"))
    drawn = found.plot(3)
    assert [axes.get_title(loc="left") != "" for axes in drawn.axes] == [True] * 3
    traced, leaned = lw.trace(language, text), lw.influence(language, text, output=0)
    assert len(traced["forget"]) == len(text)
    assert leaned.completeness_error < 0.01
    for found in (traced, leaned):
        labels = [label.get_text() for label in found.plot().axes[-1 if found is leaned else 5].get_xticklabels()]
        assert "".join(labels) == text.replace(" ", "␣").replace("\n", "⏎")
    assert 1 <= lw.memory_horizon(language, [[0, 1, 2, 3], [3, 2, 1, 0]]).by_cutting <= 4
    with pytest.raises(InputError, match="the network knows 0 to"):
        lw.trace(language, [0, 10_000])


PASSAGE = """KING HENRY V:
Once more unto the breach, dear friends, once more;
Or close the wall up with our English dead.
In peace there's nothing so becomes a man
As modest stillness and humility:
But when the blast of war blows in our ears,
Then imitate the action of the tiger;
"""
SHIPPED = Path(__file__).parents[2] / "web" / "data"


def shipped(name):
    opened = storage.load(SHIPPED / name)
    tensors = {key.removeprefix("network."): np.asarray(array, np.float32) for key, array in opened.tensors.items()}
    layers = lw.Sequential.from_dict(opened.document["network"])
    return NetworkData(layers, {key: tensors[key] for key in layers.parameter_shapes()}), opened.document


def completeness_errors(digits: int, letters: int, months: int) -> dict[str, list[float]]:
    """Of models that were really trained: the largest answer of each."""
    images = datasets.mnist()[1][0][:digits]
    model = lw.load(SHIPPED / "digits.latch")
    found = {"digits": [lw.influence(model, image, int(model.predict(image[None])[0])) for image in images]}
    network, document = shipped("letters.latch")
    tokens = vocabulary_from_dict(document["fitted"]["vocabulary"]).encode(PASSAGE)
    texts = [tokens[start : start + 60] for start in np.linspace(0, len(tokens) - 60, letters, dtype=int)]
    found["letters"] = [lw.influence(network, text, int(lw.trace(network, text).output[-1].argmax())) for text in texts]
    series = json.loads((SHIPPED / "airline.json").read_text())
    scaled = ((np.log(series["passengers"]) - series["mean"]) / series["spread"]).astype(np.float32)[:, None]
    for cell in ("SimpleRNN", "GRU", "LSTM"):
        network, _ = shipped(f"airline-{cell}.latch")
        ends = np.linspace(60, 144, months, dtype=int)
        found[cell] = [lw.influence(network, scaled[end - 60 : end], 0) for end in ends]
    return {name: [each.completeness_error for each in every] for name, every in found.items()}


def test_influence_is_complete_on_trained_models():
    for name, errors in completeness_errors(digits=4, letters=1, months=1).items():
        assert max(errors) < 0.01, name


@pytest.mark.proof
def test_influence_is_complete_on_a_hundred_digits_and_more():
    for name, errors in completeness_errors(digits=100, letters=10, months=28).items():
        print(f"{name}: {len(errors)} answers, largest completeness error {max(errors):.3%}")
        assert max(errors) < 0.01, name
