import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for kind in ("js", "css", "html") for path in (ROOT / "web").rglob(f"*.{kind}"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_python_or_cpp_file_that_the_page_names_is_there(source):
    named = re.findall(r"[\w/]+\.(?:py|cc|h)\b", source.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).is_file()] == []
