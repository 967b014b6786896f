"""Which units follow something readable: ranked by how well a plain rule predicts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.core.errors import InputError
from latchwork.explain.reading import Model, tokens_of
from latchwork.explain.rules import Rule, plain_rules, season_rules, text_rules
from latchwork.explain.trace import Frames, Values, trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Neuron", "Neurons", "neurons", "plain_rules", "season_rules", "text_rules"]

BLOCKS = 8  # of steps: every other one is fitted on, the rest scored on
DRAWN_STEPS = 120
DRAWN_UNITS = 6


class Neuron(NamedTuple):
    """A unit and the rule that it follows best.

    Attributes:
        layer: the layer's name in the trace.
        unit: its number there.
        rule: the rule's name.
        score: share of the unit's variance that the rule explains on the half of the steps that it was not fitted
            on; 1 is perfect, 0 or less is nothing.
        state: which of its numbers follow the rule: what it shows (`hidden`) or what it keeps (`cell`).
    """

    layer: str
    unit: int
    rule: str
    score: float
    state: str = "hidden"


@dataclass(frozen=True, repr=False)
class Neurons(Sequence[Neuron]):
    """Every unit with its rule, those first that follow theirs most closely.

    Attributes:
        found: the units.
        activity: of the first sequence, by layer and state `[time, units]`.
        fits: by layer, state and rule, what the rule says of each unit there `[time, units]`.
        tokens: what was read at each step, of a text.
    """

    found: tuple[Neuron, ...]
    activity: Mapping[tuple[str, str], Values]
    fits: Mapping[tuple[str, str, str], NDArray[np.float64]]
    tokens: Sequence[str] | None = None

    def __len__(self) -> int:
        """How many units."""
        return len(self.found)

    @overload
    def __getitem__(self, index: int) -> Neuron: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Neuron]: ...
    def __getitem__(self, index: int | slice) -> Neuron | Sequence[Neuron]:
        """The unit at a rank, counted from 0."""
        return self.found[index]

    def __repr__(self) -> str:
        """The first ten, a line each."""
        lines = [
            f"{one.score:6.1%}  {one.rule:<20}  {one.layer}, unit {one.unit}, {one.state}" for one in self.found[:10]
        ]
        more = [f"... and {len(self) - 10} more"] if len(self) > 10 else []
        return "\n".join(["explained by", *lines, *more])

    def to_frame(self, backend: Frames = "pandas") -> Any:
        """A native frame with the columns `layer`, `unit`, `state`, `rule` and `score`."""
        import narwhals as nw

        names = ("layer", "unit", "state", "rule", "score")
        columns = {name: [getattr(one, name) for one in self.found] for name in names}
        return nw.from_dict(columns, backend=backend).to_native()

    def plot(self, count: int = DRAWN_UNITS) -> Figure:
        """The first units over the first steps, and what their rules say of them."""
        from latchwork.show.steps import Unit, draw_units

        units = [
            Unit(
                f"{one.rule}: {one.score:.0%} of unit {one.unit}'s {one.state} ({one.layer})",
                self.activity[one.layer, one.state][:DRAWN_STEPS, one.unit],
                self.fits[one.layer, one.state, one.rule][:DRAWN_STEPS, one.unit],
            )
            for one in self.found[:count]
        ]
        return draw_units(units, self.tokens and self.tokens[:DRAWN_STEPS])


def neurons(model: Model, data: ArrayLike | str, rules: Mapping[str, ArrayLike | Rule] | None = None) -> Neurons:
    """The network's units, those first that follow a readable rule most closely.

    Args:
        model: a built network or a fitted estimator, as for `trace`.
        data: sequences of equal length `[batch, time, features]` or tokens `[batch, time]`; one sequence is a batch
            of one. A text, for a language model.
        rules: by name, what a unit might follow: a number for every step `[batch, time]` or `[time]`, or a tuple of
            such that are taken together. Where None, `text_rules` for a text, else `plain_rules`; see `season_rules`.

    Returns:
        Every unit with its best rule. A rule predicts a unit by a straight line in its numbers.

    Raises:
        InputError: there are no rules, or one has not a number for every step.

    Example:
        >>> text = "He said: \\"yes\\".\\n" * 50
        >>> neurons(model, text)[0].rule  # doctest: +SKIP
        'inside quotes'
    """
    tokens = None
    if isinstance(data, str):
        tokens = tokens_of(model, data)
        rules = rules or cast("Mapping[str, Rule]", text_rules(tokens))
    found = trace(model, data)
    shape = next(iter(found.layers.values()))["hidden"].shape[:-1]
    given = plain_rules(np.asarray(data)) if rules is None else rules
    followed = {name: _terms(name, rule, shape) for name, rule in given.items()}
    if not followed:
        raise InputError("got no rules: give at least one number for every step, by name")
    best: list[Neuron] = []
    activity: dict[tuple[str, str], Values] = {}
    fits: dict[tuple[str, str, str], NDArray[np.float64]] = {}
    for layer, arrays in found.layers.items():
        scores: dict[tuple[str, str], NDArray[np.float64]] = {}
        for state in ("hidden", "cell") if "cell" in arrays else ("hidden",):
            units = arrays[state].shape[-1]
            flat = arrays[state].reshape(-1, units).astype(np.float64)
            activity[layer, state] = arrays[state].reshape(-1, shape[-1], units)[0]
            for name, terms in followed.items():
                scores[state, name], said = _explained(terms, flat)
                fits[layer, state, name] = said[: shape[-1]]
        for unit in range(arrays["hidden"].shape[-1]):
            state, name = max(scores, key=lambda key: scores[key][unit])
            best.append(Neuron(layer, unit, name, float(scores[state, name][unit]), state))
    return Neurons(tuple(sorted(best, key=lambda neuron: -neuron.score)), activity, fits, tokens)


def _terms(name: str, rule: ArrayLike | Rule, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A rule's numbers and a one for each step `[batch * time, terms]`."""
    terms: list[NDArray[np.float64]] = []
    for numbers in rule if isinstance(rule, tuple) else (rule,):
        values = np.asarray(numbers, np.float64)
        try:
            terms.append(np.broadcast_to(values, shape).reshape(-1))
        except ValueError:
            raise InputError(
                f"the rule {name!r} has shape {values.shape}, expected one number a step: {shape}"
            ) from None
    return np.stack([*terms, np.ones_like(terms[0])], axis=1)


def _explained(
    terms: NDArray[np.float64], activity: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each unit's R squared on the blocks that its line was not fitted on, and what the line says of every step."""
    fitted = np.arange(len(terms)) * BLOCKS // len(terms) % 2 == 0
    line, *_ = np.linalg.lstsq(terms[fitted], activity[fitted], rcond=None)
    said = terms @ line
    rest = activity[~fitted]
    residual = np.square(rest - said[~fitted]).sum(axis=0)
    total = np.square(rest - rest.mean(axis=0)).sum(axis=0)
    return 1 - residual / np.maximum(total, 1e-12), said
