import numpy as np
import pytest

import latchwork as lw
from latchwork.errors import InputError
from latchwork.explain.horizon import memory_horizon
from latchwork.explain.neurons import neurons, season_rules, text_rules
from latchwork.network import Network


def fading(forget: float) -> Network:
    """A relu network of one unit that multiplies its memory by `forget` and adds its input."""
    layers = lw.Sequential([lw.SimpleRNN(1, activation="relu"), lw.Dense(1)], input_shape=(None, 1))
    parameters = {
        "layers.0.input_weight": [[1.0]],
        "layers.0.hidden_weight": [[forget]],
        "layers.0.bias": [0.0],
        "layers.1.weight": [[1.0]],
        "layers.1.bias": [0.0],
    }
    return Network.from_parameters(layers, {name: np.array(value, np.float32) for name, value in parameters.items()})


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
    network = Network.from_parameters(layers, {name: np.array(value, np.float32) for name, value in parameters.items()})
    data = np.random.default_rng(0).uniform(0, 1, (8, 50, 1)).astype(np.float32)
    found = {neuron.unit: neuron for neuron in neurons(network, data)}
    assert found[0].rule == "level" and found[0].score > 0.999
    assert found[1].rule == "position" and found[1].score > 0.999
    with pytest.raises(InputError, match="expected one number a step"):
        neurons(network, data, {"wrong": np.zeros(49)})


def test_the_rules_of_a_text():
    rules = text_rules('a "b"\nC')
    assert rules["position in line"].tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert rules["inside quotes"].tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert rules["capital"].tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_the_rules_of_a_season_repeat():
    rules = season_rules(24, 12)
    np.testing.assert_allclose(rules["season"][:12], rules["season"][12:], atol=1e-12)
