import dataclasses

import numpy as np
import pytest

from latchwork.explain.memory import CellMemory, Plan, measure_memory
from latchwork.explain.memory_picture import draw_memory
from latchwork.explain.memory_settings import SETTINGS, setting_of
from latchwork.explain.memory_tasks import ASK, SHOW, TASKS, Recall
from latchwork.explain.memory_training import Setting, Training, cells, initial_network, train

SMALL = Plan(distances=(2, 6), seeds=1, training=Training(steps=150, units=12))


@pytest.fixture(scope="module")
def gru():
    return measure_memory(Recall(3), "GRU", SMALL)


def test_what_is_asked_for_was_shown_first():
    for task in TASKS.values():
        batch = task.draw(np.random.default_rng(0), 50, 9)
        assert batch.inputs.shape == (50, 10, task.features)
        assert (batch.inputs[:, 0, SHOW] == 1).all()
        assert (batch.inputs[:, -1, ASK] == 1).all()
        assert not batch.inputs[:, :-1, ASK].any()


def test_the_recalled_dish_is_the_first_days():
    batch = Recall(5).draw(np.random.default_rng(0), 30, 4)
    np.testing.assert_array_equal(batch.inputs[:, 0, :5].argmax(axis=1), batch.targets)


def test_the_copied_symbol_stands_where_it_is_asked_for():
    task = TASKS["copy"]
    batch = task.draw(np.random.default_rng(0), 30, 20)
    place = batch.inputs[:, -1, task.symbols : task.symbols + task.count].argmax(axis=1)
    shown = batch.inputs[np.arange(30), place, : task.symbols].argmax(axis=1)
    np.testing.assert_array_equal(shown, batch.targets)


def test_the_sum_is_that_of_the_marked_numbers():
    batch = TASKS["adding"].draw(np.random.default_rng(0), 30, 12)
    marked = batch.inputs[..., 0] * batch.inputs[..., SHOW]
    np.testing.assert_allclose(marked.sum(axis=1), batch.targets, rtol=1e-6)
    assert (batch.inputs[..., SHOW].sum(axis=1) == 2).all()


@pytest.mark.parametrize("name", list(TASKS))
def test_chance_is_what_guessing_reaches(name):
    task = TASKS[name]
    batch = task.draw(np.random.default_rng(1), 20_000, 8)
    right = np.abs(batch.targets - 1) < 0.1 if task.outputs == 1 else batch.targets == 0
    assert right.mean() == pytest.approx(task.chance, abs=0.01)


def test_a_gru_learns_to_remember_and_the_figures_can_be_had_again(gru):
    assert gru.accuracy.min() > 0.95
    assert len(gru.reach) == 6
    again = measure_memory(Recall(3), "GRU", dataclasses.replace(SMALL, distances=(2,)))
    np.testing.assert_array_equal(again.accuracy[:, 0], gru.accuracy[:, 0])


def test_every_cell_has_a_setting_of_its_own_near_and_far():
    assert set(SETTINGS) == set(TASKS)
    for task, settings in SETTINGS.items():
        assert set(settings) <= set(cells())
        near, far = settings["SimpleRNN"]
        assert [setting_of(task, "SimpleRNN", each) for each in (1, 44, 45, 200)] == [near, near, far, far]


def test_starts_are_what_they_are_called():
    identity = initial_network(Recall(), "GRU", 5, 50, Setting(recurrent="identity"), seed=3).parameters
    np.testing.assert_array_equal(identity["layers.0.hidden_weight"][:, 10:], np.eye(5))
    assert np.abs(identity["layers.0.input_weight"][:, 10:]).max() < 0.01
    spans = initial_network(Recall(), "LSTM", 5, 50, Setting(gates="spans"), seed=3).parameters["layers.0.bias"]
    np.testing.assert_array_equal(spans[:5], -spans[5:10])  # a unit keeps as much as it does not write
    steps = np.exp(spans[5:10])  # a forget gate of bias log(n) keeps 1 - 1 / (n + 1): n steps
    assert steps.min() >= 1 and steps.max() <= 51
    relu = initial_network(Recall(), "SimpleRNN", 5, 50, Setting(activation="relu"), seed=3)
    assert relu.spec.layers[0].activation == "relu"


def test_the_horizon_ends_where_the_median_falls():
    accuracy = np.array([[1.0, 0.95, 0.5, 0.95], [1.0, 0.92, 0.6, 0.9], [0.2, 0.1, 0.1, 0.1]])
    found = CellMemory(accuracy, np.ones(4), [])
    assert found.horizon((1, 5, 10, 20)) == 5
    assert found.horizon((1, 5, 10, 20), threshold=0.99) == 1
    assert CellMemory(accuracy[2:], np.ones(4), []).horizon((1, 5, 10, 20)) == 0


def test_the_picture_names_every_cell(gru):
    figure = draw_memory({"GRU": gru}, SMALL, Recall(3))
    assert [line.get_label() for line in figure.axes[1].lines] == ["GRU"]


def test_a_network_does_not_know_who_is_trained_beside_it():
    each = [(Setting(rate=3e-2, clip=0.1), 3), (Setting(rate=1e-3, clip=1.0), 3), (Setting(), 4)]
    training = Training(steps=25, units=5, batch_size=8)
    together, history = train(Recall(3), "LSTM", training, 4, each)
    assert (history.steps, history.block, len(history.members)) == (25, "native", 1)
    for one, network in zip(each, together, strict=True):
        (alone,), _ = train(Recall(3), "LSTM", training, 4, [one])
        for name, array in alone.parameters.items():
            np.testing.assert_array_equal(network.parameters[name], array)
    assert not np.array_equal(together[0].parameters["layers.0.bias"], together[1].parameters["layers.0.bias"])


def test_a_measurement_goes_on_from_its_checkpoints(tmp_path):
    plan = dataclasses.replace(SMALL, distances=(2,))
    first = measure_memory(TASKS["adding"], "LSTM", plan, checkpoint=tmp_path)
    assert [folder.name for folder in tmp_path.iterdir()] == ["adding-LSTM-2"]
    again = measure_memory(TASKS["adding"], "LSTM", plan, checkpoint=tmp_path)
    np.testing.assert_array_equal(again.accuracy, first.accuracy)
    assert again.histories[0].steps == 150 and again.histories[0].last("loss") == first.histories[0].last("loss")


@pytest.mark.proof
@pytest.mark.parametrize("cell", list(cells()))
def test_gated_cells_hold_what_a_simple_rnn_does_not(cell):
    plan = Plan(distances=(100,), seeds=1)
    accuracy = measure_memory(Recall(), cell, plan).accuracy.item()
    assert accuracy < 0.2 if cell == "SimpleRNN" else accuracy > 0.95
