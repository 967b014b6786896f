"""The roommate who cooks, as exact matrices: a plain network, a recurrent one, and both merged.

A roommate cooks one dish a day from a menu. In the first kitchen he decides by the weather, in the second by what he
cooked yesterday, in the third by both: on a sunny day he goes out and serves yesterday's dish again, on a rainy day
he cooks the next dish of the menu. Dishes and weather are one-hot vectors; each kitchen is a network of a few
matrices whose entries are all 0 and 1, small enough to multiply by hand.

Source: the example of Luis Serrano, "A friendly introduction to recurrent neural networks" (2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

DISHES = ("apple pie", "burger", "chicken")
WEATHER = ("sunny", "rainy")
SUNNY, RAINY = 0, 1
LARGEST_MENU = 60


class Day(NamedTuple):
    """What a kitchen decides from: yesterday's dish and today's weather, as positions in the menu and in `WEATHER`."""

    yesterday: int
    weather: int


@runtime_checkable
class Kitchen(Protocol):
    """A network that cooks."""

    @property
    def title(self) -> str:
        """The rule in words."""
        ...

    def matrices(self) -> dict[str, Matrix]:
        """Its weights by name."""
        ...

    def steps(self, day: Day) -> dict[str, Vector]:
        """Every vector on the way from the day to the dish, in order; the last one is the dish, one-hot."""
        ...

    def rule(self, day: Day) -> int:
        """The dish that the rule in words asks for: what the matrices are checked against."""
        ...


@dataclass(frozen=True)
class PlainKitchen:
    """He cooks by the weather: dish = W weather. A network without memory.

    Args:
        courses: number of dishes on the menu; sunny days bring the first, rainy days the second.
    """

    courses: int = 3
    title = "by the weather: the first dish when it is sunny, the second when it rains"

    def matrices(self) -> dict[str, Matrix]:
        """`weather [courses, 2]`."""
        return {"weather": np.eye(self.courses, len(WEATHER))}

    def steps(self, day: Day) -> dict[str, Vector]:
        """The weather, and the dish."""
        weather = one_hot(day.weather, len(WEATHER))
        return {"weather": weather, "dish": self.matrices()["weather"] @ weather}

    def rule(self, day: Day) -> int:
        """Sunny: dish 0. Rainy: dish 1."""
        return 0 if day.weather == SUNNY else 1


@dataclass(frozen=True)
class RecurrentKitchen:
    """He cooks by what he cooked yesterday: dish = N yesterday. Its output is its next input.

    Args:
        courses: number of dishes on the menu; after the last one comes the first again.
    """

    courses: int = 3
    title = "by yesterday: always the next dish of the menu"

    def matrices(self) -> dict[str, Matrix]:
        """`next_day [courses, courses]`, a permutation."""
        return {"next_day": next_dish(self.courses)}

    def steps(self, day: Day) -> dict[str, Vector]:
        """Yesterday's dish, and today's."""
        yesterday = one_hot(day.yesterday, self.courses)
        return {"yesterday": yesterday, "dish": next_dish(self.courses) @ yesterday}

    def rule(self, day: Day) -> int:
        """The next on the menu."""
        return (day.yesterday + 1) % self.courses


@dataclass(frozen=True)
class MergedKitchen:
    """He cooks by both: sunny, the same as yesterday; rainy, the next dish.

        proposals = F yesterday          the same dish (upper half) and the next one (lower half)
        verdict   = W weather            ones on the half that holds today
        total     = proposals + verdict  2 where a proposal holds, else 0 or 1
        chosen    = max(total - 1, 0)    the nonlinearity: keeps the 2, as a 1
        dish      = M chosen             puts both halves on top of each other

    Args:
        courses: number of dishes on the menu.
    """

    courses: int = 3
    title = "by both: yesterday's dish again when it is sunny, the next one when it rains"

    def matrices(self) -> dict[str, Matrix]:
        """`food [2*courses, courses]`, `weather [2*courses, 2]`, `merge [courses, 2*courses]`."""
        same = np.eye(self.courses)
        return {
            "food": np.vstack([same, next_dish(self.courses)]),
            "weather": np.repeat(np.eye(len(WEATHER)), self.courses, axis=0),
            "merge": np.hstack([same, same]),
        }

    def steps(self, day: Day) -> dict[str, Vector]:
        """Both inputs, the two products, their sum, what the nonlinearity keeps of it, and the dish."""
        matrices = self.matrices()
        yesterday, weather = one_hot(day.yesterday, self.courses), one_hot(day.weather, len(WEATHER))
        proposals, verdict = matrices["food"] @ yesterday, matrices["weather"] @ weather
        total = proposals + verdict
        chosen = np.maximum(total - 1, 0)
        return {
            "yesterday": yesterday,
            "weather": weather,
            "proposals": proposals,
            "verdict": verdict,
            "total": total,
            "chosen": chosen,
            "dish": matrices["merge"] @ chosen,
        }

    def rule(self, day: Day) -> int:
        """Sunny: the same. Rainy: the next."""
        return day.yesterday if day.weather == SUNNY else (day.yesterday + 1) % self.courses


def kitchens(courses: int = 3) -> dict[str, Kitchen]:
    """The three kitchens with a menu of `courses` dishes, by name.

    Raises:
        InputError: fewer than 2 or more than 60 courses.

    Example:
        >>> merged = kitchens()["merged"]
        >>> dish = merged.steps(Day(yesterday=0, weather=RAINY))["dish"]
        >>> DISHES[dish.argmax()]
        'burger'
    """
    if not 2 <= courses <= LARGEST_MENU:
        raise InputError(f"got a menu of {courses} courses: give 2 to {LARGEST_MENU}")
    return {"plain": PlainKitchen(courses), "recurrent": RecurrentKitchen(courses), "merged": MergedKitchen(courses)}


def days(courses: int) -> Iterator[Day]:
    """Every state that a kitchen can be in: each dish of yesterday with each weather."""
    return (Day(dish, weather) for dish in range(courses) for weather in range(len(WEATHER)))


def count_exact(kitchen: Kitchen, courses: int) -> int:
    """In how many of the `2 * courses` states the kitchen serves exactly its rule's dish, as an exact one-hot."""
    return sum(np.array_equal(kitchen.steps(day)["dish"], one_hot(kitchen.rule(day), courses)) for day in days(courses))


def menu(courses: int) -> tuple[str, ...]:
    """The names of the dishes: the story's three, then numbered courses."""
    return DISHES[:courses] + tuple(f"course {number}" for number in range(len(DISHES) + 1, courses + 1))


def one_hot(index: int, size: int) -> Vector:
    """Zeros `[size]` with a one at `index`."""
    return np.eye(size)[index]


def next_dish(courses: int) -> Matrix:
    """The permutation `[courses, courses]` that turns a dish's one-hot into the next one's."""
    return np.roll(np.eye(courses), 1, axis=0)
