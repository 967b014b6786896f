"""Time zones: kept as they were written, and given back with the forecast."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from functools import cache

import numpy as np
from numpy.typing import NDArray

from latchwork.transforms.calendar import DAY, Times, seconds

CANDIDATES = (  # one for each set of rules that many people live by
    "Europe/Berlin", "Europe/London", "Europe/Helsinki", "Europe/Lisbon", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Halifax", "America/Sao_Paulo", "America/Santiago",
    "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "Asia/Jerusalem", "Africa/Cairo", "Europe/Istanbul",
)  # fmt: skip


def settle_zone(local: Times, offsets: NDArray[np.float64]) -> tuple[Times, str]:
    """Times for the grid, and what `in_zone` needs to write them as they were.

    local: wall-clock times as written. offsets: seconds east of UTC, NaN where none is written.
    One offset throughout, or steps of whole days: the wall clock is kept. Offsets that change under finer steps: the
    grid is in UTC, where no hour is missing or twice.
    """
    known = np.isfinite(offsets) & ~np.isnat(local)
    if not known.any():
        return local, ""
    different = np.unique(offsets[known])
    if len(different) == 1 and known.sum() == (~np.isnat(local)).sum():
        return local, _offset_text(int(different[0]))
    utc = local - np.where(known, offsets, different[0]).astype(np.int64).astype("timedelta64[s]")
    name = _zone_of(utc[known], offsets[known])
    gaps = np.diff(np.unique(seconds(utc[~np.isnat(utc)])))
    if gaps.size and np.median(gaps) < DAY:
        return utc, f"utc:{name}"
    return local, name


def in_zone(times: Times, texts: list[str], zone: str) -> list[str]:
    """Times written as text, with their offset from UTC. zone: of `settle_zone`."""
    if not zone:
        return texts
    if zone[0] in "+-Z":
        return [text + zone for text in texts]
    name = zone.removeprefix("utc:")
    if not name:
        return [text + ("Z" if zone.startswith("utc:") else "") for text in texts]
    info = _info(name)
    if info is None:
        return [text + ("Z" if zone.startswith("utc:") else "") for text in texts]
    written: list[str] = []
    for stamp in times.astype("datetime64[s]").astype(object):
        if zone.startswith("utc:"):
            moment = stamp.replace(tzinfo=dt.UTC).astimezone(info)
        else:
            moment = stamp.replace(tzinfo=info)
        written.append(moment.isoformat())
    return written


def to_utc(local: Times, zone: str) -> Times:
    """Wall-clock times of a named zone as UTC."""
    info = _info(zone)
    if info is None:
        return local
    stamps = [s.replace(tzinfo=info).astimezone(dt.UTC).replace(tzinfo=None) for s in local.astype(object)]
    return np.array(stamps, dtype="datetime64[s]")


def offsets_in(utc: Times, zone: str) -> NDArray[np.float64]:
    """Seconds east of UTC in a named zone at each time, NaN where the zone is not known or there is no time."""
    info = _info(zone)
    if info is None:
        return np.full(len(utc), np.nan)
    known = ~np.isnat(utc)
    found = np.full(len(utc), np.nan)
    different, places = np.unique(utc[known], return_inverse=True)
    moments = [s.replace(tzinfo=dt.UTC).astimezone(info).utcoffset() for s in different.astype(object)]
    found[known] = np.array([m.total_seconds() if m else np.nan for m in moments])[places]
    return found


def _zone_of(utc: Times, offsets: NDArray[np.float64]) -> str:
    """The first well-known zone whose clocks show these offsets at these times; "" where none does."""
    pick = np.unique(np.linspace(0, len(utc) - 1, 400).astype(int))
    for name in CANDIDATES:
        if np.array_equal(offsets_in(utc[pick], name), offsets[pick]):
            return name
    return ""


@cache
def _info(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _offset_text(offset: int) -> str:
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"
