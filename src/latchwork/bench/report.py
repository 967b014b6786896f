"""The results for people: tables for a terminal, and a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from latchwork.bench.peers import OURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["", "median", "lowest - highest", "compiling", "GFLOP/s", "working memory", "same answers"]


def case_rows(case: Mapping[str, Any]) -> list[list[str]]:
    """One line for each contestant of a case, fastest first, those that could not be measured last."""
    rows = sorted(case["contestants"], key=lambda row: row["median"] if row["median"] is not None else float("inf"))
    lines: list[list[str]] = []
    for row in rows:
        if row["median"] is None:
            lines.append([row["name"], f"failed: {row['error']}"[:60], "", "", "", "", ""])
            continue
        spread = f"{seconds_text(row['lowest'])} - {seconds_text(row['highest'])}"
        lines.append(
            [
                row["name"],
                seconds_text(row["median"]),
                spread,
                _beyond_the_spread(row),
                f"{row['gflops']:.1f}" if row["gflops"] else "",
                f"{row['working_mb']:.0f} MB" if row["working_mb"] else "",
                {True: "yes", False: "NO", None: ""}[row["agrees"]],
            ]
        )
    lines += [[name, f"not installed: {package}", "", "", "", "", ""] for name, package in case["missing"].items()]
    return lines


def _beyond_the_spread(row: Mapping[str, Any]) -> str:
    """What the first round took longer than the others: nothing where it lies among them."""
    first = row["first_seconds"]
    return seconds_text(row["compile_seconds"]) if first is not None and first > row["highest"] else ""


def verdict(case: Mapping[str, Any]) -> str:
    """The ratio to the fastest peer, or the time itself where that is what counts, beside what was asked for."""
    if case["target_seconds"]:
        if case["seconds"] is None:
            return "not measured"
        words = f"{case['seconds']:.3f} s (asked for: {case['target_seconds']:.2f} s, aim {case['aim_seconds']:.2f} s)"
        return f"{words}: {'met' if case['seconds'] <= case['target_seconds'] else 'MISSED'}"
    if case["ratio"] is None:
        return "no peer to compare with"
    words = f"{case['ratio']:.2f}x as fast as {case['fastest_peer']}"
    if not case["target"]:
        return words
    met = "met" if case["ratio"] >= case["target"] else "MISSED"
    return f"{words} (asked for: {case['target']:g}x, aim {case['aim']:g}x): {met}"


def _outcome(case: Mapping[str, Any]) -> str:
    """`aim reached`, `met`, `missed`, or nothing where nothing was asked for."""
    if case["target_seconds"]:
        value, target, aim = case["seconds"], -case["target_seconds"], -case["aim_seconds"]
        value = None if value is None else -value
    else:
        value, target, aim = case["ratio"], case["target"], case["aim"]
    if value is None or not target:
        return ""
    return "aim reached" if value >= aim else "met" if value >= target else "missed"


def seconds_text(seconds: float | None) -> str:
    """Three digits and a unit.

    Example:
        >>> seconds_text(0.0000312), seconds_text(0.412), seconds_text(12.34)
        ('31.2 us', '412 ms', '12.3 s')
    """
    if seconds is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if abs(seconds) >= size or unit == "us":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError("unreachable")


def limits_text(limits: Mapping[str, Any]) -> str:
    """The two limit lines in words."""
    product = f"a large product reaches {limits['product']:.0f} GFLOP/s ({limits['library']})"
    peak = limits["fma_peak"]
    return product if peak is None else f"fused multiply-add peak {peak:.0f} GFLOP/s on all cores; {product}"


def markdown(results: Mapping[str, Any]) -> str:
    """The summary and every table, for a page."""
    lines = [f"{results['machine']['cpu']}, {results['machine']['cores']} cores; {limits_text(results['limits'])}.", ""]
    lines += ["| case | latchwork | fastest peer | its time | ratio | asked for | aim | |", "| --- " * 8 + "|"]
    for case in results["cases"].values():
        rows = {row["name"]: row for row in case["contestants"]}
        own, peer = rows.get(OURS), rows.get(case["fastest_peer"])
        asked = [f"{case[key]:g}x" if case[key] else "" for key in ("target", "aim")]
        if case["target_seconds"]:
            asked = [f"{case[key]:g} s" for key in ("target_seconds", "aim_seconds")]
        ratio = f"{case['ratio']:.2f}x" if case["ratio"] else ""
        times = [seconds_text(row["median"]) if row else "" for row in (own, peer)]
        lines.append(f"| {case['title']} | {times[0]} | {case['fastest_peer'] or ''} | {times[1]} | {ratio} "
                     f"| {asked[0]} | {asked[1]} | {_outcome(case)} |")  # fmt: skip
    for name, case in results["cases"].items():
        lines += ["", f"### {case['title']} (`--case {name}`)", "", case["work"], ""]
        lines += [f"| {' | '.join(['contestant', *COLUMNS[1:]])} |", "| --- " * len(COLUMNS) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in case_rows(case)]
    return "\n".join(lines) + "\n"


def chart(results: Mapping[str, Any]) -> Figure:
    """Two panels: each contestant's GFLOP/s beside the two limits, and how often each peer's time holds ours."""
    from latchwork.show.pictures import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, RED, new_figure, title

    cases = results["cases"]
    # A fresh process's time is mostly not its products'.
    trained = [case for case in cases.values() if case["flops"] and _own(case) and not case.get("fresh")]
    compared = [case for case in cases.values() if case["ratio"]]
    colours = {OURS: BLUE, "latchwork through XLA": BLUE, "JAX scan": GREEN, "PyTorch": RED, "ONNX Runtime": INK,
               "Keras on tensorflow": ORANGE, "Keras on jax": PURPLE, "Keras on torch": MUTED}  # fmt: skip
    height = 2.4 + 0.36 * max(len(trained), len(compared), 3)
    figure, (rates, ratios) = new_figure(15, height, columns=2)
    for panel, shown in ((rates, trained), (ratios, compared)):
        panel.set_yticks(range(len(shown)), [case["title"] for case in shown])
        panel.set_ylim(len(shown) - 0.5, -0.7)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:g}")

    named: set[str] = set()
    for place, case in enumerate(trained):
        for row in case["contestants"]:
            if row["gflops"]:
                ours = row["name"] == OURS
                label = None if row["name"] in named else row["name"]
                named.add(row["name"])
                rates.plot(row["gflops"], place, "D" if ours else "o", ms=8 if ours else 6, label=label,
                           color=colours[row["name"]], alpha=1 if ours else 0.75, zorder=3 if ours else 2)  # fmt: skip
    limits = results["limits"]
    lines = ((limits["product"], f"large product ({limits['library']})", "--"), (limits["fma_peak"], "FMA peak", "-"))
    for rate, words, style in lines:
        if rate:
            rates.axvline(rate, color=INK, linestyle=style, linewidth=1.4, label=f"{words}: {rate:.0f} GFLOP/s")
    title(rates, "GFLOP/s in training, products alone")

    for place, case in enumerate(compared):
        own = _own(case)
        for row in case["contestants"]:
            if row["median"] and own and not row["name"].startswith(OURS):
                label = None if row["name"] in named else row["name"]
                named.add(row["name"])
                ratios.plot(row["median"] / own, place, "o", ms=6, color=colours[row["name"]], alpha=0.75, label=label)
        if case["target"]:
            label = None if "goals" in named else "asked for, to what was aimed at"
            named.add("goals")
            ratios.plot([case["target"], case["aim"]], [place, place], "-", color=INK, linewidth=1, alpha=0.5, zorder=1,
                        label=label)  # fmt: skip
            for goal, size in ((case["target"], 13), (case["aim"], 7)):
                ratios.plot(goal, place, "|", ms=size, mew=1.6, color=INK)
        ratios.annotate(f"{case['ratio']:.1f}x", (case["ratio"], place), (0, 5), textcoords="offset points",
                        ha="center", fontsize=8, color=INK)  # fmt: skip
    ratios.axvline(1, color=BLUE, linewidth=1.4)
    title(ratios, "Each peer's time over latchwork's")
    for panel in (rates, ratios):
        panel.grid(axis="y", visible=True)
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=5)
    return figure


def _own(case: Mapping[str, Any]) -> float | None:
    return next((row["median"] for row in case["contestants"] if row["name"] == OURS), None)
