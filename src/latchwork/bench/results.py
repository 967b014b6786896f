"""What was measured, as plain data: `results.json`, into which a later run of some cases is merged."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latchwork.bench.cases import Case
from latchwork.bench.peers import OURS, contestant
from latchwork.bench.timing import Measured
from latchwork.bench.work import make_work, sequence_steps

SAME_LOSS = 0.03  # RMSprop's epsilon stands outside the root in PyTorch, inside it elsewhere
SAME_CHECK = 1e-4


def summarise(case: Case, measured: list[Measured], missing: Mapping[str, str]) -> dict[str, Any]:
    """One case's entry: each contestant's figures, the fastest peer, and the ratio to it."""
    steps = sequence_steps(case, make_work(case)) * case.epochs if case.kind == "train" else None
    flops = steps and case.flops_a_step() * steps
    own_flops = steps and case.flops_a_step(sampled=True) * steps
    ours = next((one for one in measured if one.name == OURS), None)
    rows = [_row(one, ours, own_flops if one.name == OURS else flops) for one in measured]
    peers = [row for row in rows if not row["name"].startswith(OURS) and row["median"] is not None]
    fastest = min(peers, key=lambda row: row["median"], default=None)
    own = None if ours is None else ours.median
    return {
        "title": case.title,
        "kind": case.kind,
        "work": _work_in_words(case),
        "flops": flops,
        "fresh": case.fresh,
        "contestants": rows,
        "missing": dict(missing),
        "fastest_peer": None if fastest is None else fastest["name"],
        "ratio": None if fastest is None or not own else fastest["median"] / own,
        "target": case.target,
        "aim": case.aim,
        "seconds": own if case.target_seconds else None,
        "target_seconds": case.target_seconds,
        "aim_seconds": case.aim_seconds,
    }


def _row(one: Measured, ours: Measured | None, flops: int | None) -> dict[str, Any]:
    median = one.median
    return {
        "name": one.name,
        "settings": one.settings,
        "median": median,
        "lowest": min(one.seconds, default=None),
        "highest": max(one.seconds, default=None),
        "seconds": one.seconds,
        "first_seconds": one.first_seconds,
        "compile_seconds": None if one.first_seconds is None or median is None else one.first_seconds - median,
        "first_step_seconds": statistics.median(one.first_step_seconds) if one.first_step_seconds else None,
        "gflops": None if flops is None or not median else flops / median / 1e9,
        "check": one.check,
        "loss": one.loss,
        "agrees": None if ours is None or one.error else agrees(one, ours),
        "peak_mb": one.peak_mb,
        "working_mb": None if one.peak_mb is None or one.before_mb is None else one.peak_mb - one.before_mb,
        "error": one.error,
    }


def agrees(one: Measured, ours: Measured) -> bool:
    """Whether two contestants did the same mathematics: first answers and losses are the same, NaN being NaN."""
    pairs = ((one.check, ours.check, SAME_CHECK), (one.loss, ours.loss, SAME_LOSS))
    return all(_close(a, b, share) for a, b, share in pairs if a is not None and b is not None)


def _close(a: float, b: float, share: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return math.isclose(a, b, rel_tol=share, abs_tol=share)


def _work_in_words(case: Case) -> str:
    """The sizes, for people."""
    if case.kind != "train":
        return f"{case.network!r}, inputs {case.network.input_shape}, batch 1, {case.steps} a round"
    members = f"{case.members} networks, " if case.members > 1 else ""
    epochs = f"{case.epochs} epochs of " if case.epochs > 1 else ""
    steps = f"{epochs}{case.steps} steps of batch {case.batch}"
    return f"{members}{case.network!r}, {steps}, {case.time} time steps, {case.optimizer}"


def merge(folder: Path, results: dict[str, Any]) -> dict[str, Any]:
    """The results with the cases that an earlier run left in the folder and this one did not measure."""
    path = folder / "results.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = before.get("quick") == results["quick"] and before.get("machine", {}).get("cpu") == results["machine"]["cpu"]
    cases = (before.get("cases", {}) if same else {}) | results["cases"]
    return results | {"cases": cases}


def settings_used(results: Mapping[str, Any]) -> dict[str, str]:
    """How each contestant that took part is run."""
    names = {row["name"] for case in results["cases"].values() for row in case["contestants"]}
    return {name: contestant(name).settings for name in sorted(names)}
