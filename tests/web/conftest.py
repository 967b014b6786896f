"""What the tests of the pages need: Node for the engine, Chromium for the pages."""

import base64
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


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


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium; skipped where it or Playwright is missing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: install it to test the pages")
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install 'latchwork[test]'")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address():
    """Where the explorer is served, in a process of its own."""
    command = "from latchwork.cli.main import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", command, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    line = server.stdout.readline()
    address = next(word for word in line.split() if word.startswith("http"))
    yield address
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def chapter():
    """Scroll a page to one of its chapters, and wait until it is built."""

    def scrolled(page, name):
        section = page.locator(f"#{name}")
        section.scroll_into_view_if_needed()
        page.locator(f'#{name} [data-ready="true"]').wait_for(timeout=20_000)
        return section

    return scrolled


@pytest.fixture(scope="session")
def drop_file():
    """Drop a file, given by name and content, on the fourth chapter, as a person does with the mouse."""

    def drop(page, name, content):
        page.evaluate(
            """([name, content]) => {
              const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], name));
              const dropped = new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
              document.querySelector(".drop").dispatchEvent(dropped);
            }""",
            [name, base64.b64encode(content).decode()],
        )

    return drop


@pytest.fixture
def open_page(browser):
    """Open an address; at the end of the test, anything on the console or any request elsewhere is a failure."""
    pages = []

    def opened(url: str, width: int = 1280, height: int = 900, **context):
        page = browser.new_context(viewport={"width": width, "height": height}, **context).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        pages.append((page, complaints))
        return page

    yield opened
    for page, complaints in pages:
        page.context.close()
        assert not complaints, complaints
