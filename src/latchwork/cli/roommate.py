"""`latchwork roommate`: the article's three kitchens as exact matrices, then learned from a diary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.common import JsonOption, Output, QuietOption, SeedOption
from latchwork.cli.outputs import check_files

if TYPE_CHECKING:
    from latchwork.explain.diary import LearnedKitchen
    from latchwork.explain.roommate import Kitchen

DAYS_A_COURSE = 100  # enough that the diary meets every dish in both weathers
DAYS_TO_COME = 1000


def roommate(
    courses: Annotated[int, typer.Option("--courses", "-n", help="Dishes on the menu, 2 to 60.")] = 3,
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("latchwork-out"),
    learn_too: Annotated[bool, typer.Option("--learn/--no-learn", help="Also learn the rules from a diary.")] = True,
    as_json: JsonOption = False,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Meet the roommate: a plain network, a recurrent one, and both merged, small enough to multiply by hand."""
    from latchwork.explain.roommate import kitchens
    from latchwork.explain.roommate_pictures import draw_kitchens, draw_learned
    from latchwork.show.pictures import save_figure

    output = Output(as_json=as_json, quiet=quiet)
    states = 2 * courses
    every = kitchens(courses)
    check_files(out, ["roommate.png", "roommate-learned.png"])
    result: dict[str, Any] = {"courses": courses, "states": states, "exact": _tell(output, every, courses)}
    sentence = f"All three kitchens are exact in all {states} states"
    out.mkdir(parents=True, exist_ok=True)
    pictures = {"roommate.png": draw_kitchens(every, courses)}
    if learn_too:
        learned, figures = _learn(output, courses, seed)
        pictures["roommate-learned.png"] = draw_learned(learned, courses)
        right = round(figures["accuracy"] * DAYS_TO_COME)
        sentence += f";\nlearned from a diary, {right} of {DAYS_TO_COME} days never seen are served right"
        result["learned"] = figures
    for name, figure in pictures.items():
        save_figure(figure, out / name)
    written = [str(out / name) for name in pictures]
    output.note(f"Pictures: {', '.join(written)}")
    output.result(f"{sentence}.", result | {"pictures": written})


def _tell(output: Output, every: Mapping[str, Kitchen], courses: int) -> dict[str, int]:
    """Each kitchen's matrices, and a day of the merged one; gives in how many states each is exact."""
    from latchwork.explain.roommate import RAINY, Day, count_exact
    from latchwork.explain.roommate_words import LARGEST_WRITTEN, write_day, write_kitchen

    exact = {name: count_exact(kitchen, courses) for name, kitchen in every.items()}
    for name, kitchen in every.items():
        if courses <= LARGEST_WRITTEN:
            output.note(f"{write_kitchen(kitchen, courses)}\n")
            if name == "merged":
                output.note(f"{write_day(kitchen, Day(1, RAINY), courses)}\n")
        output.note(f"The {name} kitchen serves the right dish in {exact[name]} of {2 * courses} states.\n")
    return exact


def _learn(output: Output, courses: int, seed: int) -> tuple[LearnedKitchen, dict[str, Any]]:
    """A kitchen learned from a diary, and how it does on days that it has not seen."""
    from latchwork.explain.diary import learn, write_diary
    from latchwork.explain.roommate_words import LARGEST_WRITTEN, write_learned

    diary = write_diary(courses, DAYS_A_COURSE * courses, seed)
    output.note(f"Learning the merged kitchen's rules from a diary of {len(diary.weather)} days ...")
    learned = learn(diary, courses, seed)
    unseen = write_diary(courses, DAYS_TO_COME, seed + 1)
    right = int((learned.serve(unseen.first_dish, unseen.weather) == unseen.dishes).sum())
    output.note(f"\n{write_learned(learned, courses) if courses <= LARGEST_WRITTEN else learned.in_words()}\n")
    return learned, {
        "diary_days": len(diary.weather),
        "starts": learned.starts,
        "starts_that_solve": learned.solved,
        "states_with_own_unit": learned.own_units,
        "unseen_days": DAYS_TO_COME,
        "accuracy": right / DAYS_TO_COME,
    }
