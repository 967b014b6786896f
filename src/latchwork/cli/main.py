"""The command's entry: only the module of the command that was asked for is imported, so that help is instant."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NamedTuple

import typer

from latchwork import __version__
from latchwork.core.errors import LatchworkError

INTERRUPTED = 130  # what a shell expects after Ctrl-C


class Command(NamedTuple):
    """Where a command lives: a `typer.Typer` (a group) or a function, and the line that help shows."""

    module: str
    attribute: str
    help: str


# One row a command, in the order that help shows them.
COMMANDS: dict[str, Command] = {
    "article": Command("article", "article", "Both programs of the article: as written, then done well."),
    "classify": Command("classify", "app", "Train, test and use a classifier of sequences."),
    "regress": Command("regress", "app", "Train, test and use a model that gives sequences a number."),
    "roommate": Command("roommate", "roommate", "The article's roommate: exact matrices, then learned ones."),
    "forecast": Command("forecast", "forecast", "Forecast a table of the past, beside the simple methods."),
    "text": Command("text", "app", "Train a language model; let it write, and suggest as a keyboard does."),
    "speech": Command("speech", "app", "Train a recogniser of speech; let it transcribe recordings and listen."),
    "memory": Command("memory", "memory", "How far back each cell remembers, measured."),
    "explain": Command("explain", "explain", "A saved model, opened, as one page that works from disk."),
    "serve": Command("serve", "serve", "The explorer, on this machine."),
    "info": Command("info", "info", "What a saved model is, and which engine this machine runs."),
    "import": Command("import_", "import_", "Read a model of Keras, PyTorch or ONNX as data."),
    "export": Command("export", "export", "Write a saved model for others: ONNX, Keras."),
    "bench": Command("bench", "bench", "This machine's speed, beside the peers that are installed."),
}


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 bad usage or input, 130 after Ctrl-C."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; gives the exit code. Errors for the user are one line on stderr."""
    app = build_app(next((word for word in arguments if word in COMMANDS), None))
    try:
        code: Any = app(arguments, prog_name="latchwork", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # newer versions of Typer turn Ctrl-C into this code and say nothing
            return _fail("interrupted", INTERRUPTED)
        return code if isinstance(code, int) else 0
    except LatchworkError as error:
        return _fail(str(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except MemoryError:
        return _fail("out of memory: try a smaller network, batch or file", 1)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        # Bad usage, in the words of the parser; its classes have moved between versions of Typer.
        if hasattr(error, "format_message") and isinstance(code := getattr(error, "exit_code", None), int):
            return _fail(f"{error.format_message()} (see latchwork --help)", code)  # pyright: ignore
        raise


def build_app(chosen: str | None) -> typer.Typer:
    """The whole command, in which only `chosen` is more than its line of help."""
    app = typer.Typer(
        help="Recurrent neural networks that are fast on an ordinary processor and that you can see through.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name, command in COMMANDS.items():
        if name != chosen:
            app.command(name, help=command.help)(_placeholder)
            continue
        target = getattr(importlib.import_module(f"latchwork.cli.{command.module}"), command.attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=command.help)
        else:
            app.command(name)(target)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"latchwork {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
    ),
) -> None:
    del version


def _placeholder() -> None:
    """Stands for a command that was not asked for."""


def _fail(message: str, code: int) -> int:
    print(f"latchwork: {' '.join(message.split())}", file=sys.stderr)
    return code
