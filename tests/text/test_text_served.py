"""Language models through the doors that every model has: `runtime.load`, `latchwork.load`, `latchwork info`."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import latchwork as lw
from latchwork import runtime
from latchwork.cli.main import run
from latchwork.core.errors import InputError
from latchwork.core.packing import whole
from latchwork.engines.jax.network import Network
from latchwork.text.model import TextModel


@pytest.mark.parametrize("file", ["writer_file", "typist_file"])
def test_the_runtime_gives_what_jax_gives(file: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(file)
    text = TextModel.load(path)
    network = Network.from_parameters(text.data.spec, dict(text.data.parameters))
    tokens = np.random.default_rng(0).integers(0, len(text.vocabulary), (3, 20))
    expected = np.asarray(network(jnp.asarray(tokens)))
    served = runtime.load(path)
    got = served.predict(tokens)
    assert np.linalg.norm(got - expected) <= 1e-5 * np.linalg.norm(expected)
    state = served.initial_state(3)
    for time in range(tokens.shape[1]):
        got, state = served.step(tokens[:, time], state)
        assert np.linalg.norm(got - expected[:, time]) <= 1e-5 * np.linalg.norm(expected[:, time])


@pytest.mark.parametrize("file", ["writer_file", "typist_file"])
def test_the_common_doors_open_it(
    file: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    path: Path = request.getfixturevalue(file)
    assert isinstance(lw.load(path), lw.LanguageModel)
    assert run(["info", str(path)]) == 0
    assert "text" in capsys.readouterr().out


def test_scales_that_do_not_fit_are_told() -> None:
    document = {"fitted": {"tied": False}, "network": {"layers": [{}]}}
    tensors = {"network.a": np.ones((3, 4), np.int8), "fitted.scales.a": np.ones((1, 3), np.float16)}
    with pytest.raises(ValueError, match="broadcast"):
        whole(document, tensors)
    assert issubclass(InputError, ValueError)  # which is how `storage.load_model` passes it on
