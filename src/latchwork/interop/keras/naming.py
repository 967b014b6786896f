"""Names of layers and models: `lstm`, `lstm_1`, and so on, counted until `clear_session`."""

from __future__ import annotations

from collections import Counter

_counts: Counter[str] = Counter()


def unique_name(base: str) -> str:
    """A name that no layer has yet."""
    _counts[base] += 1
    return base if _counts[base] == 1 else f"{base}_{_counts[base] - 1}"


def clear_session() -> None:
    """Begin to count anew."""
    _counts.clear()
