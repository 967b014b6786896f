"""For the site's reference: `core.layer.described` makes dataclasses, which reading the source alone does not tell."""

from __future__ import annotations

from typing import Any

import griffe


class DescribedLayers(griffe.Extension):
    """Layers get the signature of their fields."""

    def on_class_instance(self, *, cls: griffe.Class, **_: Any) -> None:
        """Show the decorator as what it stands for, before griffe's own reading of dataclasses."""
        for decorator in cls.decorators:
            if str(decorator.value) == "described":
                decorator.value = griffe.ExprName("dataclass", parent=griffe.ExprName("dataclasses"))
