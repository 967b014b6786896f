"""The house stands as CONTRIBUTING.md says: imports only go down, no circle, and JAX is met in its wing alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "latchwork"
# From the ground up; what stands on one floor may know its neighbours, but in no circle of files.
FLOORS = (
    ("core",),
    ("transforms", "datasets", "show"),
    ("engines.steps", "engines.native", "engines.plain"),
    ("engines.jax",),
    ("training",),
    ("runtime",),
    ("estimators",),
    ("forecasting", "text", "speech", "explain"),
    ("article", "interop", "keras"),
    ("bench", "cli"),
    ("__main__",),
)
JAX = {"jax", "jaxlib", "equinox", "optax", "jaxtyping"}
# These train what the kernels' trainer does not know yet, look into networks in JAX, or measure JAX beside ours.
NEEDS_JAX = ("engines.jax", "explain.foreign", "bench.")


@cache
def modules() -> dict[str, Path]:
    """Every file by its module's name, without `latchwork.`; a package's own file by the package's name."""
    names = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {name: path for name, path in names.items() if name}


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """The modules that a file imports anywhere, and whether at its top, where loading it pays for them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:  # a module of a package, or a name that a module has
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner.removeprefix("latchwork.") in modules() else node.module), id(node) in top


@cache
def arrows() -> dict[str, set[str]]:
    known = modules()
    return {
        name: {
            target.removeprefix("latchwork.")
            for target, _ in imported(path)
            if target.startswith("latchwork.") and target.removeprefix("latchwork.") in known
        }
        - {name}
        for name, path in known.items()
    }


def floor_of(module: str) -> int | None:
    for number, rooms in enumerate(FLOORS):
        if any(module == room or module.startswith(f"{room}.") for room in rooms):
            return number
    return None


def test_every_module_stands_on_a_floor():
    outside = {name for name in modules() if floor_of(name) is None}
    assert outside == {"engines"}, outside


def test_imports_only_go_down():
    up = [
        f"{name} -> {target}"
        for name, targets in arrows().items()
        for target in targets
        if (floor_of(name) or 0) < (floor_of(target) or 0)
    ]
    assert not up, up


def test_there_is_no_circle():
    """Files that nothing imports but files already taken away are taken away, until none is left."""
    left = {name: set(targets) for name, targets in arrows().items()}
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    # What is left leads into a circle; what nothing of it imports only leads there.
    while outer := [name for name in left if not any(name in targets for targets in left.values())]:
        for name in outer:
            del left[name]
    assert not left, {name: sorted(targets & left.keys()) for name, targets in left.items()}


@pytest.mark.parametrize("name", sorted(modules()))
def test_jax_is_met_in_its_wing_alone(name: str):
    if name.startswith(NEEDS_JAX):
        return
    met = {target for target, _ in imported(modules()[name]) if target.partition(".")[0] in JAX}
    assert not met or name == "core.shapes", f"{name} imports {met}"


def test_the_wing_is_not_loaded_with_what_needs_none():
    """At the top of a file that is no part of it, an import of the wing would bring JAX to everybody."""
    loads = {
        name
        for name, path in modules().items()
        if not name.startswith((*NEEDS_JAX, "speech."))
        for target, at_top in imported(path)
        if at_top and target.startswith("latchwork.engines.jax")
    }
    assert not loads, loads
