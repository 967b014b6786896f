// Elements in one call: h("button", { class: "button", onclick }, "Step"). Properties that start with "on" are
// listeners, false and null attributes are left out.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      if (value) element.addEventListener(name.slice(2), value);
    } else if (name === "style")
      element.style.cssText = value; // as an attribute, the content policy would refuse it
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A row of mutually exclusive buttons: options are { value, label, icon }. */
export function choices(label, options, chosen, onchoose) {
  const buttons = options.map(({ value, label: text, icon }) => {
    icon?.setAttribute("aria-hidden", "true"); // the text beside it says the same
    return h(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === chosen),
        onclick() {
          buttons.forEach((button, index) =>
            button.setAttribute("aria-pressed", String(options[index].value === value)),
          );
          onchoose(value);
        },
      },
      icon ?? null,
      text,
    );
  });
  return h("div", { class: "choices", role: "group", "aria-label": label }, buttons);
}

/** A number as it is shown: two decimals, a true minus, no negative zero. */
export function figure(value, decimals = 2) {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? (0).toFixed(decimals) : text.replace("-", "−");
}

/** A date in running text, which does not break at its hyphens. */
export function unbroken(text) {
  return text.replaceAll("-", "-\u2060");
}

/** The page's unit of length in pixels: drawings that are measured in it grow with the type beside them. */
export function rem() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** Call `redraw` when the theme changes, for as long as `element` is on the page once it was put there. */
export function onThemeChange(element, redraw) {
  let shown = false;
  addEventListener("themechange", function listen() {
    shown ||= element.isConnected;
    if (shown && !element.isConnected) removeEventListener("themechange", listen);
    else redraw();
  });
}

/** Whether the person has asked that nothing moves by itself. */
export function stillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
