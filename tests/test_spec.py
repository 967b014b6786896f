"""The description of a network: shapes, counts, words, and its way through a file and back."""

from __future__ import annotations

import copy
import json
import pickle
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.core import hints
from latchwork.core.errors import InputError
from latchwork.core.spec import (
    GRU,
    LAYERS,
    LSTM,
    Bidirectional,
    CoupledLSTM,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    PeepholeLSTM,
    Pooling,
    Sequential,
    SimpleRNN,
    layer_from_dict,
)

sizes = st.integers(1, 9)
rates = st.floats(0, 0.9)
recurrent = st.one_of(
    st.builds(
        kind, sizes, return_sequences=st.just(value=True), reverse=st.booleans(), dropout=rates, recurrent_dropout=rates
    )
    for kind in (LSTM, GRU, PeepholeLSTM, CoupledLSTM, SimpleRNN)
)
forward = recurrent.filter(lambda layer: not layer.reverse)
layers = st.one_of(
    recurrent,
    st.builds(Bidirectional, forward),
    st.builds(Dense, sizes, st.sampled_from([None, "tanh", "relu", "sigmoid"])),
    st.builds(Dropout, rates),
    st.builds(LayerNorm),
)
ends = st.one_of(
    st.builds(Pooling, st.lists(st.sampled_from(["first", "last", "mean", "max"]), min_size=1, max_size=4)),
    st.builds(LSTM, sizes),
)
networks = st.builds(
    lambda middle, end, time, features: Sequential([*middle, end], input_shape=(time, features)),
    st.lists(layers, max_size=4),
    ends,
    st.none() | sizes,
    sizes,
)


@given(networks)
def test_a_network_survives_json(network: Sequential):
    again = Sequential.from_dict(json.loads(json.dumps(network.to_dict())))
    assert again == network and hash(again) == hash(network)
    assert again.summary() == network.summary() and repr(again) == repr(network)


@given(networks)
def test_a_network_reads_as_it_is_written(network: Sequential):
    assert eval(repr(network)) == Sequential(network.layers)


@given(networks)
def test_counts_shapes_and_summary_agree(network: Sequential):
    shapes = network.shapes()
    assert len(shapes) == len(network.layers) + 1 and shapes[0] == network.input_shape
    assert len(network.output_shape()) == 1
    assert network.parameter_count() == sum(prod(size) for size in network.parameter_shapes().values())
    table = network.summary().splitlines()
    assert table[-1].split()[-1].replace(",", "") == str(network.parameter_count())
    assert len([line for line in table if line.startswith(tuple(LAYERS))]) == len(network.layers)


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        # From the formulas of the papers; Keras's and PyTorch's numbers, with one bias where PyTorch has two.
        (LSTM(30), 4 * (28 * 30 + 30 * 30 + 30)),
        (PeepholeLSTM(30), 4 * (28 * 30 + 30 * 30 + 30) + 3 * 30),
        (CoupledLSTM(30), 3 * (28 * 30 + 30 * 30 + 30)),
        (GRU(30), 3 * (28 * 30 + 30 * 30 + 2 * 30)),
        (SimpleRNN(30), 28 * 30 + 30 * 30 + 30),
        (Bidirectional(LSTM(30)), 2 * 4 * (28 * 30 + 30 * 30 + 30)),
        (Dense(10), 28 * 10 + 10),
        (LayerNorm(), 2 * 28),
        (Dropout(0.5), 0),
        (Pooling(), 0),
    ],
    ids=repr,
)
def test_parameters_are_counted_by_the_formulas(layer: Any, count: int):
    assert Sequential([layer], input_shape=(28, 28)).parameter_count() == count


def test_names_of_parameters_are_promised():
    network = Sequential(
        [Embedding(5, 3), Bidirectional(GRU(2, return_sequences=True)), PeepholeLSTM(4), Dense(1)], input_shape=(None,)
    )
    two_ways = {
        f"layers.1.{way}.{name}": size
        for way in ("forward", "backward")
        for name, size in {
            "input_weight": (3, 6),
            "hidden_weight": (2, 6),
            "input_bias": (6,),
            "hidden_bias": (6,),
        }.items()
    }
    assert network.parameter_shapes() == {
        "layers.0.weight": (5, 3),
        **two_ways,
        "layers.2.input_weight": (4, 16),
        "layers.2.hidden_weight": (4, 16),
        "layers.2.bias": (16,),
        "layers.2.input_peephole": (4,),
        "layers.2.forget_peephole": (4,),
        "layers.2.output_peephole": (4,),
        "layers.3.weight": (4, 1),
        "layers.3.bias": (1,),
    }


