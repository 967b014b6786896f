"""What the kernels' trainer can train: which layers, losses and rows, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latchwork.core import settings, spec
from latchwork.core.errors import InputError
from latchwork.core.network import NetworkData
from latchwork.engines import native
from latchwork.engines.native import program
from latchwork.engines.steps import RowShape, Sampling, Term, per_member

OF_CLASSES = frozenset({"softmax_cross_entropy", "accuracy"})
OF_LABELS = "connectionist_temporal"
WITHOUT_DERIVATIVE = frozenset({"accuracy", "binary_accuracy", "threshold_accuracy"})
ARRAYS = ("inputs", "targets", "lengths", "weight", "ahead")


def why_not(
    network: NetworkData, terms: Sequence[Term], rows: Mapping[str, RowShape], *, carries: bool = False
) -> str | None:
    """Why the kernels cannot train this network for these terms on such rows; None where they can."""
    if settings.engine() == "plain":
        return "LATCHWORK_ENGINE=plain"
    if not native.available():
        return native.engine_info().reason
    if carries and any(backwards := [layer for layer in network.spec.layers if _reads_backwards(layer)]):
        return f"{backwards[0]!r} reads backwards and has no state to carry on"
    return _why_not_layers(network) or _why_not_terms(terms) or _why_not_rows(network, terms[0], rows)


def why_not_sampled(network: NetworkData, sampling: Sampling, terms: Sequence[Term]) -> str | None:
    """Why they cannot train it on a sample of its outputs."""
    last = network.spec.layers[-1]
    if not isinstance(last, spec.Dense) or last.activation is not None:
        return f"what is sampled are the outputs of a linear Dense, not of {last!r}"
    if sampling.frequent >= last.units:
        return f"there is nothing to sample: all {last.units} outputs are among the {sampling.frequent} frequent ones"
    if any((term.name, term.settings) != ("softmax_cross_entropy", (0.0,)) for term in terms):
        return "a sample of the outputs has a cross-entropy, and no other metric"
    return None


def _reads_backwards(layer: spec.Layer) -> bool:
    return isinstance(layer, spec.Bidirectional) or (isinstance(layer, spec.Recurrent) and layer.reverse)


def _why_not_layers(network: NetworkData) -> str | None:
    for layer in network.spec.layers:
        one = layer.layer if isinstance(layer, spec.Bidirectional) else layer
        if program.why_not(spec.Sequential([layer])) is not None:
            return f"it knows no {type(one).__name__}"
        if isinstance(one, spec.Recurrent) and one.recompute_every:
            return "it keeps all that a gradient needs, and recompute_every asks for less"
    kinds = {str(array.dtype) for array in network.parameters.values()} - {"float32"}
    return f"it computes in float32, the network is {kinds.pop()}" if kinds else None


def _why_not_terms(terms: Sequence[Term]) -> str | None:
    for term in terms:
        if term.name not in native.module().criteria():
            return f"it knows no {term.name}"
    if terms[0].name in WITHOUT_DERIVATIVE:
        return f"the {terms[0].name} has no derivative"
    if len({(term.name in OF_CLASSES, term.name == OF_LABELS, _levels(term)) for term in terms}) > 1:
        return "the loss and the metrics take different targets"
    return None


def _levels(term: Term) -> int:
    """Outputs for each target."""
    return len(term.settings) if term.name == "pinball" else 1


def _why_not_rows(network: NetworkData, loss: Term, rows: Mapping[str, RowShape]) -> str | None:
    if unknown := rows.keys() - set(ARRAYS):
        return f"it knows no rows of {min(unknown)}"
    if missing := {"inputs", "targets"} - rows.keys():
        return f"its rows have {min(missing)}"
    many = frozenset[str]() if network.members is None else per_member(network.spec, rows)
    for name in sorted(many):
        if rows[name].shape[0] != network.members:
            return f"there are {network.members} networks, the rows have {name} of shape {rows[name].shape}"
    shapes = {name: row.shape[1:] if name in many else row.shape for name, row in rows.items()}
    looks = next((layer for layer in network.spec.layers if isinstance(layer, spec.Ahead)), None)
    if (looks is None) != ("ahead" not in rows):
        return "it knows no rows of ahead" if looks is None else f"its rows have ahead: {looks!r} looks at it"
    if looks is not None and (len(shapes["ahead"]) != 2 or shapes["ahead"][1] != looks.features):
        return f"its rows of ahead are (horizon, {looks.features}), those given have {shapes['ahead']}"
    if takes_tokens(network) and rows["inputs"].dtype.kind not in "iu":
        return f"its tokens are whole numbers, the inputs are {rows['inputs'].dtype}"
    try:
        expected: tuple[int | None, ...] = network.spec.with_input(shapes["inputs"]).output_shape()
    except InputError as error:
        return str(error)
    if looks is not None and expected[0] is None:
        expected = (shapes["ahead"][0], *expected[1:])
    if loss.name == OF_LABELS:
        return _why_not_labels(expected, rows["targets"], shapes["targets"])
    if loss.name in OF_CLASSES:
        expected = expected[:-1]
        if rows["targets"].dtype.kind not in "iu":
            return f"its classes are whole numbers, the targets are {rows['targets'].dtype}"
    if loss.name == "pinball":
        return _why_not_levels(_levels(loss), expected, shapes["targets"])
    if shapes["targets"] != expected:
        return f"its targets have the outputs' shape {expected}, those given have {shapes['targets']}"
    return None


def _why_not_levels(levels: int, outputs: tuple[int | None, ...], targets: tuple[int, ...]) -> str | None:
    """Every target has an output for each level, one beside the other."""
    width = outputs[-1]
    beside = width is not None and width % levels == 0 and targets == (*outputs[:-1], width // levels)
    if beside or (width == levels and targets == outputs[:-1]):
        return None
    return f"its targets have {levels} of the outputs {outputs} each, those given have {targets}"


def _why_not_labels(outputs: tuple[int | None, ...], targets: RowShape, shape: tuple[int, ...]) -> str | None:
    """Labels are aligned with the steps of the outputs."""
    if len(outputs) != 2:
        return f"labels are aligned with steps, and the outputs are {outputs}: return sequences"
    if targets.dtype.kind not in "iu" or len(shape) != 1:
        return f"its labels are a row of whole numbers, those given are {targets.dtype} {shape}"
    return None


def takes_tokens(network: NetworkData) -> bool:
    """Whether its inputs are symbols, not numbers."""
    return isinstance(network.spec.layers[0], spec.Embedding)
