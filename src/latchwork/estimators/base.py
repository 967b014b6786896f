"""What the estimators of all jobs share: scikit-learn's conventions, saving and loading.

No JAX here: what is fitted and saved is plain data, and `network_in_jax` is the one door to more.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import NDArray

from latchwork import __version__
from latchwork.core import storage
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.storage import Latch

if TYPE_CHECKING:
    from latchwork.engines.jax.network import Network


class Estimator(ABC):
    """scikit-learn's conventions for a dataclass: its fields are the parameters, stored as given."""

    JOB: ClassVar[str]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name."""
        del deep  # no parameter is an estimator
        return {field.name: getattr(self, field.name) for field in self._parameters()}

    def set_params(self, **parameters: Any) -> Self:
        """Change arguments by name; raises `InputError` on a name that is none."""
        known = self.get_params()
        for name, value in parameters.items():
            if name not in known:
                raise InputError(f"{type(self).__name__} has no parameter {name!r}: it has {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """As one would write it: only what differs from the default."""
        shown = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in self._parameters()
            if getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _parameters(self) -> list[dataclasses.Field[Any]]:
        """The constructor's arguments; what `fit` learns is a field too, but not one of these."""
        return [field for field in dataclasses.fields(self) if field.init]  # pyright: ignore[reportArgumentType]

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a `.latch` file, which `latchwork.load` and the runtime read."""
        document, tensors = self.to_latch()
        storage.save(path, document | {"job": self.JOB, "version": __version__}, tensors)

    @abstractmethod
    def to_latch(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The file's document and tensors."""

    @classmethod
    @abstractmethod
    def from_latch(cls, latch: Latch) -> Self:
        """The fitted estimator in a file."""


def network_in_jax(data: NetworkData) -> Network:
    """A network as JAX sees it; raises `InputError` where JAX is not installed."""
    from latchwork.engines.jax.network import Network

    return Network.from_parameters(data.spec, data.parameters)


def fit_as_far_as_possible(estimator: Any, *arguments: Any, **named: Any) -> None:
    """`fit`, after whose Ctrl-C the caller goes on with what was learned so far; `history_.stopped` says so.

    Raises:
        KeyboardInterrupt: nothing was learned yet.
    """
    before = getattr(estimator, "model_", None)
    try:
        estimator.fit(*arguments, **named)
    except KeyboardInterrupt:
        if getattr(estimator, "model_", None) is before:
            raise
