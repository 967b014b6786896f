"""The fused engine on NumPy arrays, without JAX, and what is known of the engine: whether it was built, and for what.

Example:
    >>> from latchwork.kernels import native
    >>> native.engine_info().available
    True
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Literal

Kind = Literal["simple_rnn", "gru", "lstm", "peephole_lstm", "coupled_lstm"]


@dataclass(frozen=True)
class EngineInfo:
    """Which engine runs.

    Attributes:
        available: whether the compiled kernels are there.
        build: the instruction set of the build that this processor runs: `avx512`, `avx2` or `baseline`; "" without.
        register_width: floats in a register of that build; 0 without.
        threads: how many threads a call may use (`LATCHWORK_THREADS`, or the processors that this process may use).
        reason: why the kernels are not there; "" where they are.
    """

    available: bool
    build: str = ""
    register_width: int = 0
    threads: int = 1
    reason: str = ""

    def __str__(self) -> str:
        """One line for `latchwork info --engine`."""
        if not self.available:
            return f"scan: the fused kernels are not there ({self.reason})"
        return f"fused: {self.build}, {self.register_width} floats a register, {self.threads} threads"


def _load() -> tuple[ModuleType | None, str]:
    try:
        return import_module("latchwork.kernels._native"), ""
    except ModuleNotFoundError:
        return None, "the package was installed without a C++ compiler"
    except ImportError as error:
        return None, f"the compiled module does not load: {error}"


_native, _reason = _load()


def available() -> bool:
    """Whether the compiled kernels are there."""
    return _native is not None


def engine_info() -> EngineInfo:
    """Which build of the kernels runs, or why there is none."""
    if _native is None:
        return EngineInfo(available=False, reason=_reason)
    return EngineInfo(True, _native.build(), _native.register_width(), _native.threads())


def module() -> ModuleType:
    """The compiled module, for this package's own use.

    Raises:
        RuntimeError: where it is not there.
    """
    if _native is None:
        raise RuntimeError(f"the fused kernels are not there: {_reason}")
    return _native
