import dataclasses

import numpy as np
import pytest

from latchwork.explain.memory import CELLS, CellMemory, Plan, measure_memory
from latchwork.explain.memory_picture import draw_memory
from latchwork.explain.memory_tasks import ASK, SHOW, TASKS, Recall

SMALL = Plan(distances=(2, 6), steps=150, units=12, batch_size=32, seeds=1)


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


def test_the_horizon_ends_where_the_median_falls():
    accuracy = np.array([[1.0, 0.95, 0.5, 0.95], [1.0, 0.92, 0.6, 0.9], [0.2, 0.1, 0.1, 0.1]])
    found = CellMemory(accuracy, np.ones(4), [])
    assert found.horizon((1, 5, 10, 20)) == 5
    assert found.horizon((1, 5, 10, 20), threshold=0.99) == 1
    assert CellMemory(accuracy[2:], np.ones(4), []).horizon((1, 5, 10, 20)) == 0


def test_the_picture_names_every_cell(gru):
    figure = draw_memory({"GRU": gru}, SMALL, Recall(3))
    assert [line.get_label() for line in figure.axes[1].lines] == ["GRU"]


@pytest.mark.proof
@pytest.mark.parametrize("cell", list(CELLS))
def test_gated_cells_hold_what_a_simple_rnn_forgets(cell):
    plan = Plan(distances=(50,), steps=1000, seeds=1)
    accuracy = measure_memory(Recall(), cell, plan).accuracy.item()
    assert accuracy < 0.3 if cell == "SimpleRNN" else accuracy > 0.9
