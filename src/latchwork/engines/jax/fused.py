"""The fused engine as a JAX function, with its gradient.

`fused_unroll` works under `jit`, `scan`, `vmap`, `remat` and `shard_map`. Only the gradients that are asked for are
computed: a first layer's inputs, say, get none. `vmap` runs the networks side by side in one call of the kernels;
weights that are not mapped are shared, not copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero, zero_from_primal
from jaxtyping import Array, Float, Int

from latchwork.engines import native

_FORWARD, _BACKWARD = "latchwork_forward", "latchwork_backward"


class _Operands(NamedTuple):
    """What the handlers take, in their order (csrc/bind/xla.cc); None where a case has none."""

    inputs: Any
    input_weight: Any
    hidden_weight: Any
    bias: Any
    hidden_bias: Any
    input_peephole: Any
    forget_peephole: Any
    output_peephole: Any
    hidden_state: Any
    state_1: Any
    state_2: Any
    state_3: Any
    hidden_mask: Any
    lengths: Any


# The mask and the lengths have no gradient.
_DIFFERENTIABLE = len(_Operands._fields) - 2


class _Case(NamedTuple):
    """What is known when the call is traced."""

    kind: str
    reverse: bool


def fused_supported(kind: str, *, dtype: Any = jnp.float32, platform: str | None = None) -> str | None:
    """Why the kernels cannot run a case; None where they can.

    Args:
        kind: the cell's name in `native.kinds()`.
        dtype: of the inputs and weights.
        platform: where the computation will run; JAX's default backend where left out.
    """
    if not native.available():
        return native.engine_info().reason
    if kind not in native.kinds():
        return f"the kernels know no {kind}: they know {', '.join(native.kinds())}"
    if jnp.dtype(dtype) != jnp.float32:
        return f"the kernels compute in float32, the inputs are {jnp.dtype(dtype).name}"
    platform = platform or jax.default_backend()
    if platform != "cpu":
        return f"the kernels run on a CPU, the computation runs on {platform}"
    return None


def fused_unroll(
    kind: str,
    weights: Mapping[str, Float[Array, "..."]],
    inputs: Float[Array, "batch time features"],
    state: tuple[Float[Array, "batch hidden"], ...],
    lengths: Int[Array, " batch"] | None = None,
    *,
    reverse: bool = False,
    hidden_mask: Float[Array, "batch hidden"] | None = None,
) -> tuple[Float[Array, "batch time hidden"], tuple[Float[Array, "batch hidden"], ...]]:
    """Run a known cell over the time axis; the fused twin of `latchwork.engines.jax.unroll.unroll`.

    Args:
        kind: the cell's name in `native.kinds()`.
        weights: its arrays by their names in `latchwork.core.cells`.
        inputs: sequences, right-padded where they differ in length.
        state: before the first step: as the kind names its parts, the hidden one first.
        lengths: how many steps of each sequence are real; all where left out.
        reverse: read from each sequence's last real step to its first.
        hidden_mask: multiplies the hidden state inside the recurrent product. It gets no gradient.

    Returns:
        Every step's output, at its own position in time (zero past a length), and the state after the last step read,
        as a tuple like `state`.

    Raises:
        ValueError: where `fused_supported` gives a reason, or a weight is missing.

    Example:
        >>> weights = {"input_weight": jnp.ones((2, 12)), "hidden_weight": jnp.ones((3, 12)), "bias": jnp.zeros(12)}
        >>> state = (jnp.zeros((1, 3)), jnp.zeros((1, 3)))
        >>> outputs, (hidden, cell) = fused_unroll("lstm", weights, jnp.ones((1, 5, 2)), state)
        >>> outputs.shape, cell.shape
        ((1, 5, 3), (1, 3))
    """
    reason = fused_supported(kind, dtype=inputs.dtype)
    if reason:
        raise ValueError(reason)
    operands = _operands_of(kind, weights, inputs, state, lengths, hidden_mask)
    case = _Case(kind, reverse)
    results = cast("tuple[Array, ...]", _unroll(case, operands))
    return results[0], results[1:]


def _operands_of(
    kind: str,
    weights: Mapping[str, Array],
    inputs: Array,
    state: tuple[Array, ...],
    lengths: Array | None,
    hidden_mask: Array | None,
) -> _Operands:
    has_hidden_bias = native.kinds()[kind].has_hidden_bias
    missing = {"input_weight", "hidden_weight"} - weights.keys()
    if missing:
        raise ValueError(f"weights of a {kind} lack {', '.join(sorted(missing))}")
    _register()
    return _Operands(
        inputs=inputs,
        input_weight=weights["input_weight"],
        hidden_weight=weights["hidden_weight"],
        bias=weights["input_bias" if has_hidden_bias else "bias"],
        hidden_bias=weights["hidden_bias"] if has_hidden_bias else None,
        input_peephole=weights.get("input_peephole"),
        forget_peephole=weights.get("forget_peephole"),
        output_peephole=weights.get("output_peephole"),
        hidden_state=state[0],
        **{f"state_{number}": part for number, part in enumerate((*state[1:], *[None] * (4 - len(state))), 1)},
        hidden_mask=hidden_mask,
        lengths=None if lengths is None else lengths.astype(jnp.int32),
    )


_registered = False


def _register() -> None:
    global _registered  # noqa: PLW0603 - handlers may be registered once in a process
    if _registered:
        return
    module = native.module()
    jax.ffi.register_ffi_target(_FORWARD, module.forward_target(), platform="cpu")
    jax.ffi.register_ffi_target(_BACKWARD, module.backward_target(), platform="cpu")
    _registered = True


def _bits(values: tuple[Any, ...]) -> np.int32:
    return np.int32(sum(1 << i for i, value in enumerate(values) if value is not None))


def _call(name: str, results: list[jax.ShapeDtypeStruct], operands: list[Any], **attributes: Any) -> list[Any]:
    # expand_dims: a mapped axis becomes a leading one, of length one where an operand is not mapped (shared).
    call = cast("Callable[..., list[Any]]", jax.ffi.ffi_call(name, results, vmap_method="expand_dims"))
    return call(*operands, **attributes)


def _forward(case: _Case, operands: _Operands, saves: bool) -> list[Any]:
    batch, time, features = operands.inputs.shape
    hidden = operands.hidden_weight.shape[0]
    known = native.kinds()[case.kind]
    results = [_like((batch, time, hidden)), *(_like((batch, hidden)) for _ in known.states)]
    if saves:
        results.append(_like((native.module().saved_floats(case.kind, batch, time, features, hidden),)))
    present = [operand for operand in operands if operand is not None]
    return _call(
        _FORWARD,
        results,
        present,
        kind=np.int32(known.number),
        given=_bits(operands),
        reverse=case.reverse,
        saves=saves,
    )


def _like(shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _unroll(case: _Case, operands: _Operands) -> tuple[Array, ...]:
    return tuple(_forward(case, operands, saves=False))


class _Wanted:
    """Which gradients are asked for: known when the call is traced, so part of the residuals' structure."""

    def __init__(self, fields: tuple[bool, ...]) -> None:
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Wanted) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)


