"""What the tests of the pages need: Node for the engine, Chromium for the pages."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def run_node():
    """Run a file of JavaScript tests; skipped where Node is missing."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js: install it to test the pages' engine")

    def run(name: str, **environment: str) -> None:
        result = subprocess.run(
            [node, "--test", str(FOLDER / name)], env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr

    return run
