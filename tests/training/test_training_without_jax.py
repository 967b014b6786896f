"""Training where JAX cannot be imported: rows, validation, checkpoints, members; and what else needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from marks import needs_kernels

pytestmark = needs_kernels

BEGIN = """
import sys
for name in ("jax", "jaxlib", "equinox", "optax"):
    sys.modules[name] = None  # importing it is an error
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.core.spec import GRU, LSTM, Bidirectional, Dense, Dropout, Pooling, Sequential
from latchwork.training import *
from latchwork.training.progress import NoProgress

class BrokenOff(Exception): pass

class Break(NoProgress):
    def block(self, step, *rest):
        if step >= 4: raise BrokenOff

rng = np.random.default_rng(0)
rows = {"inputs": rng.normal(size=(60, 7, 3)).astype(np.float32), "lengths": rng.integers(1, 8, 60, np.int32),
        "targets": rng.integers(0, 4, 60, np.int32), "weight": rng.uniform(0, 2, 60).astype(np.float32)}
spec = Sequential([Bidirectional(GRU(5, return_sequences=True, dropout=0.1)), Pooling(("mean", "max")), Dense(4)])
network = NetworkData.build(spec, (7, 3), 1)
objective = Supervised(SoftmaxCrossEntropy(0.1), (("accuracy", Accuracy()),))
options = dict(optimizer=Optimizer("adamw", 3e-3, schedule="cosine", warmup=0.1, weight_decay=0.01, clip=1.0), epochs=5,
               batch_size=16, validation=Data(rows), patience=4, progress="none")
"""

TRAINS = """
unbroken = fit(network, objective, Data(rows, chunk_rows=25), **options)
folder = sys.argv[1]
try:
    fit(network, objective, Data(rows, chunk_rows=25), **options | {"progress": Break()},
        checkpoint=folder, checkpoint_seconds=0)
except BrokenOff:
    assert (Path(folder) / "checkpoint.latch").exists()
resumed = fit(network, objective, Data(rows, chunk_rows=25), **options, checkpoint=folder)
assert all((resumed.model.parameters[name] == array).all() for name, array in unbroken.model.parameters.items())
assert any((network.parameters[name] != array).any() for name, array in unbroken.model.parameters.items())
assert unbroken.history.block == "native"
figures = evaluate(unbroken.model, objective, Data(rows), batch_size=16)
assert figures["loss"] == min(unbroken.history.column("val_loss"))
timed = fit(network, objective, Data(rows), minutes=0.01, progress="none")
two = NetworkData.stacked([network, network])
together = fit(two, SideBySide(objective, (Member(seed=1), Member(seed=2))), Data(rows), **options)
assert together.history.block == "native" and together.model.members == 2
print("trained")
"""

REFUSED = """
@dataclass(frozen=True)
class Own(MeanSquaredError):
    pass

for change in ({"objective": Supervised(Own())}, {"optimizer": type("Own", (), {"init": 0, "update": 0})()}):
    given = {"objective": objective, **options, **change}
    try:
        fit(network, given.pop("objective"), Data(rows), **given)
    except InputError as error:
        print(error)
"""


def run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", BEGIN + program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_what_the_kernels_know_is_trained_without_it(tmp_path: Path):
    assert run(TRAINS, str(tmp_path)) == "trained\n"


def test_what_they_do_not_know_says_what_to_install():
    own, optax = run(REFUSED).splitlines()
    assert own == (
        "the kernels cannot train this (it knows no Own), and JAX is not installed: "
        "install it with pip install 'latchwork[jax]'"
    )
    assert "Optax" in optax and "latchwork[jax]" in optax
