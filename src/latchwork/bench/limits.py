"""What this machine could do: the cores' fused multiply-add peak, and a large library product."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.kernels import native

SIZE = 3072  # of the square product: large enough for a library's best, some 0.3 s on two cores
REPEATS = 5
PACKAGES = ("numpy", "jax", "torch", "keras", "tensorflow", "tensorflow_cpu", "onnxruntime")


def measure_limits() -> dict[str, Any]:
    """GFLOP/s on all cores: `fma_peak` (None without the compiled kernels) and `product`, with the library's name."""
    run = subprocess.run([sys.executable, "-m", "latchwork.bench.limits"], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    from latchwork import __version__

    cpu = platform.processor()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line[:10] == "model name"]
        cpu = names[0] if names else cpu
    versions: dict[str, str] = {"python": platform.python_version(), "latchwork": __version__}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"cpu": cpu, "cores": os.cpu_count(), "engine": str(native.engine_info()), "versions": versions}


def _product() -> tuple[float, str]:
    """The best of the libraries that are here, each on all cores."""
    rates: list[tuple[float, str]] = []
    left, right = np.random.default_rng(0).standard_normal((2, SIZE, SIZE), dtype=np.float32)
    rates.append((_rate(lambda: left @ right), "NumPy"))
    if importlib.util.find_spec("torch") is not None:
        torch: Any = importlib.import_module("torch")
        a, b = torch.from_numpy(left), torch.from_numpy(right)
        rates.append((_rate(lambda: torch.mm(a, b)), "PyTorch"))
    return max(rates)


def _rate(product: Any) -> float:
    product()
    seconds: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - began)
    return 2 * SIZE**3 / float(np.median(seconds)) / 1e9


if __name__ == "__main__":
    rate, library = _product()
    info = native.engine_info()
    peak = native.module().fma_peak(info.threads) / 1e9 if info.available else None
    print(json.dumps({"fma_peak": peak, "product": rate, "library": library}))
