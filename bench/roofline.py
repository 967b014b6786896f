"""How near each case of `latchwork bench` comes to what the machine could do, as a table in Markdown.

python bench/roofline.py latchwork-out/bench/results.json

The matrix products of training alone are counted; gates, optimiser and loss come on top in the time. All of the peak
would mean that the multiply-add units never waited for anything.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from latchwork.bench.peers import OURS
from latchwork.bench.report import limits_text


def main(path: str) -> None:
    """Print the table."""
    results: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    limits = results["limits"]
    peak, product = limits["fma_peak"], limits["product"]
    print(f"{results['machine']['cpu']}, {results['machine']['cores']} cores, {results['machine']['engine']}; ", end="")
    print(f"{limits_text(limits)}.\n")
    print(
        "| case | GFLOP/s | of the peak | of a large product | fastest peer's GFLOP/s |", "| --- " * 5 + "|", sep="\n"
    )
    for case in results["cases"].values():
        rates = {row["name"]: row["gflops"] for row in case["contestants"] if row["gflops"]}
        if OURS not in rates or case["title"].startswith("airline"):
            continue
        own, peer = rates[OURS], rates.get(case["fastest_peer"], 0)
        of_peak = f"{own / peak:.0%}" if peak else ""
        print(f"| {case['title']} | {own:.0f} | {of_peak} | {own / product:.0%} | {peer:.0f} |")


if __name__ == "__main__":
    main(sys.argv[1])
