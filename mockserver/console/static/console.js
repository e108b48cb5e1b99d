// The page works without this for reading. With it, forms reach the control API and GraphQL, and views update.
"use strict";

const apiKey = document.querySelector('meta[name="api-key"]')?.content;

function say(text, bad = false) {
  const note = document.createElement("div");
  note.textContent = text;
  if (bad) note.className = "bad";
  document.getElementById("status").append(note);
  setTimeout(() => note.remove(), bad ? 12000 : 4000);
}

async function call(method, address, body) {
  const answer = await fetch(address, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(readMessage(text) || `${method} ${address} was answered ${answer.status}`);
  return text ? JSON.parse(text) : null;
}

function readMessage(text) {
  try { return JSON.parse(text).message; } catch { return ""; }
}

async function ask(query, variables) {
  const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };
  const answer = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

// Forms whose data-call is `METHOD address`: their fields become the JSON body.

const READERS = { number: Number, json: JSON.parse, flag: (text) => text === "true" };

function readFields(form) {
  const body = JSON.parse(form.dataset.body || "{}");
  for (const field of form.elements) {
    const unchosen = ["checkbox", "radio"].includes(field.type) && !field.checked;
    if (!field.name || field.value === "" || unchosen) continue;
    const kind = field.dataset.type;
    if (kind === "list") (body[field.name] ??= []).push(field.value);
    else body[field.name] = kind ? READERS[kind](field.value) : field.value;
  }
  return body;
}

const NEXT = {
  reload: () => location.reload(),
  home: () => location.assign("/"),
  workspace: (answer) => location.assign(`/?api_key=${encodeURIComponent(answer.api_key)}`),
};

// What a call has done, for the page that is shown next.

function describe(answer) {
  if (answer?.by_event) return `${answer.events} events happened until ${answer.ended_at}`;
  if (Number.isInteger(answer?.deliveries)) return `${answer.deliveries} deliveries are sent again`;
  return answer?.event ? `${answer.event} happened` : "";
}

function sayAgain() {
  const text = sessionStorage.getItem("said");
  sessionStorage.removeItem("said");
  if (text) say(text);
}

async function submitCall(form) {
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  const [method, address] = form.dataset.call.split(" ");
  const answer = await call(method, address, method === "DELETE" ? undefined : readFields(form));
  sessionStorage.setItem("said", describe(answer));
  (NEXT[form.dataset.then] || NEXT.reload)(answer);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const handler = form.dataset.call ? submitCall : HANDLERS[form.dataset.handler];
  if (!handler) return;
  event.preventDefault();
  const button = event.submitter;
  if (button) button.disabled = true;
  try {
    await handler(form, event);
  } catch (error) {
    say(error.message, true);
  } finally {
    if (button) button.disabled = button.dataset.done === "yes";
  }
});

const HANDLERS = {};
const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
const FRAGMENT = { headers: { Accept: "application/json" } };

async function fetchFragment(address) {
  const answer = await fetch(address, FRAGMENT);
  const text = await answer.text();
  if (!answer.ok) throw new Error(readMessage(text) || `${address} was answered ${answer.status}`);
  return text;
}

function extend(address, pairs) {
  const url = new URL(address, location.href);
  for (const [name, value] of pairs) if (value !== "") url.searchParams.append(name, value);
  return url.pathname + url.search;
}

// Exports. The server renders the call for what the form says; the page sends exactly that.

const POLL = 1000;

async function showCall(form) {
  const fields = [...new FormData(form)].filter(([name]) => name !== "api_key");
  const text = await fetchFragment(extend(form.dataset.part, [...fields, ["part", "call"]]));
  replaceContent(document.getElementById("call"), text);
}

async function runV2({ query, variables }) {
  const [{ taskId }] = Object.values(await ask(query, variables));
  const look = "query($id: ID!) { task(where: {id: $id}) { status } }";
  for (;;) {
    const { task } = await ask(look, { id: taskId });
    await showResult(taskId);
    if (task.status !== "IN_PROGRESS") return task.status;
    await sleep(POLL);
  }
}

async function runV1({ query, variables }) {
  for (;;) {
    const [file] = Object.values(await ask(query, variables));
    if (file.downloadUrl) { await showResult("v1"); return file.status; }
    await sleep(POLL);
  }
}

async function showResult(id) {
  const list = document.querySelector('meta[name="tasks"]').content;
  replaceContent(document.getElementById("result"), await fetchFragment(extend(list, [["part", "list"], ["id", id]])));
}

