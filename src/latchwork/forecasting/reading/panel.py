"""A panel: regular series on one grid, gaps as NaN, with what is known beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.understood import Understood
from latchwork.transforms.calendar import Frequency, Times

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What forecasts keep to. low, high: bounds, None for none. total: a total that never falls."""

    low: float | None = None
    high: float | None = None
    total: bool = False

    def held(self, values: Values, last: Values) -> Values:
        """Forecasts [series, horizon] within the limits. last: [series], the last known values."""
        if self.total:
            values = np.maximum.accumulate(np.maximum(values, last[:, None]), axis=1)
        return values if self.low is None and self.high is None else np.clip(values, self.low, self.high)


@dataclass(frozen=True)
class Panel:
    """Series on one grid.

    names: one a series. times[i]: its grid, without holes. values[i]: its observations, NaN for none.
    covariates[name][i]: as long as times[i], plus whatever is known of the future after its last observation.
    past: which of them are known up to the origin alone. static[name]: [series], one value a series.
    limits: what forecasts keep to. understood: how the table was read, None where there was none.
    """

    names: Sequence[str]
    times: Sequence[Times]
    values: Sequence[Values]
    frequency: Frequency
    style: str
    target: str
    covariates: Mapping[str, Sequence[Values]] = field(default_factory=dict[str, Sequence[Values]])
    notes: Sequence[str] = ()
    past: tuple[str, ...] = ()
    static: Mapping[str, Values] = field(default_factory=dict[str, Values])
    limits: Limits = field(default_factory=Limits)
    understood: Understood | None = None

    def __len__(self) -> int:
        """Number of series."""
        return len(self.names)

    def future_times(self, index: int, horizon: int) -> Times:
        """The `horizon` times that follow series `index`."""
        last = self.frequency.positions(self.times[index][-1:])[0]
        return self.frequency.times(last + np.arange(1, horizon + 1))

    def until(self, back: int) -> Panel:
        """The panel as it stood `back` steps before its end; covariates keep their known future."""
        if any(len(v) <= back for v in self.values):
            raise InputError(
                f"got {back} steps to go back: the shortest series has {min(map(len, self.values))} values"
            )
        end = -back or None
        return replace(self, times=[t[:end] for t in self.times], values=[v[:end] for v in self.values])

    def with_future(self, known: Mapping[str, Any]) -> Panel:
        """The panel with what is known ahead of each named covariate: [steps] for one series, or [series, steps]."""
        covariates = dict(self.covariates)
        for name, values in known.items():
            if name not in covariates:
                shown = ", ".join(covariates) or "none"
                raise InputError(f"got {name!r} ahead: the covariates of this model are {shown}")
            ahead = np.atleast_2d(np.asarray(values, dtype=np.float64))
            if ahead.shape[0] != len(self):
                raise InputError(
                    f"got {name!r} ahead of shape {ahead.shape}: give ({len(self)}, steps), one row a series"
                )
            covariates[name] = [
                np.concatenate([_padded(known, len(own))[: len(own)], row])
                for known, own, row in zip(covariates[name], self.values, ahead, strict=True)
            ]
        return replace(self, covariates=covariates)

    def extended(self, new: Panel) -> tuple[Panel, int]:
        """This panel gone on with the values of `new` that lie after each series' end; and how many those are.

        Older values that `new` has otherwise are replaced by its own (see `revisions`). Series are matched by name (a
        single one with a single one whatever they are called); new series are added.
        Raises InputError where the frequencies differ, or `new` lacks a covariate.
        """
        if new.frequency.name != self.frequency.name:
            raise InputError(f"got {new.frequency.name} data: this model was made on {self.frequency.name} data")
        alone = len(self) == len(new) == 1
        places = {self.names[0] if alone else name: i for i, name in enumerate(new.names)}
        matched = [places.pop(name, None) for name in self.names]
        fresh = list(places.values())
        grown = [self._grown(i, new, j) for i, j in enumerate(matched)]
        added = sum(count for _, _, count in grown) + sum(int(np.isfinite(new.values[j]).sum()) for j in fresh)
        covariates = {
            name: _extended_covariate(self, own, new, matched, fresh, _covariate(new, name))
            for name, own in self.covariates.items()
        }
        extended = replace(
            self,
            names=(*self.names, *(new.names[j] for j in fresh)),
            times=(*(times for times, _, _ in grown), *(new.times[j] for j in fresh)),
            values=(*(values for _, values, _ in grown), *(new.values[j] for j in fresh)),
            covariates=covariates,
            static={name: np.concatenate([own, new.static[name][fresh]]) for name, own in self.static.items()},
            notes=(),
        )
        return extended, added

    def _grown(self, i: int, new: Panel, j: int | None) -> tuple[Times, Values, int]:
        """Series i with what series j of `new` knows after its end, and how many values that is."""
        if j is None:
            return self.times[i], self.values[i], 0
        step = self.frequency.positions(new.times[j]) - self.frequency.positions(self.times[i][-1:])[0]
        revised, places, changed = self._revised(i, new, j)
        kept = self.values[i]
        if changed.size:
            kept = kept.copy()
            kept[places] = revised
        later = step > 0
        if not later.any():
            return self.times[i], kept, 0
        coming = new.values[j][later]
        if self.frequency.unit == "business days":  # days on which the market was closed are not on the grid
            times = new.times[j][later]
        else:
            coming = np.full(int(step.max()), np.nan)
            coming[step[later] - 1] = new.values[j][later]
            times = self.future_times(i, len(coming))
        count = int(np.isfinite(coming).sum())
        return np.concatenate([self.times[i], times]), np.concatenate([kept, coming]), count

    def _revised(self, i: int, new: Panel, j: int) -> tuple[Values, NDArray[np.int64], Values]:
        """What series j of `new` says otherwise of the past of series i: values, their places, and by how much."""
        own, other = self.frequency.positions(self.times[i]), self.frequency.positions(new.times[j])
        shared, places, rows = np.intersect1d(own, other, return_indices=True)
        del shared
        before, after = self.values[i][places], new.values[j][rows]
        size = np.maximum(np.abs(before), np.abs(after))
        changed = np.isfinite(after) & ~(np.abs(after - before) <= 1e-6 * np.maximum(size, 1e-300))
        return after[changed], places[changed].astype(np.int64), (after - before)[changed]

    def revisions(self, new: Panel) -> tuple[int, int, float]:
        """How many older values `new` has otherwise, how many of those were missing before, and the largest change.

        The change is a share of the value before it; series are matched as in `extended`.
        """
        alone = len(self) == len(new) == 1
        places = {self.names[0] if alone else name: i for i, name in enumerate(new.names)}
        count = filled = 0
        largest = 0.0
        for i, name in enumerate(self.names):
            if name in places:
                revised, _, change = self._revised(i, new, places[name])
                known = np.isfinite(change)
                count, filled = count + len(revised), filled + int((~known).sum())
                before = np.abs(revised[known] - change[known])
                largest = max(largest, float(np.max(np.abs(change[known]) / np.maximum(before, 1e-300), initial=0.0)))
        return count, filled, largest


