// Runs before the first paint, so that the page never flashes in the wrong light.
document.documentElement.dataset.theme =
  new URLSearchParams(location.search).get("theme") ??
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
