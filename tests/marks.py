"""Marks that tests share."""

import pytest

from latchwork.engines import native

# The package also installs without a C++ compiler. The gate sets LATCHWORK_REQUIRE_KERNELS, so it skips none of these.
needs_kernels = pytest.mark.skipif(not native.available(), reason=f"no kernels: {native.engine_info().reason}")