HANDLERS.export = async (form, event) => {
  await showCall(form);
  if (!event.submitter || !("generate" in event.submitter.dataset)) return;
  const shown = document.querySelector("[data-export]");
  if (!shown) throw new Error(document.querySelector("#call .soft").textContent);
  const { export: version, request } = shown.dataset;
  say("The export runs in the background");
  const status = await (version === "v1" ? runV1 : runV2)(JSON.parse(request));
  say(`The export is ${status}`, status === "FAILED");
  if (version === "v2") return;
  say("To generate the same export again, refresh the page");
  event.submitter.dataset.done = "yes";
};

HANDLERS.cancel = async (form) => {
  await ask("mutation($id: ID!) { cancelBulkOperationJob(id: $id) { success } }", { id: form.dataset.id });
  say("The export is cancelled");
  document.querySelectorAll("[data-live]").forEach(refreshSoon);
};

HANDLERS.due = async (form) => {
  const { next_at: next } = JSON.parse(await fetchFragment(form.dataset.due));
  if (!next) { say("No delivery waits for a later time"); return; }
  await call("POST", form.dataset.set, { set: next });
  location.reload();
};

function startExport(form) {
  form.querySelector("[data-generate]").hidden = false;
  form.querySelector("[data-plain]").hidden = true;
  form.addEventListener("change", async (event) => {
    const button = form.querySelector("[data-generate]");
    button.disabled = false;
    delete button.dataset.done;
    if ("reload" in event.target.dataset) { form.submit(); return; }
    try { await showCall(form); } catch (error) { say(error.message, true); }
  });
}

// Selecting data rows by hand. The selection survives paging and filters, in the session of the tab.

function startSelection(form) {
  const all = form.querySelector("[data-select-all]");
  const boxes = [...form.querySelectorAll('input[name="id"]')];
  if (!all) return;
  const most = Number(form.dataset.select);
  const key = `selected ${apiKey} ${form.dataset.selection}`;
  const selected = new Set(JSON.parse(sessionStorage.getItem(key) || "[]"));
  const [count, clear, button, matching] = ["selected", "clear-selection", "needs-selection", "all-match"]
    .map((name) => form.querySelector(`[data-${name}]`));
  const show = () => {
    const here = boxes.filter((box) => box.checked).length;
    count.hidden = clear.hidden = !selected.size;
    const elsewhere = selected.size > here ? `, ${selected.size - here} of them not on this page` : "";
    count.textContent = `${selected.size} selected${elsewhere}`;
    button.disabled = !selected.size;
    all.checked = here > 0 && here === boxes.length;
    all.indeterminate = here > 0 && here < boxes.length;
    if (matching) matching.hidden = !all.checked;
    sessionStorage.setItem(key, JSON.stringify([...selected]));
  };
  const choose = (box, on) => {
    if (on && !selected.has(box.value) && selected.size >= most) {
      box.checked = false;
      say(`At most ${most} data rows can be selected by hand; narrow the list by filters, and export all that match`, true);
      return;
    }
    box.checked = on;
    if (on) selected.add(box.value); else selected.delete(box.value);
  };
  for (const box of boxes) box.checked = selected.has(box.value);
  all.hidden = !boxes.length;
  all.addEventListener("change", () => { const on = all.checked; for (const box of boxes) choose(box, on); show(); });
  form.addEventListener("change", ({ target }) => { if (target.name === "id") choose(target, target.checked); show(); });
  clear.addEventListener("click", () => { selected.clear(); for (const box of boxes) box.checked = false; show(); });
  form.addEventListener("submit", () => {
    for (const extra of form.querySelectorAll("[data-elsewhere]")) extra.remove();
    for (const id of selected) {
      if (boxes.some((box) => box.value === id)) continue;
      const extra = document.createElement("input");
      Object.assign(extra, { type: "hidden", name: "id", value: id });
      extra.dataset.elsewhere = "";
      form.append(extra);
    }
  });
  show();
}

// Copy buttons. Without a clipboard (plain http from another machine) they stay hidden, and a click selects the value.

function showCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
  say("Copied");
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

// Parts of the page that the server renders again, when it says that they have changed. A browser has few connections
// to a server, so only a page that is seen has a stream; without one, the parts are requested again and again.

let stream = null;

async function refresh(part) {
  if (!part.dataset.live) return;
  const text = await fetchFragment(part.dataset.live);
  if (part.shown === text || part.querySelector("details[open]")) return;
  part.shown = text;
  replaceContent(part, text);
}

async function refreshSoon(part) {
  if (part.busy) { part.again = true; return; }
  part.busy = true;
  do {
    part.again = false;
    await refresh(part).catch(() => {});
  } while (part.again);
  part.busy = false;
}

