"""`latchwork bench`: this machine, beside the peers that are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, json_text
from latchwork.cli.outputs import check_files
from latchwork.core.errors import InputError
from latchwork.core.writing import write_text

QUICK_ROUNDS, ROUNDS = 3, 5


def bench(
    case: Annotated[list[str] | None, typer.Option("--case", help="Measure this case; may be given again.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Some cases, less of each: about a minute or two.")] = False,
    peer: Annotated[list[str] | None, typer.Option("--peer", help="Only this contestant beside latchwork.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds that count; 5, or 3 under --quick.")] = None,
    patience: Annotated[float | None, typer.Option(help="Seconds after which a slow contestant sits out.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for results.json, bench.md and bench.png.")] = Path(
        "latchwork-out/bench"
    ),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure this machine beside the peers that are installed, on the same work, in turns."""
    from latchwork.bench import report
    from latchwork.bench.cases import chosen_cases
    from latchwork.bench.limits import machine, measure_limits
    from latchwork.bench.peers import CONTESTANTS, OURS
    from latchwork.bench.results import merge, settings_used, summarise
    from latchwork.bench.timing import measure
    from latchwork.show.pictures import save_figure

    output = Output(as_json=as_json, quiet=quiet)
    names = [one.name for one in CONTESTANTS]
    if unknown := [name for name in peer or [] if name not in names]:
        raise InputError(f"unknown peer {unknown[0]!r}: expected one of {', '.join(names)}")
    asked = [one for one in CONTESTANTS if not peer or one.name in (*peer, OURS)]
    missing = {one.name: package for one in asked if (package := one.missing())}
    for name, package in missing.items():
        output.note(f"{name} takes no part: {package} is not installed (pip install 'latchwork[bench]')")
    chosen = chosen_cases(case or [], quick=quick)
    check_files(out, ["results.json", "bench.md", "bench.png"])
    output.note("Measuring what the machine could do ...")
    results: dict[str, Any] = {"quick": quick, "machine": machine(), "limits": measure_limits(), "cases": {}}
    output.note(f"{results['machine']['cpu']}, {results['machine']['cores']} cores: "
                f"{report.limits_text(results['limits'])}. Engine: {results['machine']['engine']}")  # fmt: skip
    for one in chosen:
        taking = [each for each in asked if each.takes_part(one)]
        here = [each for each in taking if each.name not in missing]
        absent = {each.name: missing[each.name] for each in taking if each.name in missing}
        output.note(f"\n{one.title}: {', '.join(each.name for each in here)}")
        measured = measure(
            one, here, rounds or (QUICK_ROUNDS if quick else ROUNDS), patience or (10 if quick else 40), output.note
        )
        entry = results["cases"][one.name] = summarise(one, measured, absent)
        output.table(entry["work"], report.COLUMNS, report.case_rows(entry))
        output.note(f"{one.title}: {report.verdict(entry)}")
    results = merge(out, results)
    results["settings"] = settings_used(results)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "results.json", json_text(results, indent=1) + "\n")
    write_text(out / "bench.md", report.markdown(results))
    save_figure(report.chart(results), out / "bench.png")
    lines = [f"{entry['title']}: {report.verdict(entry)}" for entry in results["cases"].values()]
    output.result("\n" + "\n".join(lines) + f"\nResults, tables and chart: {out}", results)