jax.tree_util.register_static(_Wanted)


def _unroll_forward(case: _Case, operands: _Operands) -> tuple[tuple[Array, ...], Any]:
    values = _Operands(*(None if operand is None else operand.value for operand in operands))
    wanted = tuple(operand is not None and bool(operand.perturbed) for operand in operands[:_DIFFERENTIABLE])
    *results, saved = _forward(case, values, saves=True)
    return tuple(results), (values, results[0], saved, _Wanted(wanted))


def _unroll_backward(case: _Case, residuals: Any, cotangents: tuple[Any, ...]) -> tuple[_Operands]:
    operands, outputs, saved, wanted = cast("tuple[_Operands, Array, Array, _Wanted]", residuals)
    by_results = [None if isinstance(by, SymbolicZero) else by for by in cotangents]
    by_results += [None] * (5 - len(by_results))
    given = (outputs, saved, *by_results)
    results = [
        _like(operand.shape) for operand, asked in zip(operands, (*wanted.fields, False, False), strict=True) if asked
    ]
    if results and any(by is not None for by in by_results):
        gradients = iter(
            _call(
                _BACKWARD,
                results,
                [operand for operand in (*operands, *given) if operand is not None],
                kind=np.int32(native.kinds()[case.kind].number),
                given=_bits(operands),
                reverse=case.reverse,
                cotangents=_bits(given),
                wanted=np.int32(sum(1 << i for i, asked in enumerate(wanted.fields) if asked)),
            )
        )
    else:
        gradients = iter(())
    every: list[Any] = []
    for operand, asked in zip(operands, (*wanted.fields, False, False), strict=True):
        if operand is None:
            every.append(None)
        elif asked:
            every.append(next(gradients, None))
        else:
            every.append(zero_from_primal(operand, symbolic_zeros=True))
    return (_Operands(*every),)


_unroll.defvjp(_unroll_forward, _unroll_backward, symbolic_zeros=True)
