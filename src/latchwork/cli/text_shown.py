"""What `latchwork text` shows beside plain sentences: surprise in colours, texts side by side, a word about loops."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from latchwork.cli.common import Output, json_text

if TYPE_CHECKING:
    from latchwork.text.model import Surprise

LOOKED_BACK = 2000  # characters of a text in which loops are looked for


def tell_of_loops(texts: list[str], *, quiet: bool) -> None:
    """Say what to do where a text goes round in a circle."""
    from latchwork.text.writing import repeats_itself

    if not quiet and any(repeats_itself(text[-LOOKED_BACK:]) for text in texts):
        print("It repeats itself: --repetition 1.2 or a higher --temperature would help.", file=sys.stderr)


# Shades of red behind the text, from what was expected to what was not; numbers of the 256 terminal colours.
_SHADES = ((1.0, None), (2.5, 224), (4.5, 217), (7.0, 210), (float("inf"), 203))


def show_surprise(pieces: list[Surprise], output: Output) -> None:
    """A text coloured by what each piece of it cost, or its pieces as JSON."""
    total = sum(piece.bits for piece in pieces)
    characters = sum(len(piece.text) for piece in pieces)
    if output.as_json:
        rows = [{"text": piece.text, "bits": round(piece.bits, 3)} for piece in pieces]
        print(json_text({"bits_per_character": total / characters, "pieces": rows}))
        return
    for piece in pieces:
        shade = next(colour for most, colour in _SHADES if piece.bits <= most)
        lines = piece.text.split("\n")
        print("\n".join(_coloured(line, shade) for line in lines), end="")
    legend = "  ".join(_coloured(f"up to {most:g} bits" if most < 99 else "more", shade) for most, shade in _SHADES)
    output.note(f"\n\n{total / characters:.3f} bits per character   {legend}")


def _coloured(text: str, shade: int | None) -> str:
    return text if shade is None or not text else f"\x1b[30;48;5;{shade}m{text}\x1b[0m"


def side_by_side(texts: list[str]) -> None:
    """Several texts in columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, padding=(0, 2), box=None)
    table.add_row(*texts)
    Console().print(table, markup=False)
