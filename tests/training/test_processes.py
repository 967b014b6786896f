"""Runs in their own processes: killed ones resume to the same bits, repeated ones repeat them, none compiles again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from marks import needs_kernels

WORKER = Path(__file__).with_name("worker.py")
SMALL, LARGE = "30x10", "128x65"


def start(cases: str, checkpoint: Path | None = None, cores: str | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), cases, *([str(checkpoint)] if checkpoint else [])]
    if cores is not None:
        command = ["taskset", "-c", cores, *command]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Each case with the digest of what it learned."""
    output, _ = process.communicate()
    assert process.returncode == 0
    return [line for line in output.splitlines() if line != "ready"]


def survive(case: str, folder: Path, kills: int, seed: int) -> list[str]:
    """The result of a run that is killed `kills` times, each at a random moment after it starts to train."""
    rng = random.Random(seed)
    for _ in range(kills):
        process = start(case, folder)
        assert process.stdout is not None
        with process:
            assert process.stdout.readline() == "ready\n"
            # Either while it loads and compiles, or a while after it has written the next checkpoint.
            if rng.random() < 0.8:
                _wait_for_next_checkpoint(folder, process)
            time.sleep(rng.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
    return finish(start(case, folder))


def _wait_for_next_checkpoint(folder: Path, process: subprocess.Popen[str]) -> None:
    path = folder / "checkpoint.latch"
    before = path.stat().st_mtime_ns if path.exists() else 0
    while process.poll() is None and (path.stat().st_mtime_ns if path.exists() else 0) == before:
        time.sleep(0.005)


def test_a_run_killed_three_times_ends_in_the_same_bits(tmp_path: Path):
    assert survive(SMALL, tmp_path, kills=3, seed=0) == finish(start(SMALL))


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("case", [f"{hidden}x{classes}" for hidden in (4, 30, 128) for classes in (10, 65)])
def test_a_run_killed_twenty_times_ends_in_the_same_bits(tmp_path: Path, case: str):
    assert survive(case, tmp_path, kills=20, seed=20) == finish(start(case))


def test_two_processes_learn_the_same_bits():
    cases = f"{SMALL},{LARGE}"
    assert finish(start(cases)) == finish(start(cases))


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("taskset") is None, reason="needs taskset to choose cores")
@pytest.mark.parametrize("cores", ["0", "0,1"])
def test_processes_on_as_many_cores_learn_the_same_bits(cores: str):
    if len(os.sched_getaffinity(0)) < len(cores.split(",")):
        pytest.skip("this machine has one core")
    cases = ",".join(f"{hidden}x{classes}" for hidden in (4, 30, 128) for classes in (10, 65))
    assert finish(start(cases, cores=cores)) == finish(start(cases, cores=cores))


COMPILE = """
import sys
from collections import Counter
import jax
import numpy as np
from latchwork import SequenceClassifier
from latchwork.core.spec import LSTM, Dense, Dropout, Sequential

rows, dropout, rate = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
X = np.random.default_rng(0).normal(size=(rows, 6, 2))
y = np.arange(rows) % 3
network = Sequential([LSTM(5, dropout=dropout), Dropout(dropout), Dense(3)])
model = SequenceClassifier(network, epochs=3, batch_size=16, learning_rate=rate, validation_share=0.25, progress="none")
events = Counter()
jax.monitoring.register_event_listener(lambda event, **_: events.update([event.rpartition("/")[2]]))
model.fit(X, y).predict(X)
print(events["compile_requests_use_cache"] - events["cache_hits"])
"""


def compiled(environment: dict[str, str], *arguments: str) -> int:
    command = [sys.executable, "-c", COMPILE, *arguments]
    return int(subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.PIPE).stdout)


@needs_kernels
def test_a_native_run_compiles_nothing(tmp_path: Path):
    assert compiled({"LATCHWORK_CACHE": str(tmp_path)}, "180", "0.2", "0.001") == 0
    assert not list(tmp_path.iterdir())


def test_a_second_run_compiles_nothing(tmp_path: Path):
    """Nor does one with another seed, dropout or learning rate, or with some more rows."""
    environment = {"LATCHWORK_CACHE": str(tmp_path), "LATCHWORK_BLOCK": "xla"}
    assert compiled(environment, "180", "0.2", "0.001") > 0
    first = {path.name for path in tmp_path.rglob("*")}
    assert compiled(environment, "180", "0.2", "0.001") == 0
    assert compiled(environment, "184", "0.4", "0.01") == 0
    assert {path.name for path in tmp_path.rglob("*-cache")} == {name for name in first if name.endswith("-cache")}


def test_ctrl_c_from_outside_ends_a_run_after_its_block(tmp_path: Path):
    process = start(LARGE, tmp_path)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    _wait_for_next_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGINT)
    finish(process)  # without an error, with a result
    watchdog.cancel()
    assert finish(start(LARGE, tmp_path)) == finish(start(LARGE))  # and goes on to the whole run's
