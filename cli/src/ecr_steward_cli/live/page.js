"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const keys = [...data.columns, ...data.controls];
  const byId = (id) => document.getElementById(id);
  const [body, search, show] = [document.querySelector("#table tbody"), byId("search"), byId("show")];
  const open = new Set();
  let state = new URLSearchParams();

  // What a row is about
  const differs = (row) => row.changes.length + row.settings.length + row.going.length > 0;
  const kinds = {
    changes: differs,
    first: (row) => row.first > 0,
    control: (row) => (row.met || []).includes(false),
    alone: (row) => row.rule === "",
  };

  // The cells of changes, settings and images, as they are written out
  const why = (cells) => [...cells.slice(0, -1), data.texts[cells.at(-1)]];
  const settings = (row) => row.settings.map(why);
  const changes = (row) => row.changes.map(why).map(([what, tag, from, left, to, came, reason]) => [what, tag, from, date(left), to, date(came), reason]);
  const images = (row) => row.going.map(why).map(([image, day, ...rest]) => [image, date(day), ...rest]);
  const gigabytes = (size) => (size / 1e9).toFixed(size < 1e8 ? 3 : 1);
  const date = (day) => (day === null ? "" : new Date(day * 864e5).toISOString().slice(0, 10));
  const met = (row, control) => (row.met ? row.met[data.controls.indexOf(control)] : null);

  /** What a column is sorted by; nothing known comes before everything. */
  function weight(row, key) {
    if (data.controls.includes(key)) return { true: 1, false: -1, null: 0 }[met(row, key)];
    return Array.isArray(row[key]) ? row[key].length : row[key] ?? -1;
  }

  /** What a column shows. */
  function shown(row, key) {
    if (data.controls.includes(key)) return { true: "yes", false: "no", null: "?" }[met(row, key)];
    if (row[key] === null) return "?";
    if (key === "size") return gigabytes(row.size);
    return key === "rule" && !row.rule ? "none" : weight(row, key);
  }

  function chosen() {
    const text = search.value.trim().toLowerCase();
    const kind = kinds[show.value] || (() => true);
    const rows = data.repositories.filter((row) => row.place.toLowerCase().includes(text) && kind(row));
    const key = state.get("sort");
    if (!keys.includes(key)) return rows;
    const way = state.get("down") ? -1 : 1;
    const compared = (x, y) => (typeof x === "number" ? x - y : x.localeCompare(y));
    return rows.sort((a, b) => way * compared(weight(a, key), weight(b, key)));
  }

  // The table
  function cell(row, text, kind = "") {
    const made = document.createElement("td");
    made.textContent = text;
    made.className = kind;
    row.append(made);
    return made;
  }

  /** An image with the day it was pushed, which stays on one line. */
  function dated(image, day) {
    const made = document.createElement("span");
    made.textContent = day && `(${day})`;
    made.className = "day";
    return [`${image} `, made];
  }

  function table(headings, rows) {
    const made = document.createElement("table");
    const head = made.createTHead().insertRow();
    for (const each of headings) {
      const heading = document.createElement("th");
      heading.scope = "col";
      heading.textContent = each;
      head.append(heading);
    }
    const lines = made.createTBody();
    for (const each of rows) {
      const line = lines.insertRow();
      each.forEach((content) => cell(line, "").append(...[content].flat()));
    }
    return made;
  }

  function details(row) {
    const made = document.createElement("tr");
    const inside = cell(made, "");
    inside.colSpan = keys.length;
    const moves = changes(row).map(([what, tag, from, left, to, came, reason]) => [what, tag, dated(from, left), dated(to, came), reason]);
    const going = images(row).map(([image, day, size, reason]) => [image, day, gigabytes(size), reason]);
    const parts = [
      [["what", "tag", "from (pushed)", "to (pushed)", "why"], moves],
      [["setting", "problem", "subject", "what happens", "why"], settings(row)],
      [["image that nothing keeps", "pushed", "GB", "why"], going],
    ];
    parts.filter(([, rows]) => rows.length).forEach(([headings, rows]) => inside.append(table(headings, rows)));
    if (!inside.childElementCount) inside.textContent = row.rule ? "Nothing would change." : "No rule matches: see below.";
    return made;
  }

  function toggle(row, line, button) {
    if (open.delete(row)) {
      line.nextElementSibling.remove();
    } else {
      open.add(row);
      line.after(details(row));
    }
    mark(row, line, button);
  }

  function mark(row, line, button) {
    line.className = open.has(row) ? "open" : "";
    button.setAttribute("aria-expanded", String(open.has(row)));
  }

  function lineOf(row) {
    const line = document.createElement("tr");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = row.place;
    button.addEventListener("click", () => toggle(row, line, button));
    cell(line, "").append(button);
    cell(line, shown(row, "rule"));
    data.columns.slice(2).forEach((key) => cell(line, shown(row, key), weight(row, key) ? "count" : "count zero"));
    data.controls.forEach((key) => cell(line, shown(row, key), met(row, key) === false ? "no" : ""));
    mark(row, line, button);
    return line;
  }

  function draw() {
    const rows = chosen();
    const made = document.createDocumentFragment();
    for (const row of rows) {
      made.append(lineOf(row));
      if (open.has(row)) made.append(details(row));
    }
    body.replaceChildren(made);
    byId("shown").textContent = `${rows.length} of ${data.repositories.length}`;
    document.querySelectorAll("[data-sort]").forEach((each) => {
      const on = each.dataset.sort === state.get("sort");
      each.parentElement.setAttribute("aria-sort", on ? (state.get("down") ? "descending" : "ascending") : "none");
    });
  }

  // The address keeps what is shown
  function recall() {
    state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("q") || "";
    show.value = state.get("show") || "";
    draw();
  }

  function remember() {
    for (const [key, field] of [["q", search], ["show", show]]) {
      if (field.value) state.set(key, field.value);
      else state.delete(key);
    }
    history.replaceState(null, "", `#${state}`);
    draw();
  }

  function sortBy(key) {
    if (state.get("sort") === key && !state.get("down")) {
      state.set("down", "1");
    } else {
      state.set("sort", key);
      state.delete("down");
    }
    remember();
  }

  // What can be taken out
  function csvOfRepositories() {
    const lines = chosen().map((row) => [row.place, ...keys.slice(1).map((key) => shown(row, key))]);
    const titles = [...document.querySelectorAll("[data-sort]")].map((each) => each.textContent);
    return csv([titles, ...lines]);
  }

  function csvOfChanges() {
    const lines = [["repository", "rule", "kind", "tag, setting or image", "from", "from pushed", "to", "to pushed", "problem", "subject", "bytes", "what happens", "why"]];
    for (const row of chosen()) {
      const start = [row.place, row.rule];
      for (const [what, tag, from, left, to, came, reason] of changes(row)) lines.push([...start, "tag", tag, from, left, to, came, "", "", "", what, reason]);
      for (const [setting, problem, subject, action, reason] of settings(row)) lines.push([...start, "setting", setting, "", "", "", "", problem, subject, "", action, reason]);
      for (const [image, day, size, reason] of images(row)) lines.push([...start, "image", image, "", day, "", "", "", "", size, "nothing keeps it", reason]);
    }
    return csv(lines);
  }

  const csv = (lines) => lines.map((line) => line.map(field).join(",")).join("\r\n");

  /** A cell that no spreadsheet takes for a formula. */
  function field(value) {
    const text = String(value);
    const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
    return `"${safe.replaceAll('"', '""')}"`;
  }

  const objects = (names, rows) => rows.map((cells) => Object.fromEntries(names.map((name, place) => [name, cells[place]])));

  function json() {
    const every = data.repositories.map((row) => ({
      repository: row.place,
      rule: row.rule || null,
      changes: objects(["kind", "tag", "from", "from_pushed", "to", "to_pushed", "reason"], changes(row)),
      settings: objects(["setting", "problem", "subject", "action", "reason"], settings(row)),
      images_nothing_keeps: objects(["image", "pushed", "bytes", "reason"], images(row)),
      images: row.images,
      bytes: row.size,
      controls: row.met && Object.fromEntries(data.controls.map((name, place) => [name, row.met[place]])),
    }));
    return JSON.stringify({ repositories: every }, null, 1);
  }

  const ways = {
    repositories: ["repositories.csv", "text/csv", csvOfRepositories],
    changes: ["changes.csv", "text/csv", csvOfChanges],
    json: ["plan.json", "application/json", json],
  };

  function save(way) {
    const [name, type, text] = ways[way];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text()], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // What people do
  function pressed(event) {
    if (event.key === "/" && event.target !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      remember();
    }
  }

  function unfold() {
    chosen().filter(differs).forEach((row) => open.add(row));
    document.querySelectorAll("details").forEach((each) => { each.open = true; });
    draw();
  }

  const onEach = (selector, act) => document.querySelectorAll(selector).forEach((each) => each.addEventListener("click", () => act(each.dataset)));
  search.addEventListener("input", remember);
  show.addEventListener("change", remember);
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  onEach("[data-sort]", ({ sort }) => sortBy(sort));
  onEach("[data-save]", (each) => save(each.save));
  window.addEventListener("hashchange", recall);
  window.addEventListener("keydown", pressed);
  window.addEventListener("beforeprint", unfold);
  recall();
})();