def _covariate(panel: Panel, name: str) -> Sequence[Values]:
    """A covariate of new rows; a category that they do not have is nowhere."""
    if name in panel.covariates:
        return panel.covariates[name]
    if "=" in name:
        return [np.zeros(len(values)) for values in panel.values]
    raise InputError(f"got no column {name!r}: this model was made with it")


def _extended_covariate(
    old: Panel,
    own: Sequence[Values],
    new: Panel,
    matched: Sequence[int | None],
    fresh: Sequence[int],
    coming: Sequence[Values],
) -> tuple[Values, ...]:
    """One covariate of every series of the extended panel."""
    joined = [
        v if j is None else _joined(old, i, v, new, j, coming[j])
        for i, (v, j) in enumerate(zip(own, matched, strict=True))
    ]
    return (*joined, *(coming[j] for j in fresh))


def _padded(values: Values, length: int) -> Values:
    return np.pad(values, (0, max(0, length - len(values))), constant_values=np.nan)


def _joined(old: Panel, i: int, known: Values, new: Panel, j: int, fresh: Values) -> Values:
    """A covariate over the old grid and then the new one; where both know a value, the new one counts."""
    start = int(old.frequency.positions(new.times[j][:1])[0] - old.frequency.positions(old.times[i][:1])[0])
    joined = np.full(max(len(known), start + len(fresh)), np.nan)
    joined[: len(known)] = known
    inside = fresh[max(0, -start) :]
    place = slice(max(0, start), max(0, start) + len(inside))
    joined[place] = np.where(np.isfinite(inside), inside, joined[place])
    return joined
