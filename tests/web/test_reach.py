"""Everybody can use the explorer: by keyboard, by touch, with weak sight, without motion."""

import pytest

CHAPTERS = ("roommate", "belt", "memory", "model")

# WCAG 2.2: every text against what lies behind it; an opacity counts as thinner ink.
LOW_CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const seen = new Map();
  const rgba = (colour) => {
    if (!seen.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      seen.set(colour, [r, g, b, a / 255]);
    }
    return seen.get(colour);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((value, at) => value * a + under[at] * (1 - a));
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const colour = rgba(getComputedStyle(each).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("title, script, style, option, :disabled, #tip")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    let opacity = 1;
    for (let each = element; each; each = each.parentElement) opacity *= getComputedStyle(each).opacity;
    const under = behind(element instanceof SVGElement ? element.closest("svg").parentElement : element);
    const ink = rgba(element instanceof SVGElement ? style.fill : style.color);
    const inked = over([ink[0], ink[1], ink[2], ink[3] * opacity], under);
    const [a, b] = [light(inked), light(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const where = element.closest("[class]")?.getAttribute("class") ?? element.tagName;
      found.push(`${ratio.toFixed(2)} ${where}: ${element.textContent.trim().slice(0, 30)}`);
    }
  }
  return found;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(open_page, address, chapter, theme):
    page = open_page(f"{address}?theme={theme}", reduced_motion="reduce")
    for name in CHAPTERS:
        chapter(page, name)
    page.locator("#roommate").get_by_role("button", name="rainy").click()
    for _ in range(5):
        page.locator("#roommate .button.primary").first.click()
    page.locator("#belt").get_by_role("button", name="Day 6").click()
    page.wait_for_timeout(400)  # colours that were on their way
    assert page.evaluate(LOW_CONTRAST) == []
    for other in ("A saved forecast", "Airline passengers", "Shakespeare, letter by letter"):
        page.locator("#model").get_by_role("button", name=other).click()
        page.locator("#model .gallery [aria-pressed=true]").get_by_text(other).wait_for()
        page.wait_for_timeout(200)
        assert page.evaluate(LOW_CONTRAST) == [], other


CONTROLS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((each) => each.checkVisibility() && !each.disabled)"""


def test_everything_is_reached_by_keyboard_with_a_name_and_a_visible_focus(open_page, address, chapter):
    page = open_page(address)
    for name in CHAPTERS:
        chapter(page, name)
    page.evaluate("scrollTo(0, 0)")
    total = page.evaluate(f"({CONTROLS})().length")
    assert total > 80
    nameless = page.evaluate(
        f"""({CONTROLS})().filter((each) => !(each.getAttribute("aria-label") ?? "").trim() &&
             !each.textContent.trim() && !each.labels?.length && !each.querySelector("[aria-label]"))
             .map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    page.evaluate("window.reached = new Set(); document.activeElement.blur()")
    hidden = []
    for _ in range(total):
        page.keyboard.press("Tab")
        unseen = page.evaluate(
            """() => {
              const at = document.activeElement;
              window.reached.add(at);
              const style = getComputedStyle(at.classList.contains("file") ? at.closest("label") : at);
              const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
              return ring ? null : at.outerHTML.slice(0, 80);
            }"""
        )
        hidden += [unseen] if unseen else []
    assert hidden == []
    missed = page.evaluate(
        f"({CONTROLS})().filter((each) => !window.reached.has(each)).map((each) => each.outerHTML.slice(0, 80))"
    )
    assert missed == []


def test_arrow_keys_step_days_units_rows_and_letters(open_page, address, chapter):
    page = open_page(address)
    roommate = chapter(page, "roommate")
    caption = roommate.locator(".kitchen + .speech .caption")
    roommate.get_by_role("button", name="Run", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert "two proposals" in caption.inner_text()
    page.keyboard.press("ArrowLeft")
    assert "come in" in caption.inner_text()
    roommate.locator(".matrix[tabindex]").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert roommate.locator(".arithmetic").inner_text() == "Food matrix, apple pie, next: 0 × 1 + 0 × 0 + 1 × 0 = 0"

    belt = chapter(page, "belt")
    belt.locator(".unit-row button").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert "step 2 of 15" in belt.locator(".when").inner_text()
    page.keyboard.press("ArrowDown")
    assert belt.locator(".unit-row [aria-pressed=true]").inner_text() == "2"
    page.keyboard.press("ArrowLeft")
    assert "step 1 of 15" in belt.locator(".when").inner_text()

    model = chapter(page, "model")
    maps = model.locator(".inside")
    words = model.locator(".inside + .note")
    maps.focus()
    before = words.inner_text()
    page.keyboard.press("ArrowDown")
    assert words.inner_text() != before and "row 28" in before
    page.keyboard.press("ArrowLeft")
    assert "row 27" in words.inner_text()
    model.get_by_role("button", name="Shakespeare").click()
    model.locator(".letters").focus()
    page.keyboard.press("ArrowLeft")
    assert model.locator(".letters .asked").inner_text() == "h"


def test_a_digit_is_drawn_by_touch(open_page, address, chapter):
    page = open_page(address, 360, 800, has_touch=True)
    model = chapter(page, "model")
    model.get_by_role("button", name="Clear").tap()
    pad = model.locator("canvas.pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    fingers = page.context.new_cdp_session(page)

    def touch(kind, share):
        points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * share}] if share else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.2)
    for at in range(21, 80, 2):
        touch("touchMove", at / 100)
    touch("touchEnd", None)
    model.get_by_text("It reads a 1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_what_is_touched_is_large_enough(open_page, address, chapter):
    page = open_page(address, 360, 800)
    for name in CHAPTERS:
        chapter(page, name)
    small = page.evaluate(
        """() => [...document.querySelectorAll(".figure button, .bar a, .bar button, input, select, summary")]
          .filter((each) => !each.classList.contains("term"))
          .filter((each) => each.checkVisibility() && !each.classList.contains("file"))
          .map((each) => [each, (each.closest("label.check") ?? each).getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24)
          .map(([each, box]) => `${box.width.toFixed()} by ${box.height.toFixed()}: ${each.outerHTML.slice(0, 60)}`)"""
    )
    assert small == []


def test_nothing_moves_where_motion_is_not_wanted(open_page, address, chapter):
    page = open_page(address, reduced_motion="reduce")
    belt = chapter(page, "belt")
    belt.get_by_role("button", name="Step", exact=True).click()
    roommate = chapter(page, "roommate")
    roommate.get_by_role("button", name="Step", exact=True).click()
    # the whole product at once, not row by row
    assert roommate.locator(".product").first.locator(".matrix").nth(2).locator(".waiting").count() == 0
    page.wait_for_timeout(50)
    assert page.evaluate("document.getAnimations().filter((each) => each.playState === 'running').length") == 0
