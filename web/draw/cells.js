// The cells that chapters set side by side: what each is called, and the colour of what carries its memory.

export const NAMES = { SimpleRNN: "Simple RNN", GRU: "GRU", LSTM: "LSTM" };
export const COLOURS = { SimpleRNN: "hidden", GRU: "update", LSTM: "cell" };
