"""Run as a program with two devices: every cell, both ways, ragged, its batch cut in two by `shard_map`."""

from __future__ import annotations

import os

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"

import jax
import numpy as np
from cells_of_fused import KINDS, draw, value
from jax.sharding import Mesh, PartitionSpec

BATCH = PartitionSpec("batch")


def main() -> None:
    """Each device has half of the rows; what all rows share is summed over the devices."""
    assert jax.device_count() == 2
    mesh = Mesh(np.array(jax.devices()), ("batch",))
    for kind in KINDS:
        for reverse in (False, True):
            weights, rows, fixed = draw(kind, batch=6)

            def halves(*arguments, kind=kind, reverse=reverse):
                part = jax.shard_map(
                    lambda *own: value(kind, reverse, *own)[None],
                    mesh=mesh, in_specs=(PartitionSpec(), BATCH, BATCH), out_specs=BATCH, check_vma=False,
                )  # fmt: skip
                return part(*arguments).sum()

            got = jax.jit(jax.value_and_grad(halves, (0, 1)))(weights, rows, fixed)
            expected = jax.value_and_grad(value, (2, 3))(kind, reverse, weights, rows, fixed)
            for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5, err_msg=f"{kind} {reverse}")


if __name__ == "__main__":
    main()