function liveParts(names) {
  return [...document.querySelectorAll("[data-live]")].filter((part) => names.includes(part.dataset.on));
}

function replaceContent(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const fresh = new DOMParser().parseFromString(html, "text/html");
  part.replaceChildren(...fresh.body.childNodes);
  showCopyButtons(part);
  if (focused) document.getElementById(focused)?.focus();
}

function startLive(part) {
  setInterval(() => {
    const isSeen = document.visibilityState === "visible";
    if (part.dataset.live && isSeen && stream?.readyState !== EventSource.OPEN) refreshSoon(part);
  }, Number(part.dataset.every));
}

function listen() {
  const address = document.querySelector('meta[name="stream"]')?.content;
  if (document.visibilityState !== "visible") { stream?.close(); stream = null; return; }
  if (!address || stream) return;
  stream = new EventSource(address);
  stream.addEventListener("open", () => document.querySelectorAll("[data-live]").forEach(refreshSoon));
  stream.addEventListener("changed", ({ data }) => liveParts(data.split(" ")).forEach(refreshSoon));
  stream.addEventListener("deleted", stopUpdates);
}

// The workspace is gone: every further request would be answered 404.

function stopUpdates() {
  stream.close();
  document.querySelector('meta[name="stream"]').remove();
  for (const part of document.querySelectorAll("[data-live], [data-open]")) {
    delete part.dataset.live;
    delete part.dataset.open;
  }
  say("This workspace was deleted, so the page is no longer updated", true);
}

// The list under the bell is requested while it is open.

function startBell(bell) {
  const list = bell.querySelector("[data-open]");
  bell.addEventListener("toggle", () => {
    if (bell.open && list.dataset.open) { list.dataset.live = list.dataset.open; refreshSoon(list); } else delete list.dataset.live;
  });
  document.addEventListener("click", (event) => { if (!bell.contains(event.target)) bell.open = false; });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !bell.open) return;
    bell.open = false;
    bell.querySelector("summary").focus();
  });
}

// A data row: features are toggled, and marked wherever they are named; frames follow the slider or the clip.

function partsOf(id) { return document.querySelectorAll(`[data-of~="${CSS.escape(id)}"]`); }

function startFeatures(list) {
  list.addEventListener("change", (event) => {
    for (const part of partsOf(event.target.dataset.feature)) part.classList.toggle("off", !event.target.checked);
  });
  for (const line of list.querySelectorAll("[data-row]")) {
    const light = (on) => { for (const part of partsOf(line.dataset.row)) part.classList.toggle("lit", on); };
    for (const name of ["mouseenter", "focusin"]) line.addEventListener(name, () => light(true));
    for (const name of ["mouseleave", "focusout"]) line.addEventListener(name, () => light(false));
  }
}

function startFrames(slider) {
  const stage = slider.closest(".stage");
  const groups = [...stage.querySelectorAll("[data-frame]")];
  const clip = stage.querySelector("video");
  const show = (frame) => {
    slider.value = frame;
    slider.nextElementSibling.textContent = frame;
    for (const group of groups) group.toggleAttribute("hidden", Number(group.dataset.frame) !== frame);
  };
  slider.addEventListener("input", () => {
    const frame = Number(slider.value);
    if (clip) { clip.pause(); clip.currentTime = (frame - 0.5) / Number(clip.dataset.rate); }
    show(frame);
  });
  clip?.addEventListener("timeupdate", () => {
    if (!clip.paused) show(Math.floor(clip.currentTime * Number(clip.dataset.rate)) + 1);
  });
  slider.dispatchEvent(new Event("input"));
}

// The clock of the workspace.

function startClock(time) {
  const offset = Number(time.dataset.clock) - Date.now();
  if ("frozen" in time.dataset) return;
  setInterval(() => {
    time.textContent = `${new Date(Date.now() + offset).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }, 1000);
}

document.addEventListener("DOMContentLoaded", () => {
  showCopyButtons(document);
  sayAgain();
  document.querySelectorAll("[data-every]").forEach(startLive);
  document.querySelectorAll("details.bell").forEach(startBell);
  document.addEventListener("visibilitychange", listen);
  listen();
  document.querySelectorAll('[data-handler="export"]').forEach(startExport);
  document.querySelectorAll("[data-select]").forEach(startSelection);
  document.querySelectorAll(".features").forEach(startFeatures);
  document.querySelectorAll("[data-frames]").forEach(startFrames);
  document.querySelectorAll("[data-clock]").forEach(startClock);
});
