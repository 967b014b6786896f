"""What `_native.pyi` says of the compiled module is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from marks import needs_kernels

from latchwork.engines import native

pytestmark = needs_kernels

STUB = Path(native.__file__).with_name("_native.pyi")
MAKE = "python -m nanobind.stubgen -m latchwork.engines.native._native -o src/latchwork/engines/native/_native.pyi"


def in_stub(body: list[ast.stmt]) -> dict[str, Any]:
    """By name: the parameters of each function, of a class the same for its members."""
    found: dict[str, Any] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = in_stub(node.body)
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    return found


def in_module(owner: Any, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        member = getattr(owner, name)
        if isinstance(member, type):
            found[name] = in_module(member, [*vars(member)])
        elif isinstance(member, property):
            found[name] = ["self"]
        elif hasattr(member, "__nb_signature__"):
            found[name] = parameters(member.__nb_signature__[0][0])
    return {name: what for name, what in found.items() if name == "__init__" or not name.startswith("_")}


def parameters(signature: str) -> list[str]:
    bare = re.sub(r"\[[^][]*\]", "", re.sub(r"\[[^][]*\]", "", signature))
    inside = bare[bare.index("(") + 1 : bare.rindex(")")]
    return [name for name in (part.split(":")[0].strip() for part in inside.split(",")) if name not in ("", "/")]


def test_the_stub_is_the_modules():
    module = native.module()
    stub = in_stub(ast.parse(STUB.read_text()).body)
    assert stub == in_module(module, dir(module)), f"make it again: {MAKE}"


def test_each_kind_is_named_once():
    for number, (name, kind) in enumerate(native.kinds().items()):
        assert (kind.name, kind.number) == (name, number)
        assert kind.states[0] == "hidden"
        assert len({*kind.gates, *kind.states}) == len(kind.gates) + len(kind.states)


def test_a_build_that_there_is_not_is_named():
    module = native.module()
    assert module.build() in module.builds()
    with pytest.raises(ValueError, match=f"'sse': this processor runs {', '.join(module.builds())}"):
        module.use("sse", None)
    for other in module.builds():
        if other != module.build():
            with pytest.raises(RuntimeError, match="runs already"):
                module.use(other, None)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(ValueError, match="unknown kind of cell 'lstn': expected one of simple_rnn_tanh, "):
        native.module().saved_floats("lstn", 1, 1, 1, 1)
