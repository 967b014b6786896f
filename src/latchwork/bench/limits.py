"""What this machine could do: the cores' fused multiply-add peak, and a large library product."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.engines import native

SIZE = 3072  # of the square product: large enough for a library's best, some 0.3 s on two cores
REPEATS = 5
LIBRARIES = {"NumPy": "numpy", "PyTorch": "torch", "JAX": "jax", "TensorFlow": "tensorflow"}
FMA_PEAK = "fma peak"
PACKAGES = ("numpy", "jax", "torch", "keras", "tensorflow", "tensorflow_cpu", "onnxruntime")


def measure_limits(size: int | None = None) -> dict[str, Any]:
    """GFLOP/s on all cores: `fma_peak` (None without the compiled kernels) and the best `product`, by which `library`.

    Each of the libraries that are installed multiplies in a process of its own, so that no thread pool meets another;
    `products` holds what each of them reached.
    """
    size = size or SIZE
    products = {name: _measure(name, size) for name, package in LIBRARIES.items() if importlib.util.find_spec(package)}
    library = max(products, key=products.__getitem__)
    info = native.engine_info()
    peak = _measure(FMA_PEAK, size) if info.available else None
    return {"fma_peak": peak, "product": products[library], "library": library, "products": products}


def _measure(what: str, size: int) -> float:
    command = [sys.executable, "-m", "latchwork.bench.limits", what, str(size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


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


def _product(library: str, size: int) -> Callable[[], Any]:
    """A library's product of two large matrices, on all cores."""
    left, right = np.random.default_rng(0).standard_normal((2, size, size), dtype=np.float32)
    if library == "NumPy":
        return lambda: left @ right
    module: Any = importlib.import_module(LIBRARIES[library])
    if library == "JAX":
        a, b, product = module.numpy.asarray(left), module.numpy.asarray(right), module.jit(module.numpy.matmul)
        return lambda: product(a, b).block_until_ready()
    a, b = (
        (module.from_numpy(left), module.from_numpy(right))
        if library == "PyTorch"
        else (module.constant(left), module.constant(right))
    )
    return lambda: module.matmul(a, b)


def _rate(product: Callable[[], Any], size: int) -> float:
    product()
    seconds: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        product()
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / float(np.median(seconds)) / 1e9


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is not the answer
    asked, wide = sys.argv[1], int(sys.argv[2])
    if asked == FMA_PEAK:
        rate = native.module().fma_peak(native.engine_info().threads) / 1e9
    else:
        rate = _rate(_product(asked, wide), wide)
    answers.write(f"{rate}\n")
