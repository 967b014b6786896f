"""`latchwork article`: both programs of the article, as written, then done well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_files
from latchwork.core.errors import LatchworkError

if TYPE_CHECKING:
    from latchwork.article.parts import Part


def article(
    out: Annotated[Path, typer.Option(help="Folder for pictures, models and the report.")] = Path("latchwork-out"),
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the digits' network; the article has 10.")] = 10,
    as_written: Annotated[
        bool, typer.Option("--as-written", help="The article's two programs only, without what they leave undone.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Train the digits done well to the end, some minutes, not for one minute.")
    ] = False,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Both programs of the article: as written, then done well.

    Trains the article's two networks on the real data, beside what simple methods score, and writes pictures, the
    models, a report and the figures into one folder.
    """
    from latchwork.article import parts

    output = Output(as_json=as_json, quiet=quiet)
    check_files(out, parts.FILES)
    _make_folder(out)
    done: list[Part] = []
    interrupted = False
    try:
        for part in _programs(output, epochs, seed, as_written=as_written, full=full):
            done.append(part)
            if part.model.history_.stopped == "interrupted":
                interrupted = True
                break
    except KeyboardInterrupt:
        interrupted = True
    results = parts.write(out, done)
    output.result(f"\nEverything is in {out}/: open {out / 'report.html'}", results)
    if interrupted:
        raise KeyboardInterrupt


def _programs(output: Output, epochs: int, seed: int, *, as_written: bool, full: bool) -> Iterator[Part]:
    """Each program when it is done, so that Ctrl-C leaves what was done before."""
    from latchwork import datasets
    from latchwork.article import airline, digits, parts

    output.note("Airline passengers, as written: LSTM(4) -> Dense(1), look-back 1, Adam, 100 epochs, batch 1")
    months, passengers = datasets.airline()
    written = airline.as_written(months, passengers, seed=seed, progress=output.progress)
    output.note(f"Train score: {written.train_rmse:.2f} RMSE\nTest score: {written.test_rmse:.2f} RMSE")
    output.note(parts.what_it_means(written))
    yield parts.airline_part(written)

    output.note("\nHandwritten digits, as written: LSTM(30) -> Dense(10), RMSprop, batch 128")
    train, test = datasets.mnist()
    read = digits.as_written(train, test, epochs=epochs, seed=seed, progress=output.progress)
    output.note(f"Summary: over the test dataset, accuracy {read.test_accuracy:.4f}, loss {read.test_loss:.4f}")
    yield parts.digits_part(read, test)
    if as_written:
        return

    output.note("\nAirline passengers, done well: nothing has seen the test months")
    well = airline.done_well(months, passengers, seed=seed, progress="none")
    output.note(f"Test score: {well.test_rmse:.2f} RMSE, over the same months")
    yield parts.airline_well_part(well)

    output.note("\nHandwritten digits, done well: rows only, recurrent layers only")
    if not full:
        output.note("One minute of training; latchwork article --full goes on to the end")
    better = digits.done_well(train, test, full=full, seed=seed, progress=output.progress)
    output.note(f"Over the test dataset, accuracy {better.test_accuracy:.4f}, loss {better.test_loss:.4f}")
    yield parts.digits_well_part(better, test)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LatchworkError(f"cannot make the folder {folder}: {error.strerror}") from error
