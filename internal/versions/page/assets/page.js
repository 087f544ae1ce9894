// What makes the pages pleasant where JavaScript runs. Without it they work.
"use strict";
(() => {
  // Lists are filtered while one types, without asking the server.
  const field = document.querySelector("input[data-filter]");
  const list = field && document.getElementById(field.dataset.filter);
  if (list && !field.value) {
    const rows = [...list.tBodies[0].rows];
    const count = document.querySelector("[data-count]");
    const none = document.querySelector("[data-none]");
    field.addEventListener("input", () => {
      const text = field.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !(row.cells[0].textContent + "\n" + row.cells[1].textContent).toLowerCase().includes(text);
        shown += row.hidden ? 0 : 1;
      }
      list.hidden = shown === 0;
      none.hidden = shown > 0;
      count.textContent = count.dataset.count.replace("%d", shown).replace("%d", rows.length);
    });
    field.form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Parts that may change are asked for again and replaced only when they have
  // changed, so that nothing flickers and nobody loses their place.
  // A link under the focus keeps it: its successor is the one that leads to the
  // same place. What somebody has selected is left alone.
  const every = 15000;
  const same = (part, link) => link.href && [...part.querySelectorAll("a")].find((a) => a.href === link.href);
  const replace = (part, now) => {
    const focus = part.contains(document.activeElement) ? document.activeElement : null;
    const next = focus && same(now, focus);
    const selection = getSelection();
    if ((focus && !next) || (!selection.isCollapsed && selection.containsNode(part, true))) return;
    part.replaceChildren(...now.childNodes);
    if (next) next.focus({ preventScroll: true });
  };
  const refresh = async () => {
    if (document.hidden || !document.querySelector("[data-live]")) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
        if (now && now.innerHTML !== part.innerHTML) replace(part, now);
      }
    } catch {
      // The next time may do.
    }
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("patchbay:refresh", refresh);
})();
