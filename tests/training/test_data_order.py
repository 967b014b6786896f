"""Rows and their order: every row once an epoch, another order each time, and never more in memory than asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks import ADAM, OBJECTIVE, bits, network, rows

from latchwork.core.errors import InputError
from latchwork.engines.jax.data import bucket
from latchwork.engines.steps import FILL
from latchwork.training import Data, fit
from latchwork.training.data import in_order

sizes = st.tuples(st.integers(1, 70), st.integers(1, 80), st.integers(1, 20), st.booleans())


def visited(data: Data, epoch: int, seed: int, batch_size: int) -> list[int]:
    """Every row of an epoch, in the order in which it is trained on."""
    found: list[int] = []
    for chunk in data.epoch(epoch, seed):
        order = data.order(chunk, epoch, seed, batch_size)
        assert order.shape[1] == batch_size
        found += [chunk.start + int(row) for row in order.flat if row != FILL]
    return found


@given(sizes, st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_every_row_is_visited_once_an_epoch(size: tuple[int, int, int, bool], epoch: int, seed: int):
    count, chunk_rows, batch_size, shuffle = size
    data = Data({"inputs": np.arange(count)}, chunk_rows=chunk_rows, shuffle=shuffle)
    found = visited(data, epoch, seed, batch_size)
    assert sorted(found) == list(range(count))
    assert found == visited(data, epoch, seed, batch_size)
    assert shuffle or found == list(range(count))
    steps = sum(len(data.order(chunk, epoch, seed, batch_size)) for chunk in data.epoch(epoch, seed))
    assert steps == data.steps_per_epoch(batch_size)


def test_only_the_last_batch_of_a_chunk_is_filled_up():
    order = Data({"inputs": np.arange(21)}).order(range(21), 0, 0, 8)
    assert (order[:2] != FILL).all() and (order[2] != FILL).sum() == 5
    assert in_order(5, 4).tolist() == [[0, 1, 2, 3], [4, FILL, FILL, FILL]]


@pytest.mark.parametrize("chunk_rows", [None, 16])
def test_epochs_and_seeds_differ_in_order(chunk_rows: int | None):
    data = Data({"inputs": np.arange(64)}, chunk_rows=chunk_rows)
    orders = [tuple(visited(data, epoch, seed, 8)) for epoch in (0, 1) for seed in (0, 1)]
    assert len(set(orders)) == 4
    if chunk_rows:
        assert len({order[0] // chunk_rows for order in orders} | {order[-1] // chunk_rows for order in orders}) > 1


@given(st.integers(1, 10**7))
def test_buckets_waste_an_eighth_at_most(size: int):
    assert size <= bucket(size) <= max(16, size * 9 / 8 + 1)
    assert bucket(bucket(size)) == bucket(size)


def test_arrays_that_do_not_fit_together_are_refused():
    with pytest.raises(InputError, match=r"one length expected, got {'inputs': 3, 'targets': 4}"):
        Data({"inputs": np.zeros(3), "targets": np.zeros(4)})
    with pytest.raises(InputError, match="not one row"):
        Data({"inputs": np.zeros((0, 5, 1))})
    with pytest.raises(InputError, match="chunk_rows"):
        Data({"inputs": np.zeros(3)}, chunk_rows=0)


def test_a_chunk_of_everything_is_no_chunk_at_all():
    options: dict[str, Any] = {"optimizer": ADAM, "epochs": 2, "batch_size": 8, "progress": "none"}
    whole, chunk = (fit(network(), OBJECTIVE, Data(rows(), chunk_rows=size), **options) for size in (None, 40))
    assert bits(whole.model) == bits(chunk.model)


class Watched(np.ndarray[Any, Any]):
    """Remembers how many rows were asked for at once."""

    most = 0

    def __getitem__(self, index: Any) -> Any:
        found = np.asarray(self)[index]
        if isinstance(index, slice):  # not a row by itself
            Watched.most = max(Watched.most, len(found))
        return found


def test_chunks_bound_what_is_read_at_once():
    arrays = rows(40)
    arrays["inputs"] = arrays["inputs"].view(Watched)
    Watched.most = 0
    data = Data(arrays, chunk_rows=10)
    fit(network(), OBJECTIVE, data, optimizer=ADAM, epochs=2, batch_size=8, progress="none")
    assert Watched.most == 10


def test_the_checksum_tells_data_apart():
    arrays = rows(40)
    same, other = Data(rows(40)), Data(rows(40, seed=1))
    renamed = Data({"inputs": arrays["inputs"], "goals": arrays["targets"]})
    assert Data(arrays).checksum() == same.checksum()
    assert len({same.checksum(), other.checksum(), renamed.checksum(), Data(rows(39)).checksum()}) == 4


STREAM = """
import resource, sys
import numpy as np
from latchwork.core.network import NetworkData
from latchwork.core.spec import LSTM, Dense, Sequential
from latchwork.training import Data, MeanSquaredError, Supervised, fit

inputs, targets = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2], mmap_mode="r")
model = NetworkData.build(Sequential([LSTM(4), Dense(1)]), inputs.shape[1:], 0)
small = Data({"inputs": inputs[:500], "targets": targets[:500]}, chunk_rows=500)
options = dict(batch_size=500, progress="none", epochs=1)
fit(model, Supervised(MeanSquaredError()), small, **options)
data_limit = int(sys.argv[3])
with open("/proc/self/statm") as file:
    used = int(file.read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + data_limit, -1))
data = Data({"inputs": inputs, "targets": targets}, chunk_rows=500)
fitted = fit(model, Supervised(MeanSquaredError()), data, **options)
print(fitted.history.steps)
"""


@pytest.mark.proof
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's account of memory")
def test_data_larger_than_the_memory_allowed_streams_from_disk(tmp_path: Path):
    """2 GB of rows with 400 MB of memory to spare; a step needs some 70 MB, the allocator keeps a few times that."""
    count, time, features = 62_500, 100, 80
    np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (count, time, features)).flush()  # a file of holes
    np.save(tmp_path / "y.npy", np.zeros((count, 1), np.float32))
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(tmp_path / "X.npy"), str(tmp_path / "y.npy"), str(400 << 20)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["125"]
