"""The examples in the docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib.util
import pkgutil
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import latchwork
from latchwork.core.cells import LSTMCell
from latchwork.core.network import NetworkData
from latchwork.engines import native

# What an example may use without importing it, beside its module's own names.
NAMES = {"np": np, "jnp": jnp, "lw": latchwork, "LSTMCell": LSTMCell, "NetworkData": NetworkData} | {
    name: getattr(latchwork, name) for name in latchwork.__all__ if name[0].isupper()
}


def with_examples() -> list[str]:
    """Every module in whose source an example stands."""
    found: list[str] = []
    for module in pkgutil.walk_packages(latchwork.__path__, "latchwork."):
        spec = importlib.util.find_spec(module.name)
        source = spec.origin if spec else None
        if (
            source
            and source.endswith(".py")
            and "\n    >>> " in Path(source).read_text().replace("        >>>", "    >>>")
        ):
            found.append(module.name)
    return found


@pytest.mark.parametrize("name", with_examples())
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if name.startswith("latchwork.kernels") and not native.available():
        pytest.skip(native.engine_info().reason)
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:  # an adapter to a library that is an extra
        if error.name is None or error.name.startswith("latchwork"):
            raise
        pytest.skip(f"needs {error.name}")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name, extraglobs=NAMES):
        runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)
