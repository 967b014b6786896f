from itertools import permutations

import numpy as np
import pytest

from latchwork.core.errors import InputError
from latchwork.explain.assignment import assign
from latchwork.explain.diary import learn, write_diary
from latchwork.explain.diary_network import WEIGHT_DECAY, Parameters, States, gradient, one_hot
from latchwork.explain.roommate import DISHES, RAINY, SUNNY, Day, MergedKitchen, count_exact, kitchens
from latchwork.explain.roommate_pictures import draw_kitchens
from latchwork.explain.roommate_words import write_day, write_learned


def served(name: str, yesterday: str, weather: int) -> str:
    steps = kitchens()[name].steps(Day(DISHES.index(yesterday), weather))
    return DISHES[steps["dish"].argmax()]


def test_the_three_kitchens_tell_the_story():
    assert served("plain", "chicken", SUNNY) == "apple pie"
    assert served("plain", "chicken", RAINY) == "burger"
    assert [served("recurrent", dish, SUNNY) for dish in DISHES] == ["burger", "chicken", "apple pie"]
    assert [served("merged", dish, SUNNY) for dish in DISHES] == list(DISHES)
    assert [served("merged", dish, RAINY) for dish in DISHES] == ["burger", "chicken", "apple pie"]


@pytest.mark.parametrize("courses", [2, 3, 7, 60])
@pytest.mark.parametrize("name", ["plain", "recurrent", "merged"])
def test_every_kitchen_is_exact_in_every_state(name, courses):
    assert count_exact(kitchens(courses)[name], courses) == 2 * courses


def test_a_wrong_matrix_is_noticed():
    class Wrong(MergedKitchen):
        def matrices(self):
            matrices = super().matrices()
            return matrices | {"merge": np.roll(matrices["merge"], 1, axis=0)}

    assert count_exact(Wrong(3), 3) == 0


def test_the_merged_kitchen_adds_and_keeps_the_two():
    steps = MergedKitchen().steps(Day(yesterday=1, weather=RAINY))
    np.testing.assert_array_equal(steps["proposals"], [0, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(steps["verdict"], [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(steps["total"], [0, 1, 0, 1, 1, 2])
    np.testing.assert_array_equal(steps["chosen"], [0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(steps["dish"], [0, 0, 1])


@pytest.mark.parametrize("courses", [0, 1, 61])
def test_menus_out_of_range_are_refused(courses):
    with pytest.raises(InputError, match=f"got a menu of {courses} courses"):
        kitchens(courses)


@pytest.mark.parametrize("seed", range(10))
def test_the_rules_are_learned_from_a_diary_and_hold_on_days_never_seen(seed):
    learned = learn(write_diary(3, 120, seed), 3, seed)
    unseen = write_diary(3, 1000, 1000 + seed)
    np.testing.assert_array_equal(learned.serve(unseen.first_dish, unseen.weather), unseen.dishes)
    # Put side by side, what was learned rounds to what was meant.
    for name, exact in MergedKitchen(3).matrices().items():
        np.testing.assert_array_equal(learned.normalised()[name].round(), exact)


def test_what_is_shown_says_how_it_was_chosen():
    learned = learn(write_diary(3, 120, 0), 3)
    assert (learned.starts, learned.own_units) == (64, 6) and 1 <= learned.solved <= 64
    written = write_learned(learned, 3)
    assert "Chosen out of 64 random starts by the diary alone" in written
    assert "chicken, next    0 1 0" in written  # the rule's line, and the learned one behind it
    assert max(map(len, written.splitlines())) <= 80


def test_a_day_is_worked_through_in_words():
    written = write_day(MergedKitchen(), Day(1, RAINY), 3)
    assert "chicken, next            1        1      2      1" in written
    assert max(map(len, written.splitlines())) <= 80


@pytest.mark.parametrize("courses", [2, 3, 9])
def test_the_kitchens_and_what_was_learned_are_drawn(courses):
    figure = draw_kitchens(kitchens(courses), courses)
    words = {text.get_text() for text in figure.axes[0].texts}
    assert {"dish", "sum", "the 2 alone, as a 1", "×", "+", "="} <= words
    assert ("apple pie, same" in words) == (courses <= 6)


def test_a_menu_of_sixty_courses_is_learned_too():
    learned = learn(write_diary(60, 6000, 0), 60)
    unseen = write_diary(60, 1000, 1)
    np.testing.assert_array_equal(learned.serve(unseen.first_dish, unseen.weather), unseen.dishes)


def test_a_diary_without_rain_teaches_nothing_about_rain():
    sunny = write_diary(3, 50, 0)._replace(weather=np.full(50, SUNNY), dishes=np.zeros(50, int), first_dish=0)
    unseen = write_diary(3, 200, 1)
    served = learn(sunny, 3).serve(unseen.first_dish, unseen.weather)
    assert (served == unseen.dishes).mean() < 1


def first_values(random: np.random.Generator, starts: int) -> Parameters:
    shapes = ((6, 3), (6, 2), (6,), (3, 6))
    return Parameters(*(random.normal(size=(starts, *shape)) for shape in shapes))


def test_the_networks_gradient_is_the_slope_of_its_loss():
    random = np.random.default_rng(0)
    dishes, weather, served = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), np.array([0, 1, 2, 2])
    states = States(one_hot(dishes, 3), one_hot(weather, 2), one_hot(served, 3), random.dirichlet([1] * 4))
    parameters = first_values(random, starts=2)
    _, by = gradient(parameters, states)

    def whole(changed: Parameters) -> np.ndarray:
        matrices = (changed.food, changed.weather, changed.merge)
        squares = sum(np.square(matrix).sum(axis=(1, 2)) for matrix in matrices)
        return gradient(changed, states)[0] + WEIGHT_DECAY * squares / 3

    for name, array in parameters._asdict().items():
        for place in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[place] = 1e-5
            up, down = (whole(parameters._replace(**{name: array + side * step})) for side in (1, -1))
            slope = (up - down)[place[0]] / 2e-5
            assert getattr(by, name)[place] == pytest.approx(slope, abs=1e-9), (name, place)
            assert (np.delete(up - down, place[0]) == 0).all()  # no start knows of another


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_an_assignment_costs_least_of_all(size):
    random = np.random.default_rng(size)
    random_costs = random.normal(size=(10, size, size))
    for costs in (*random_costs, *random_costs.round()):  # rounded, many cost the same
        found = assign(costs)
        assert sorted(found) == list(range(size))
        least = min(costs[range(size), each].sum() for each in permutations(range(size)))
        assert costs[range(size), found].sum() == pytest.approx(least)
