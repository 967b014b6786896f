"""`latchwork text`: train a language model, test it, let it write and let it suggest."""

from __future__ import annotations

import re
import shutil
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, ModelArgument, Output, QuietOption, SeedOption, json_text
from latchwork.cli.outputs import check_file, check_files
from latchwork.cli.text_shown import LOOKED_BACK, show_surprise, side_by_side, tell_of_loops
from latchwork.core import settings
from latchwork.core.errors import InputError

if TYPE_CHECKING:
    from latchwork.text.reading import TextSource

app = typer.Typer(no_args_is_help=True)

TextArgument = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A text file in UTF-8, a folder of them, or - for a pipe.", show_default=False),
]


class Units(StrEnum):
    """What a text is cut into, by the names that a user types."""

    CHAR = "char"
    BYTE = "byte"
    WORD = "word"


@app.command()
def train(
    text: TextArgument,
    out: Annotated[Path, typer.Option(metavar="M.latch", help="Where to save the model.")],
    units: Annotated[Units, typer.Option(help="Characters, bytes, or words (for a keyboard).")] = Units.CHAR,
    minutes: Annotated[float | None, typer.Option(help="How long to train (10 where nothing is said).")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Or: steps of the optimiser.")] = None,
    validation: Annotated[
        float, typer.Option(help="Share at the beginning that is not trained on but chosen by.")
    ] = 0.03,
    test: Annotated[float, typer.Option(help="Share at the end that is not even looked at.")] = 0.1,
    vocabulary: Annotated[int | None, typer.Option(min=2, help="Tokens at most.")] = None,
    hidden: Annotated[int | None, typer.Option(min=1, help="Units of the LSTM, in place of the chosen number.")] = None,
    ngram_share: Annotated[
        float | None, typer.Option(help="Weight of the n-gram beside the network, 0 for none.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="What a keyboard may weigh, such as 2MB (8MB where not given).")
    ] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a language model on a text and save it.

    Minutes are turned into a number of steps by a short timing; the number is reported, and --steps repeats the run.
    A run that is killed goes on where it was when the same command is given again.
    """
    from latchwork.text.language_model import LanguageModel, describe

    output = Output(as_json=as_json, quiet=quiet)
    if minutes is not None and (steps is not None or not minutes > 0):
        raise InputError("give --minutes above 0, or --steps, not both")
    check_file(out, inputs=[] if text == "-" else [Path(text)], kind="model")
    source = _source(text)
    for path in source.skipped:
        output.note(f"left out, no text: {path}")
    if source.size < _LITTLE:
        output.note(
            f"{source.name} has {source.size:,} bytes: too little to learn a language from, and to measure on; "
            f"{_LITTLE // 1000:,} kB and more are worth it"
        )
    unfinished = out.with_name(out.name + ".unfinished")
    if unfinished.exists():
        output.note(f"Going on with the run in {unfinished}")
    model = LanguageModel(
        units.value,
        hidden=hidden,
        minutes=minutes,
        steps=steps,
        vocabulary_size=vocabulary,
        validation_share=validation,
        test_share=test,
        ngram_share=ngram_share,
        size=None if size is None else _bytes_of(size, units),
        checkpoint=unfinished,
        progress=output.progress,  # pyright: ignore[reportArgumentType]
        listener=lambda sample: output.note(f"\n  {sample!r}\n"),
        random_state=seed,
    )
    started = time.monotonic()
    model.fit(source)
    model.save(out)
    stopped = model.history_.stopped
    if stopped != "interrupted":
        shutil.rmtree(unfinished, ignore_errors=True)
    figures = _figures(model)
    sample = "".join(model.write(length=200, seed=seed))
    described = describe(model.model_)
    results: dict[str, Any] = {
        "model": str(out),
        "bytes": out.stat().st_size,
        **described,
        **figures,
        "steps": model.history_.steps,
        "repeat": f"--steps {model.history_.planned_steps} --hidden {described['hidden']}",
        "epochs": len(model.history_.epochs),
        "stopped": stopped,
        "seconds": time.monotonic() - started,
        "sample": sample,
    }
    output.note(f"\n{sample}\n")
    measured = "{bits_per_character:.3f} bits per character on the {part} part; ".format(**figures) if figures else ""
    output.result(
        f"{measured}{model.history_.steps:,} steps in {results['seconds']:.0f} s "
        f"({results['repeat']} repeats the run); saved to {out}, {results['bytes'] / 1e6:.1f} MB",
        results,
    )
    if stopped == "interrupted":
        output.note("The same command goes on from here.")
        raise KeyboardInterrupt


@app.command()
def test(
    model: ModelArgument,
    text: TextArgument,
    built_on: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The training text: the n-gram to compare with is counted on it."),
    ] = None,
    words: Annotated[
        int, typer.Option(min=0, help="Words that the simulated typist types, and that are scored; 0 for all.")
    ] = 20_000,
    slips: Annotated[int, typer.Option(min=0, help="Mistyped words that the keyboard is to mend; 0 for none.")] = 1000,
    layout: Annotated[
        str | None,
        typer.Option(help="Of the keys: qwerty, qwertz, azerty or йцукен; by default by the letters."),
    ] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Test a model on a text: bits per character; for words also recall, keystrokes saved and latency.

    Of the text that the model was trained on, only the part that was set aside is tested; in any other text what was
    trained on is found by its pieces and left out. Slips: each letter goes wrong with 5 %, by --seed.
    """
    from latchwork.text import testing
    from latchwork.text.model import TextModel

    output = Output(as_json=as_json, quiet=quiet)
    opened = TextModel.load(model)
    started = time.monotonic()
    part = testing.held_out(opened, _source(text))
    other = None if built_on is None else _source(str(built_on))
    baseline, where = testing.baseline_of(opened, part, other, model.stat().st_size)
    if opened.vocabulary.units == "word":
        results = testing.measure_keyboard(opened, part, baseline, words or None, slips=slips, seed=seed, layout=layout)
    else:
        results = testing.measure_characters(opened, part, baseline)
    results["baseline"] |= {"order": baseline.order, "bytes": baseline.nbytes, "counted_on": where}
    results |= {"part": part.name, "characters": len(part.text), "overlap": part.overlap}
    results["seconds"] = time.monotonic() - started
    if part.note:
        output.note(part.note[:1].upper() + part.note[1:] + ".")
    shown = [name for name in results["baseline"] if name in results]
    rows = [[name, f"{results[name]:.4g}", f"{results['baseline'][name]:.4g}"] for name in shown]
    output.table(f"{part.name} of {text}: {len(part.text):,} characters", ["figure", "model", "n-gram"], rows)
    output.result(testing.verdict(results), results)


@app.command()
def write(
    model: ModelArgument,
    prompt: Annotated[str, typer.Option(help="What the text goes on from.")] = "",
    length: Annotated[int, typer.Option(min=1, help="Characters to write.")] = 400,
    temperature: Annotated[float, typer.Option(help="1 as the model believes, lower is safer, 0 the likeliest.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Draw among that many of the likeliest.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw among the likeliest that together have this share.")] = None,
    repetition: Annotated[
        float, typer.Option(help="Above 1, as 1.2: what was just written becomes less likely, which ends loops.")
    ] = 1.0,
    stop: Annotated[list[str] | None, typer.Option(help="End before this string; may be given again.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="So many texts side by side.")] = 1,
    surprise: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write nothing; colour this text by the model's surprise.")
    ] = None,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write text, character by character, as it is drawn."""
    from latchwork.text.model import TextModel

    output = Output(as_json=as_json, quiet=quiet)
    opened = TextModel.load(model)
    if surprise is not None:
        show_surprise(opened.surprises(_source(str(surprise)).text()), output)
        return

    def draw(number: int) -> Any:
        return opened.write(
            prompt,
            length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition=repetition,
            stop=stop or (),
            seed=seed + number,
        )

    started = time.monotonic()
    if samples == 1 and not as_json:
        print(prompt, end="", flush=True)
        written = ""
        for piece in draw(0):
            print(piece, end="", flush=True)
            written = (written + piece)[-LOOKED_BACK:]
        print()
        tell_of_loops([written], quiet=quiet)
        return
    texts = ["".join(draw(number)) for number in range(samples)]
    tell_of_loops(texts, quiet=quiet)
    seconds = time.monotonic() - started
    results = {"prompt": prompt, "samples": texts, "characters": sum(map(len, texts)), "seconds": seconds}
    if as_json:
        print(json_text(results))
    else:
        side_by_side([prompt + text for text in texts])


@app.command()
def suggest(
    model: ModelArgument,
    context: Annotated[
        str | None, typer.Option(help="What was typed so far; without it, type in the terminal.")
    ] = None,
    personal: Annotated[Path | None, typer.Option(metavar="FILE", help="Where your own words are kept.")] = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="Learn your words, on this machine only.")] = True,
    correct: Annotated[
        bool, typer.Option("--correct/--no-correct", help="Correct slips: a space changes a word that is likely one.")
    ] = True,
    layout: Annotated[
        str | None,
        typer.Option(help="Of your keys: qwerty, qwertz, azerty or йцукен; by default by the letters."),
    ] = None,
    never: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Words that are never offered, one a line.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Forget all words learned so far.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Complete the word being typed and suggest the next, as a phone does.

    In the terminal: Tab or 1 takes the first suggestion, 2 and 3 the others, Enter ends a line, Ctrl-D ends. Backspace
    right after a correction takes it back; Ctrl-P types in private, which is not learned.
    """
    from latchwork.text.model import TextModel
    from latchwork.text.personal import PersonalWords
    from latchwork.text.terminal import Session, type_in_terminal

    output = Output(as_json=as_json, quiet=quiet)
    path = personal or _personal_file()
    if personal is not None and (learn or forget):
        check_files(personal.parent, [personal.name], inputs=[model])
    if forget:
        path.unlink(missing_ok=True)
        output.note(f"Forgot the words in {path}")
    mine = PersonalWords.load(path)
    keyboard = TextModel.load(model).keyboard(mine, correct=correct, layout=layout, never=_words_in(never))
    if context is not None:
        started = time.perf_counter()
        offers = keyboard.offers(context)
        correction = keyboard.correct(context)
        milliseconds = 1000 * (time.perf_counter() - started)
        suggestions = [offer.text for offer in offers]
        results = {
            "context": context,
            "suggestions": suggestions,
            "correction": None if correction is None else correction.text,
            "ms": milliseconds,
        }
        output.result("\n".join(suggestions), results)
        return

    def save() -> None:
        if learn:
            mine.save(path)

    session = Session(keyboard, learn=learn, correct=correct, saved=save)
    type_in_terminal(session)
    save()
    results = {"keys": session.keys, "characters": session.characters, "keystrokes_saved": session.saved}
    output.result(f"{session.keys} keys for {session.characters} characters", results)


@app.command()
def words(
    personal: Annotated[Path | None, typer.Option(metavar="FILE", help="Where your own words are kept.")] = None,
    forget: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Forget this word; may be given again.")
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the words that the keyboard learned from you, or take some out."""
    from latchwork.text.personal import PersonalWords

    output = Output(as_json=as_json, quiet=quiet)
    path = personal or _personal_file()
    mine = PersonalWords.load(path)
    for word in forget or ():
        if not mine.remove(word):
            raise InputError(f"got --forget {word!r}: it is not among the {len(mine)} words in {path}")
    if forget:
        mine.save(path)
        output.note(f"Forgot {', '.join(forget)}")
    rows = [{"word": word, "times": times} for word, times in mine.listed()]
    listed = "\n".join(f"{row['times']:6} {row['word']}" for row in rows)
    output.result(listed or f"No words are kept in {path}", {"file": str(path), "words": rows})


def _words_in(file: Path | None) -> list[str]:
    """The words of a file, one a line; none without a file."""
    if file is None:
        return []
    from latchwork.text.reading import from_path

    return [line.strip() for line in from_path(file).text().splitlines() if line.strip()]


def _bytes_of(size: str, units: Units) -> int:
    """A size such as 2MB or 500 kB in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([km]?)b?", size.strip(), re.IGNORECASE)
    count = 0 if match is None else int(float(match[1]) * {"": 1, "k": 1e3, "m": 1e6}[match[2].lower()])
    if units is not Units.WORD:
        raise InputError("got --size for a model without words: only keyboards (--units word) are made to a size")
    if count < _SMALLEST:
        raise InputError(f"got --size {size!r}: expected {_SMALLEST // 1000} kB or more, such as 2MB")
    return count


_SMALLEST = 200_000  # bytes of a keyboard
_LITTLE = 20_000  # bytes of text below which one is warned


def _source(text: str) -> TextSource:
    from latchwork.text.reading import from_path, from_pipe

    return from_pipe(sys.stdin.buffer) if text == "-" else from_path(text)


def _figures(model: Any) -> dict[str, Any]:
    """Bits per character of a fitted `LanguageModel` on what it has set aside, if it has."""
    part = model.set_aside_
    if part is None:
        return {}
    return {
        "bits_per_character": model.bits_per_character(part.text),
        "part": part.name,
        "part_characters": len(part.text),
    }


def _personal_file() -> Path:
    return settings.users_data_folder() / "words.json"
