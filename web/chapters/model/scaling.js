// What a fitted model does to its inputs before the network reads them, and to its answers after: the counterpart of
// src/latchwork/transforms/scaling.py.

/** Rows [time][features] as the network expects them. */
export function scaled(rows, tensors) {
  const offset = tensors["fitted.scaler.offset"]?.data;
  const scale = tensors["fitted.scaler.scale"]?.data;
  if (!offset) return rows;
  return rows.map((row) => row.map((value, feature) => (value - offset[feature]) / scale[feature]));
}

/** An answer in the user's units: a regressor answers in the scale of its targets. */
export function inUnits(answer, tensors) {
  const offset = tensors["fitted.target_scaler.offset"]?.data;
  const scale = tensors["fitted.target_scaler.scale"]?.data;
  return offset ? answer.map((value, at) => value * scale[at] + offset[at]) : answer;
}
