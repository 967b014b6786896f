"""What every test shares: the folder of real data, and shapes that are checked while the tests run."""

import os
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings

# Each function of these modules checks, in the tests, that its arrays have the shapes that it declares.
jaxtyping.install_import_hook(
    [
        f"latchwork.{module}"
        for module in (
            "core.cells",
            "core.layers",
            "engines.jax",
            "engines.plain.cells",
            "engines.plain.server",
            "explain",
        )
    ],
    "beartype.beartype",
)

# Programs compiled in the tests stay in the repository, not in the user's cache.
os.environ.setdefault("LATCHWORK_CACHE", str(Path(__file__).resolve().parent.parent / "build" / "test-cache"))

# A compilation may fall into any one example, so a limit on its time says nothing.
settings.register_profile("latchwork", deadline=None)
settings.load_profile("latchwork")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that is too large for the repository: LATCHWORK_DATA, or ../shared/data."""
    folder = Path(os.environ.get("LATCHWORK_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data: there is no folder {folder} (set LATCHWORK_DATA)")
    return folder
