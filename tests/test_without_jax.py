"""What trains, saves, loads and answers where JAX is not installed (`without_jax.py` has the jobs)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from marks import needs_kernels
from without_jax import JOBS

pytestmark = needs_kernels
PROGRAM = Path(__file__).with_name("without_jax.py")


@pytest.mark.parametrize("job", JOBS)
def test_it_needs_no_jax(job: str, tmp_path: Path):
    done = subprocess.run([sys.executable, PROGRAM, job, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
