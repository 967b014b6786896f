"""The roommate's rules, learned from nothing but a diary of days.

The network has the merged kitchen's form, with numbers drawn at random in place of zeros and ones:

    chosen = softmax(F yesterday + W weather + b)
    scores = M chosen                            (the dish is the highest)

Its nonlinearity is a soft "which entry is the largest", the learnable form of "keep the 2". What it served is what it
reads as yesterday's dish, so on days it has never seen it runs on the weather alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.explain.assignment import assign
from latchwork.explain.diary_network import Parameters, States, chosen, one_hot, scores, train
from latchwork.explain.roommate import WEATHER, Day, MergedKitchen, days

STARTS = 64  # random starts trained side by side: some stop in a local minimum, some let one unit serve two states
LONG_MENU = 10  # dishes: units enough to find a way out of a poor start, and many starts would be slow


class Diary(NamedTuple):
    """What happened: the dish of the evening before, then each day's weather and dish."""

    first_dish: int
    weather: NDArray[np.int64]
    dishes: NDArray[np.int64]

    def yesterdays(self) -> NDArray[np.int64]:
        """What had been cooked the day before, for each day."""
        return np.concatenate([[self.first_dish], self.dishes[:-1]])


@dataclass(frozen=True)
class LearnedKitchen:
    """A kitchen trained on a diary.

    Attributes:
        parameters: its matrices, the hidden units ordered like the exact kitchen's.
        losses: mean cross-entropy of each training step, nats a day.
        starts: random starts that were trained, of which this is the one that is easiest to read.
        solved: how many of them serve every day of the diary right.
        own_units: how many states of the diary have a hidden unit of their own, as all have in the exact kitchen.
    """

    parameters: Parameters
    losses: NDArray[np.float64]
    starts: int = 1
    solved: int = 1
    own_units: int = 0

    def in_words(self) -> str:
        """Where it comes from, and what was done to its numbers to lay them beside the exact ones."""
        chosen = (
            f"Chosen out of {self.starts} random starts by the diary alone: {self.solved} of them serve all its\n"
            "days right, and this is the one whose hidden units are easiest to read."
            if self.starts > 1
            else "From a single random start, as long menus are learned."
        )
        states = self.parameters.food.shape[-2]
        return (
            f"{chosen}\n"
            f"Of the {states} states, {self.own_units} have a hidden unit of their own, as in the rule all have.\n"
            "Its units are put in the rule's order, and each matrix is shifted and scaled so\n"
            "that what should be 0 and 1 is so on average: training leaves both open."
        )

    def serve(self, first_dish: int, weather: NDArray[np.int64]) -> NDArray[np.int64]:
        """The dishes `[days]` that it serves, fed with its own dish of the day before."""
        courses = self.parameters.merge.shape[-2]
        every = scores(self.parameters, *_encode(np.asarray(list(days(courses))), courses))
        choice = every.argmax(axis=1).reshape(courses, len(WEATHER))  # one row a state: a day is then a look-up
        served = np.empty(len(weather), np.int64)
        dish = first_dish
        for day, sky in enumerate(weather):
            served[day] = dish = choice[dish, sky]
        return served

    def normalised(self) -> dict[str, NDArray[np.float64]]:
        """The matrices on the exact ones' scale: in each, the mean of its large entries is 1 and of its small ones 0.

        A softmax does not see a number added to a whole column, nor does the choice of a dish, and training pushes
        scales up without end; only what stands out in a matrix carries its meaning.
        """
        courses = self.parameters.merge.shape[-2]
        exact = MergedKitchen(courses).matrices()
        result: dict[str, NDArray[np.float64]] = {}
        for name, ideal in exact.items():
            learned = np.asarray(getattr(self.parameters, name), np.float64)
            low, high = learned[ideal == 0].mean(), learned[ideal == 1].mean()
            result[name] = (learned - low) / (high - low)
        return result


def write_diary(courses: int, length: int, seed: int) -> Diary:
    """A diary of `length` days in the merged kitchen, with weather drawn from `seed`."""
    random = np.random.default_rng(seed)
    weather = random.integers(0, len(WEATHER), length)
    first = dish = int(random.integers(courses))
    kitchen = MergedKitchen(courses)
    dishes = np.empty(length, np.int64)
    for day, sky in enumerate(weather):
        dishes[day] = dish = kitchen.rule(Day(dish, int(sky)))
    return Diary(first, weather, dishes)


def learn(diary: Diary, courses: int, seed: int = 0) -> LearnedKitchen:
    """Train on a diary, from several random starts at once, and keep the one that is easiest to read.

    That is the one in which most hidden units stand for a single state, as in the exact kitchen; among equals, the
    one with the lowest training loss. Only the diary is used to choose.

    Args:
        diary: the days to learn from.
        courses: number of dishes on the menu.
        seed: of the random starts.

    Returns:
        The kitchen, its hidden units in the exact kitchen's order.

    Example:
        >>> kitchen = learn(write_diary(3, 120, seed=0), 3)
        >>> unseen = write_diary(3, 365, seed=1)
        >>> bool((kitchen.serve(unseen.first_dish, unseen.weather) == unseen.dishes).all())
        True
    """
    # Every day of the diary is one of 2 * courses states: the loss over the states, weighted by how often each
    # occurs, is the loss over the days.
    seen = np.stack([diary.yesterdays(), diary.weather, diary.dishes], axis=1)
    unique, counts = np.unique(seen, axis=0, return_counts=True)
    yesterday, weather = _encode(unique, courses)
    states = States(yesterday, weather, one_hot(unique[:, 2], courses), counts / counts.sum())
    starts = STARTS if courses < LONG_MENU else 1
    trained, losses = train(_first_values(courses, starts, seed), states)

    winners = chosen(trained, yesterday, weather).argmax(axis=-1)
    readable = np.asarray([len(np.unique(units)) for units in winners])
    best = int(np.lexsort((losses[:, -1], -readable))[0])
    served = scores(trained, yesterday, weather).argmax(axis=-1)
    solved = int((served == unique[:, 2]).all(axis=1).sum())
    parameters = Parameters(*(array[best] for array in trained))
    return LearnedKitchen(_in_exact_order(parameters, courses), losses[best], starts, solved, int(readable[best]))


def _first_values(courses: int, starts: int, seed: int) -> Parameters:
    random = np.random.default_rng(seed)
    units = 2 * courses
    shapes = ((units, courses), (units, len(WEATHER)), (units,), (courses, units))
    return Parameters(*(random.normal(size=(starts, *shape)) for shape in shapes))


def _encode(states: NDArray[np.int64], courses: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Yesterday's dishes and the weather of states `[states, 2 or more]`, as one-hot vectors."""
    return one_hot(states[:, 0], courses), one_hot(states[:, 1], len(WEATHER))


def _in_exact_order(parameters: Parameters, courses: int) -> Parameters:
    """Hidden units permuted so that each fires on the day on which the exact kitchen's unit in its place does."""
    every = list(days(courses))
    learned = chosen(parameters, *_encode(np.asarray(every), courses))
    exact = np.asarray([MergedKitchen(courses).steps(day)["chosen"] for day in every])
    order = assign(-(exact.T @ learned))
    return Parameters(
        parameters.food[order], parameters.weather[order], parameters.bias[order], parameters.merge[:, order]
    )