def test_only_what_differs_from_the_default_is_shown():
    assert repr(LSTM(30)) == "LSTM(30)"
    assert repr(LSTM(30, return_sequences=True, dropout=0.2)) == "LSTM(30, return_sequences=True, dropout=0.2)"
    assert repr(Bidirectional(GRU(3))) == "Bidirectional(GRU(3))"


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: LSTM(0), "LSTM: units must be a whole number of at least 1, got 0"),
        (lambda: LSTM(True), "units"),
        (lambda: LSTM(3.0), "units"),
        (lambda: LSTM(2**40), "units"),
        (lambda: GRU(3, dropout=1.0), "dropout must lie in"),
        (lambda: GRU(3, recurrent_dropout=float("nan")), "recurrent_dropout"),
        (lambda: Dropout("half"), "rate"),
        (lambda: SimpleRNN(3, activation="gelu"), "activation must be one of"),
        (lambda: Dense(3, "softmax"), r"write Dense\(3\)"),
        (lambda: Bidirectional(Dense(3)), "takes a recurrent layer"),
        (lambda: Bidirectional(LSTM(3, reverse=True)), "reads both ways already"),
        (lambda: Embedding(0, 3), "tokens"),
        (lambda: Pooling(()), "one or more of first, last, mean, max"),
        (lambda: Pooling(("median",)), "one or more of"),
        (lambda: Sequential([]), "takes a list of layers"),
        (lambda: Sequential([LSTM]), "takes a list of layers"),
        (lambda: Sequential([LSTM(3), LSTM(3)], input_shape=(4, 2)), "return_sequences=True"),
        (lambda: Sequential([LSTM(3)], input_shape=(4,)), "takes sequences"),
        (lambda: Sequential([Embedding(3, 2)], input_shape=(4, 2)), "takes token numbers"),
        (lambda: Sequential([LSTM(3)]).parameter_count(), "not known yet"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(build: Any, words: str):
    with pytest.raises(InputError, match=words) as caught:
        build()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"layers": []},
        {"input_shape": None, "layers": []},
        {"input_shape": [0, 2], "layers": [{"kind": "LSTM", "units": 3}]},
        {"input_shape": [1, 2, 3], "layers": [{"kind": "LSTM", "units": 3}]},
        {"input_shape": [True, 2], "layers": [{"kind": "LSTM", "units": 3}]},
        {"input_shape": None, "layers": [3]},
        {"input_shape": None, "layers": [{"units": 3}]},
        {"input_shape": None, "layers": [{"kind": "Layer"}]},
        {"input_shape": None, "layers": [{"kind": "Recurrent", "units": 3}]},
        {"input_shape": None, "layers": [{"kind": ["LSTM"], "units": 3}]},
        {"input_shape": None, "layers": [{"kind": "LSTM"}]},
        {"input_shape": None, "layers": [{"kind": "LSTM", "units": 3, "gates": ()}]},
        {"input_shape": None, "layers": [{"kind": "LSTM", "units": 3, "reverse": 1}]},
        {"input_shape": None, "layers": [{"kind": "Bidirectional", "layer": {"kind": "Dense", "units": 3}}]},
        {"input_shape": None, "layers": [{"kind": "Pooling", "kinds": 3}]},
        {"input_shape": None, "layers": [{"kind": "Pooling", "kinds": [["last"]]}]},
        {"input_shape": None, "layers": [{"kind": "SimpleRNN", "units": 3, "activation": ["tanh"]}]},
    ],
)
def test_data_that_describe_no_network_are_refused(data: Any):
    with pytest.raises(InputError) as caught:
        Sequential.from_dict(data)
    assert "\n" not in str(caught.value)


def test_layers_nested_without_end_are_refused():
    data: Any = {"kind": "LSTM", "units": 3}
    for _ in range(60):
        data = {"kind": "Bidirectional", "layer": data}
    with pytest.raises(InputError):
        layer_from_dict(data)


@pytest.mark.parametrize(
    ("write", "answer"),
    [
        (lambda: Dense(10, activation="softmax"), "the classifier applies the softmax itself"),  # pyright: ignore
        (lambda: LSTM(30, input_shape=(28, 28)), "LSTM takes no input_shape: leave it out"),  # pyright: ignore
        (lambda: LSTM(input_size=28, hidden_size=30), "LSTM takes no input_size"),  # pyright: ignore
        (lambda: LSTM(28, 30), r"LSTM takes the units alone, as in LSTM\(30\)"),  # pyright: ignore
        (lambda: GRU(30, go_backwards=True), "it is called reverse"),  # pyright: ignore
        (lambda: Embedding(input_dim=9, output_dim=3), r"Embedding\(tokens, units\)"),  # pyright: ignore
        (Sequential, r"a list of layers such as \[LSTM\(30\), Dense\(10\)\], got none"),
    ],
)
def test_what_other_libraries_write_is_answered_with_what_to_write_here(write: Any, answer: str):
    with pytest.raises(InputError, match=answer):
        write()


@pytest.mark.parametrize("method", hints.NETWORK_METHODS)
def test_a_network_says_who_trains_it(method: str):
    network = Sequential([LSTM(3)])
    assert not hasattr(network, method)
    with pytest.raises(AttributeError, match=f"has no '{method}': "):
        getattr(network, method)


def test_hints_are_for_what_is_not_there():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        LSTM(3, colour="red")  # pyright: ignore
    with pytest.raises(AttributeError, match=r"has no 'colour'$"):
        _ = Sequential([LSTM(3)]).colour
    network = Sequential([Bidirectional(LSTM(3)), Dense(2)])
    assert copy.deepcopy(network) == network == pickle.loads(pickle.dumps(network))
