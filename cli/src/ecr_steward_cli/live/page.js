"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const columns = ["place", "rule", "tags", "changes", "settings", "images", "first"];
  const body = document.querySelector("#table tbody");
  const search = document.getElementById("search");
  const show = document.getElementById("show");
  const state = new URLSearchParams(location.hash.slice(1));
  const open = new Set();

  const value = (row, key) => (Array.isArray(row[key]) ? row[key].length : row[key]);
  const differs = (row) => row.changes.length + row.settings.length + row.images.length > 0;
  const kinds = {
    changes: (row) => differs(row),
    first: (row) => row.first > 0,
  };

  function chosen() {
    const text = search.value.toLowerCase();
    const kind = kinds[show.value] || (() => true);
    const rows = data.repositories.filter((row) => row.place.toLowerCase().includes(text) && kind(row));
    const key = state.get("sort");
    if (columns.includes(key)) {
      const way = state.get("down") ? -1 : 1;
      rows.sort((a, b) => {
        const [x, y] = [value(a, key), value(b, key)];
        return way * (typeof x === "number" ? x - y : String(x).localeCompare(String(y)));
      });
    }
    return rows;
  }

  function cell(row, text, tag = "td") {
    const made = document.createElement(tag);
    made.textContent = text;
    row.append(made);
    return made;
  }

  function details(row) {
    const made = document.createElement("tr");
    const inside = cell(made, "");
    inside.colSpan = columns.length;
    for (const [headings, rows] of [[data.tag_headings, row.changes], [data.setting_headings, row.settings], [data.image_headings, row.images]]) {
      if (rows.length === 0) continue;
      const table = document.createElement("table");
      const head = table.createTHead().insertRow();
      headings.forEach((each) => cell(head, each, "th"));
      const lines = table.createTBody();
      rows.forEach((each) => { const line = lines.insertRow(); each.forEach((text) => cell(line, text)); });
      inside.append(table);
    }
    if (inside.childElementCount === 0) inside.textContent = "Nothing would change.";
    return made;
  }

  function draw() {
    const rows = chosen();
    const made = document.createDocumentFragment();
    for (const row of rows) {
      const line = document.createElement("tr");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = row.place;
      button.setAttribute("aria-expanded", String(open.has(row.place)));
      button.addEventListener("click", () => toggle(row, line, button));
      cell(line, "").append(button);
      columns.slice(1).forEach((key) => cell(line, value(row, key)));
      made.append(line);
      if (open.has(row.place)) { line.className = "open"; made.append(details(row)); }
    }
    body.replaceChildren(made);
    document.getElementById("shown").textContent = `${rows.length} of ${data.repositories.length}`;
    document.querySelectorAll("[data-sort]").forEach((each) => {
      const on = each.dataset.sort === state.get("sort");
      each.parentElement.setAttribute("aria-sort", on ? (state.get("down") ? "descending" : "ascending") : "none");
    });
  }

  function toggle(row, line, button) {
    if (open.delete(row.place)) {
      line.nextElementSibling.remove();
    } else {
      open.add(row.place);
      line.after(details(row));
    }
    line.className = open.has(row.place) ? "open" : "";
    button.setAttribute("aria-expanded", String(open.has(row.place)));
  }

  function remember() {
    for (const [key, field] of [["q", search], ["show", show]]) {
      if (field.value) state.set(key, field.value); else state.delete(key);
    }
    history.replaceState(null, "", `#${state}`);
    draw();
  }

  function sortBy(key) {
    if (state.get("sort") === key && !state.get("down")) state.set("down", "1");
    else { state.set("sort", key); state.delete("down"); }
    remember();
  }

  const safe = (text) => {
    const cellText = /^[=+\-@\t\r]/.test(text) ? `'${text}` : String(text);
    return `"${cellText.replaceAll('"', '""')}"`;
  };

  function csv() {
    const lines = [["repository", "kind", "tag or setting", "from or problem", "to or subject", "what happens", "why"]];
    for (const row of chosen()) {
      row.changes.forEach(([kind, tag, before, after, why]) => lines.push([row.place, kind, tag, before, after, "", why]));
      row.images.forEach(([image, why]) => lines.push([row.place, "image", image, "", "", "nothing keeps it", why]));
      row.settings.forEach(([setting, problem, subject, action, why]) => lines.push([row.place, "setting", setting, problem, subject, action, why]));
    }
    return lines.map((line) => line.map(safe).join(",")).join("\r\n");
  }

  function save(text, type, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  search.value = state.get("q") || "";
  show.value = state.get("show") || "";
  search.addEventListener("input", remember);
  show.addEventListener("change", remember);
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll("[data-sort]").forEach((each) => each.addEventListener("click", () => sortBy(each.dataset.sort)));
  document.getElementById("csv").addEventListener("click", () => save(csv(), "text/csv", "plan.csv"));
  document.getElementById("json").addEventListener("click", () => save(JSON.stringify(data.repositories, null, 1), "application/json", "plan.json"));
  window.addEventListener("beforeprint", () => { chosen().filter(differs).forEach((row) => open.add(row.place)); draw(); });
  draw();
})();
