"""Shapes as types: `Float[Array, "batch features"]`, for arrays of NumPy and JAX alike.

The tests check them (jaxtyping and beartype). Elsewhere they are words: jaxtyping takes as long to import as NumPy, and
a saved model must answer before that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

Array = Any

if TYPE_CHECKING or sys.modules.get("jaxtyping"):
    from jaxtyping import Float
    from jaxtyping import Int as Int  # noqa: PLC0414 - passed on
else:

    class Float:
        """An array of floating numbers."""

        def __class_getitem__(cls, item: Any) -> Any:
            """Any array."""
            return item[0]

    class Int(Float):
        """An array of whole numbers."""
