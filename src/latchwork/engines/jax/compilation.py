"""Compiled programs on disk, so that a second run compiles nothing."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType

import jax

from latchwork.core import settings

# Where a program runs for less time than it takes to compile: less optimised code, compiled in a third of the time.
# XLA's older emitters of elementwise loops compile faster than its fusion emitters, and are slower on large arrays.
COMPILE_FAST = MappingProxyType({"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 0})


def cache_folder() -> Path:
    """Where compiled programs are kept: `LATCHWORK_CACHE`, or the user's cache folder."""
    return settings.chosen_cache_folder() or settings.users_cache_folder() / "compiled"


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def enable_cache() -> None:
    """Turn JAX's compilation cache on, unless the user has chosen a folder of their own, or has none to write in.

    Without one programs are compiled anew in each process: slower, and no reason to stop or to warn.
    """
    if jax.config.values["jax_compilation_cache_dir"] is None and _can_be_written(cache_folder()):
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
