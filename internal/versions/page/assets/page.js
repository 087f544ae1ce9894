// What makes the pages pleasant where JavaScript runs. Without it they work.
"use strict";
(() => {
  // Lists are filtered while one types, without asking the server, unless the
  // server has filtered this one.
  const search = () => {
    const field = document.querySelector("input[data-filter]");
    return field && !field.defaultValue ? field : null;
  };
  const filter = () => {
    const field = search();
    const list = field && document.getElementById(field.dataset.filter);
    if (!list) return;
    const rows = [...list.tBodies[0].rows];
    const text = field.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const [name, description] = [row.cells[0].querySelector("a"), row.cells[1]].map((e) => e.textContent.toLowerCase());
      row.hidden = !name.includes(text) && !description.includes(text);
      shown += row.hidden ? 0 : 1;
    }
    list.hidden = shown === 0;
    document.querySelector("[data-none]").hidden = shown > 0;
    const count = document.querySelector("[data-count]");
    count.textContent = count.dataset.count.replace("%d", shown).replace("%d", rows.length);
  };
  const field = search();
  if (field) {
    field.addEventListener("input", filter);
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      field.value = "";
      filter();
    });
    field.form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Parts that may change are asked for again and replaced only when they have
  // changed, so that nothing flickers and nobody loses their place: all that
  // changed or nothing, since parts of two states contradict each other.
  // What is under the focus keeps it, if it has a successor: the link that leads
  // to the same place, the region of the same name. What somebody has selected is
  // left alone. A page that is not as it is now says so.
  const every = 15000;
  const live = () => [...document.querySelectorAll("[data-live]")];
  const seen = new Map(live().map((part) => [part, part.innerHTML]));
  const same = (a, b, name) => a.getAttribute(name) !== null && a.getAttribute(name) === b.getAttribute(name);
  const twin = (part, e) => [...part.querySelectorAll(e.tagName)].find((o) => same(o, e, "href") || same(o, e, "aria-label"));
  const focusIn = (part) => (part.contains(document.activeElement) ? document.activeElement : null);
  const inUse = ([part, now]) => {
    const focus = focusIn(part);
    const selection = getSelection();
    return (focus && !twin(now, focus)) || (!selection.isCollapsed && selection.containsNode(part, true));
  };
  const replace = ([part, now]) => {
    const next = focusIn(part) && twin(now, focusIn(part));
    const scrolled = [...part.querySelectorAll(".scroll")].map((region) => [twin(now, region), region.scrollLeft]);
    seen.set(part, now.innerHTML);
    part.replaceChildren(...now.childNodes);
    for (const [region, left] of scrolled) if (region) region.scrollLeft = left;
    if (next) next.focus({ preventScroll: true });
  };
  const tell = (what, more = "") => {
    const old = document.getElementById("old");
    const text = what ? `${old.dataset[what]} ${more}`.trim() : "";
    old.hidden = !what;
    if (old.textContent !== text) old.textContent = text;
  };
  const update = (fresh) => {
    const pairs = live().map((part) => [part, fresh.querySelector(`[data-live="${part.dataset.live}"]`)]);
    if (pairs.some(([, now]) => !now)) return tell("fault", fresh.querySelector("h1")?.textContent);
    const changed = pairs.filter(([part, now]) => now.innerHTML !== seen.get(part));
    if (changed.some(inUse)) return tell("waits");
    changed.forEach(replace);
    for (const e of document.querySelectorAll("[data-when]")) e.hidden = fresh.querySelector(`[data-when="${e.dataset.when}"]`).hidden;
    document.title = fresh.title;
    filter();
    tell("");
  };
  let asked = 0;
  const refresh = async () => {
    if (document.hidden || seen.size === 0) return;
    const mine = ++asked;
    let text = null;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
      text = await answer.text();
    } catch {
      // Told below.
    }
    if (mine !== asked) return; // a later answer counts
    if (text === null) tell("gone");
    else update(new DOMParser().parseFromString(text, "text/html"));
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("patchbay:refresh", refresh);
})();
