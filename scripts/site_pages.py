"""Makes the pages of the site that follow from the code: the start, the reference of Python and of the command.

MkDocs calls `on_config` and `on_files` (see its page on hooks). Every public name has a page of its own, made from its
docstring; the reference of the command is made from its help, so neither can fall behind.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

MODULES = {
    "latchwork.training": "Training",
    "latchwork.runtime": "Runtime",
}
"""Packages whose `__all__` is public beside latchwork's own."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put what is generated into the navigation, and pages that nav does not know under the guides."""
    nav: list[Any] = config.nav or []
    known = set(re.findall(r"[\w-]+\.md", str(nav)))
    guides = next(part["Guides"] for part in nav if "Guides" in part)
    for page in sorted(Path(config.docs_dir).glob("*.md")):
        if page.name not in known:
            guides.append(page.name)
    for part in nav:
        if "Reference" in part:
            part["Reference"] = [
                {"The command": "reference/command.md"},
                {"Python": [{name: f"reference/{name}.md"} for name in sorted(public_names(), key=str.lower)]},
                *(
                    {title: [{name: f"reference/{module.rpartition('.')[2]}.{name}.md"} for name in sorted(names)]}
                    for module, title in MODULES.items()
                    if (names := own_names(module))
                ),
            ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "index.md": in_site("README.md"),
        "contributing.md": in_site("CONTRIBUTING.md"),
        "changes.md": in_site("CHANGELOG.md"),
        "reference/command.md": command_page(),
    }
    for name, home in public_names().items():
        pages[f"reference/{name}.md"] = f"::: {home}\n"
    for module in MODULES:
        for name in own_names(module):
            found = getattr(import_module(module), name)
            pages[f"reference/{module.rpartition('.')[2]}.{name}.md"] = f"::: {_home_of(found, module, name)}\n"
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files


def public_names() -> dict[str, str]:
    """Each public name of latchwork, and where it is defined."""
    package = import_module("latchwork")
    names = [name for name in package.__all__ if name != "__version__"]
    return {name: _home_of(getattr(package, name), "latchwork", name) for name in names}


def own_names(module: str) -> list[str]:
    """A package's public names that are not latchwork's own as well."""
    return [name for name in import_module(module).__all__ if name not in public_names()]


def _home_of(found: Any, module: str, name: str) -> str:
    home = getattr(found, "__module__", None)
    return f"{home}.{getattr(found, '__qualname__', name)}" if home else f"{module}.{name}"


def in_site(name: str) -> str:
    """A page of the repository's root, its links as the site has them."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for here, there in (("docs/)", "article.md)"), ("docs/", ""), ("CONTRIBUTING.md", "contributing.md"),
                        ("CHANGELOG.md", "changes.md")):  # fmt: skip
        text = text.replace(f"]({here}", f"]({there}")
    return text


def command_page() -> str:
    """Every command with its arguments and options, as its help has them."""
    import typer

    from latchwork.cli.main import COMMANDS, build_app

    lines = ["# The command", "", "`latchwork COMMAND --help` shows the same.", ""]
    for name in COMMANDS:
        group = typer.main.get_command(build_app(name))
        command = group.commands[name]  # pyright: ignore
        lines += _described(command, f"latchwork {name}")
    return "\n".join(lines)


def _described(command: Any, path: str, level: int = 2) -> list[str]:
    lines = [f"{'#' * level} {path}", "", _plain(command.help or ""), ""]
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            lines += _described(inner, f"{path} {name}", level + 1)
        return lines
    rows = [row for parameter in command.params if (row := _row(parameter))]
    if rows:
        lines += ["| | | |", "| --- | --- | --- |", *rows, ""]
    return lines


def _row(parameter: Any) -> str:
    if getattr(parameter, "hidden", False):
        return ""
    words = ", ".join(f"`{word}`" for word in parameter.opts) if parameter.param_type_name == "option" else ""
    words = words or f"`{(parameter.metavar or parameter.name)}`"
    default = parameter.default
    shown = "" if default in (None, False, ()) or callable(default) else f"default {default}"
    cells = (words, _plain(getattr(parameter, "help", "") or ""), str(shown))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    """One line; what looks like HTML or a link is shown as it stands."""
    return " ".join(text.replace("<", "&lt;").replace("[", "\\[").split())
