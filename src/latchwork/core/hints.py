"""What people write who come from Keras or PyTorch, and how it is said here."""

from __future__ import annotations

_UNSEEN = "leave it out: the sizes of the input are known once the data is seen"
_FIXED = "it is always Keras's default here; leave it out"
_EQUATION = "a cell's activations are those of its equation (latchwork.core.cells); some layers have `activation`"
_STATE = "the built layer gives it: network_.layers[i].run(inputs, state) returns the outputs and the final state"
_CARRIED = "states are carried by runtime.load(FILE).step(inputs, state), not by the layer"
_PENALTY = "use Optimizer('adamw', weight_decay=0.01)"

# What a kind of layer adds to this says `Layer.foreign` of its description, beside its own arguments.
OF_ANY_LAYER: dict[str, str] = {
    "input_shape": _UNSEEN,
    "batch_input_shape": _UNSEEN,
    "batch_shape": _UNSEEN,
    "input_size": _UNSEEN,
    "input_length": _UNSEEN,
    "input_dim": _UNSEEN,
    "output_dim": "it is called units",
    "activation": "put a layer Activation('tanh') behind it",
    "use_bias": _FIXED,
    "bias": _FIXED,
    "kernel_initializer": _FIXED,
    "bias_initializer": _FIXED,
    "kernel_regularizer": _PENALTY,
    "recurrent_regularizer": _PENALTY,
    "name": "leave it out: a layer's name is its place in the network",
}

OF_RECURRENT: dict[str, str] = {
    "hidden_size": "it is called units",
    "num_layers": "put as many layers into the Sequential, all but the last with return_sequences=True",
    "batch_first": "leave it out: arrays are always (batch, time, features)",
    "bidirectional": "write Bidirectional(LSTM(30))",
    "activation": _EQUATION,
    "recurrent_activation": _EQUATION,
    "nonlinearity": "it is called activation, and SimpleRNN, LSTM and GRU have it: 'tanh' or 'relu'",
    "go_backwards": "it is called reverse; outputs stay at their own position in time",
    "return_state": _STATE,
    "stateful": _CARRIED,
    "unit_forget_bias": _FIXED,
    "reset_after": "leave it out; for Keras's reset_after=False write ResetFirstGRU",
    "recurrent_initializer": _FIXED,
}

_ESTIMATOR = "SequenceClassifier(network, epochs=10, batch_size=128, optimizer='rmsprop')"

NETWORK_METHODS: dict[str, str] = {
    "add": "give all layers at once: Sequential([LSTM(30), Dense(10)])",
    "compile": f"optimizer and loss go to the estimator: {_ESTIMATOR}",
    "fit": f"an estimator trains it: {_ESTIMATOR}.fit(X, y), or SequenceRegressor for numbers",
    "predict": f"the fitted estimator does it: {_ESTIMATOR}.fit(X, y).predict(X)",
    "evaluate": f"the fitted estimator does it: {_ESTIMATOR}.fit(X, y).evaluate(X, y)",
    "save": "the fitted estimator does it: model.save('model.latch')",
    "get_weights": "the fitted estimator has them: model.model_.data.parameters",
    "count_params": "it is called parameter_count(), once the input is known: with_input((time, features))",
}
