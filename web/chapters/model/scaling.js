// What a fitted model does to its inputs before the network reads them: the counterpart of transforms/scaling.py.

/** Rows [time][features] as the network expects them. */
export function scaled(rows, tensors) {
  const offset = tensors["fitted.scaler.offset"]?.data;
  const scale = tensors["fitted.scaler.scale"]?.data;
  if (!offset) return rows;
  return rows.map((row) => row.map((value, feature) => (value - offset[feature]) / scale[feature]));
}
