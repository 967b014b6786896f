"""Every switch that the environment has, read and checked in one place.

| variable | values | what it chooses |
| --- | --- | --- |
| `LATCHWORK_ENGINE` | `auto`, `native`, `plain` | what runs a network: the kernels, or its equations in NumPy or JAX |
| `LATCHWORK_BLOCK` | `auto`, `native`, `xla` | what trains it: the kernels' trainer, or programs compiled by XLA |
| `LATCHWORK_BUILD` | `avx512`, `avx2`, `baseline` | the kernels' instruction set |
| `LATCHWORK_THREADS` | 1, 2, ... | how many threads a call of the kernels may use |
| `LATCHWORK_CACHE` | a folder | compiled programs and downloaded data |

What cannot be had (kernels that were not built, an instruction set that the processor lacks) is an error where it is
chosen, which says why.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, cast, get_args

from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

Engine = Literal["auto", "native", "plain"]
Block = Literal["auto", "native", "xla"]

MOST_THREADS = 1024
OLDER_WORDS = {"fused": "native", "scan": "plain"}


def engine() -> Engine:
    """`LATCHWORK_ENGINE`: what runs a network."""
    return checked_engine(os.environ.get("LATCHWORK_ENGINE", "auto"))


def checked_engine(value: str, name: str = "LATCHWORK_ENGINE") -> Engine:
    """An engine's name, older words included; raises `InputError` on any other."""
    return cast("Engine", _one_of(name, OLDER_WORDS.get(value, value), get_args(Engine)))


def block() -> Block:
    """`LATCHWORK_BLOCK`: what trains a network."""
    value = os.environ.get("LATCHWORK_BLOCK", "auto")
    return cast("Block", _one_of("LATCHWORK_BLOCK", value, get_args(Block)))


def build() -> str | None:
    """`LATCHWORK_BUILD`: the kernels' instruction set, None for the best; whether there is such a build they say."""
    return os.environ.get("LATCHWORK_BUILD") or None


def threads() -> int | None:
    """`LATCHWORK_THREADS`: threads of a call, None for the processors that this process may use."""
    value = os.environ.get("LATCHWORK_THREADS", "")
    if not value:
        return None
    if not value.isdecimal() or not 1 <= int(value) <= MOST_THREADS:
        raise InputError(f"LATCHWORK_THREADS={value!r}: expected a whole number from 1 to {MOST_THREADS}")
    return int(value)


def chosen_cache_folder() -> Path | None:
    """`LATCHWORK_CACHE`, None where it is not set."""
    value = os.environ.get("LATCHWORK_CACHE")
    if not value:
        return None
    from pathlib import Path  # with what it imports it takes longer than the settings that answers ask for

    return Path(value)


def users_cache_folder() -> Path:
    """Where this user's programs keep what they can make again; a temporary folder for a user without a home."""
    given = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return _existing_home(given, ".cache") / "latchwork"


def users_data_folder() -> Path:
    """Where this user's programs keep what must not be lost."""
    return _existing_home(os.environ.get("XDG_DATA_HOME"), ".local/share") / "latchwork"


def _existing_home(given: str | None, below_home: str) -> Path:
    from pathlib import Path

    if given:
        return Path(given)
    try:
        return Path.home() / below_home
    except RuntimeError:  # HOME is not set and the user has no entry either
        import tempfile

        return Path(tempfile.gettempdir())


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise InputError(f"{name}={value!r}: expected one of {', '.join(known)}")
    return value
