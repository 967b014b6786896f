"""What a forecasting method is: a name and two functions, how it forecasts a backtest's rows and past the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from latchwork.forecasting.methods.origins import Origins
from latchwork.transforms.working import Array

if TYPE_CHECKING:
    from latchwork.forecasting.methods.corrector import Corrector
    from latchwork.training.progress import Progress, ProgressKind


@dataclass(frozen=True)
class Effort:
    """What the user lets a method do.

    train: train a network. library: run other libraries' models however long they take; None where that is some
    seconds. minutes: the most that training may take. seed: of all that is drawn.
    """

    train: bool = True
    library: bool | None = None
    minutes: float | None = None
    seed: int = 0
    progress: ProgressKind | Progress = "none"


@dataclass(frozen=True)
class Learned:
    """What methods learned from a backtest, which forecasts past the end go by, and which a saved file keeps.

    partner: the method that the combination is blended with. base: the method that would be used without a network.
    """

    partner: str | None = None
    base: str | None = None
    network: Corrector | None = None


class Tested(Protocol):
    """What a method may learn from: earlier origins, what came after them, and the other methods' forecasts."""

    @property
    def rows(self) -> Origins:
        """The rows to forecast."""
        ...

    @property
    def unit(self) -> Array:
        """What the errors of each row are divided by, [rows]."""
        ...

    @property
    def forecasts(self) -> Mapping[str, Array]:
        """Those of the methods before this one in the list, [rows, horizon] each."""
        ...

    @property
    def origins(self) -> Sequence[int]:
        """The distinct origins as steps before the end, oldest first."""
        ...


@dataclass(frozen=True)
class Trial:
    """What became of a method on a backtest.

    forecasts: [rows, horizon], NaN in rows where it does not apply, None where it applies nowhere. Nothing after a
    row's origin is seen. note: what to tell the user. left_out: why it did not run, after its readable name.
    """

    forecasts: Array | None
    learned: Learned
    note: str = ""
    left_out: str = ""


@dataclass(frozen=True)
class Rule:
    """When a method is used without being asked for.

    turn: when it is compared with what would be used without it, least first. must_save: how many standard errors of
    what it saves it must save; below zero, how many it may lose.
    """

    turn: int
    must_save: float


@dataclass(frozen=True)
class Method:
    """One way to forecast; a new one is a row of `catalogue.METHODS`.

    Args:
        name: as in results and saved files. readable: as in sentences.
        backtest: its forecasts of earlier origins. ahead: those past the end, [series, horizon], in the units of the
            data, NaN where it does not apply.
        ours: whether it is latchwork's own, and not a method to be compared with.
        waits: whether it takes so long that the first answer does not wait for it.
        trained: whether it forecasts by the trained network.
        again: whether forecasting once more is cheap.
        rule: when it is used; None where only `best` may choose it.
        statistical: its name among the methods of `transforms.bases`, where it is one of them.
        shares: the part that each of those has in its forecasts, [series]; None where it is a method of its own.
    """

    name: str
    readable: str
    backtest: Callable[[Tested, Learned, Effort], Trial]
    ahead: Callable[[Origins, Learned], Array]
    ours: bool = False
    waits: bool = False
    trained: bool = False
    again: bool = True
    rule: Rule | None = None
    statistical: str = ""
    shares: Callable[[Origins, Learned], Mapping[str, Array]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickled forecaster keeps its method's name: the method is in the catalogue of whoever opens it."""
        from latchwork.forecasting.methods.catalogue import method_named

        return method_named, (self.name,)


def continuing(
    name: str,
    readable: str,
    forecast: Callable[[Origins], Array],
    *,
    ours: bool = False,
    statistical: str = "",
    shares: Callable[[Origins, Learned], Mapping[str, Array]] | None = None,
) -> Method:
    """A method that learns nothing from a backtest: the same function at any origin."""

    def backtest(tested: Tested, learned: Learned, effort: Effort) -> Trial:
        del effort
        forecasts = forecast(tested.rows)
        return Trial(forecasts if np.isfinite(forecasts).any() else None, learned)

    def ahead(end: Origins, learned: Learned) -> Array:
        del learned
        return forecast(end)

    return Method(name, readable, backtest, ahead, ours=ours, statistical=statistical, shares=shares)
