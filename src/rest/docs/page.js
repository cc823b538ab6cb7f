// The page of the API: asks for the key, reads /openapi.json with it, shows what the key may do.
// Text goes into the page as text, never as markup.
import { curlOf, idAddress, jsonOf, operationsOf, resolve, schemaText } from "./operations.js";

const KEY = "backwright-key";
const ORIGIN = location.origin + location.pathname.replace(/\/docs\/?$/, "");
const at = (id) => document.getElementById(id);
// `/docs?v1` shows an older version.
const VERSION = /^\?v\d+$/.test(location.search) ? location.search.replace("?", "/") : "";
let key = sessionStorage.getItem(KEY) ?? "";

/** An element with attributes and children; strings become text. */
function made(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

async function read(path) {
  const headers = key === "" ? {} : { authorization: `Bearer ${key}` };
  const reply = await fetch(ORIGIN + path, { headers });
  const json = await reply.json();
  if (reply.ok) return json;
  const { message = `The server answered ${reply.status}.`, details = [] } = json.error ?? {};
  const told = details.map(({ field, message }) => `${field}: ${message}.`);
  throw new Error([message, ...told].join(" "));
}

async function show() {
  at("status").textContent = "Reading the document…";
  try {
    const api = await read(`${VERSION}/openapi.json`);
    sessionStorage.setItem(KEY, key);
    const operations = operationsOf(api);
    at("title").textContent = document.title = `${api.info.title} ${api.info.version}`;
    at("status").textContent = `${api.info.description} ${operations.length} operations.`;
    at("operations").replaceChildren(...operations.map((one) => operationOf(api, one)));
    showContents(operations);
    at("body").hidden = false;
    at("forget").hidden = false;
    if (location.hash !== "") open(location.hash.slice(1));
  } catch (error) {
    at("status").textContent = error.message;
  }
}

function showContents(operations) {
  const wanted = at("find").value.toLowerCase();
  const tags = new Map();
  for (const one of operations) {
    const isFound = `${one.method} ${one.path} ${one.id}`.toLowerCase().includes(wanted);
    at(one.id).hidden = !isFound;
    if (isFound) tags.set(one.tag, [...(tags.get(one.tag) ?? []), one]);
  }
  const groups = [...tags].map(([tag, own]) => {
    const links = own.map(({ id }) => made("li", {}, made("a", { href: `#${id}` }, id)));
    return made("section", {}, made("h2", {}, tag), made("ul", {}, ...links));
  });
  at("contents").replaceChildren(...groups);
  at("find").oninput = () => showContents(operations);
}

function open(id) {
  const element = at(id);
  if (element === null) return;
  element.open = true;
  element.scrollIntoView();
}

/** Filled when it is opened: a document of a hundred operations is shown at once all the same. */
function operationOf(api, one) {
  const { id, method, path, operation } = one;
  const old =
    operation.deprecated === true ? [made("strong", { class: "warn" }, " deprecated")] : [];
  const head = [made("code", {}, method), " ", made("code", {}, path), " "];
  const about = made("span", { class: "soft" }, operation.summary);
  const details = made("details", { id }, made("summary", {}, ...head, about, ...old));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(...partsOf(api, one));
  });
  return details;
}

function partsOf(api, one) {
  const { operation, parameters } = one;
  const parts = [made("p", {}, operation.description), curlPart(api, one)];
  if (parameters.length > 0)
    parts.push(made("h3", {}, "Parameters"), parameterTable(api, parameters));
  const sent = jsonOf(operation.requestBody);
  if (sent !== undefined) parts.push(made("h3", {}, "Body"), ...schemaPart(api, sent));
  const replies = Object.entries(operation.responses);
  for (const [status, reference] of replies.filter(([status]) => status < "400")) {
    const reply = resolve(api, reference);
    parts.push(made("h3", {}, `${status} ${reply.description}`), ...schemaPart(api, jsonOf(reply)));
  }
  const errors = replies
    .filter(([status]) => status >= "400")
    .map(([status, reference]) => {
      return made(
        "tr",
        {},
        made("td", {}, status),
        made("td", {}, resolve(api, reference).description),
      );
    });
  return [...parts, made("h3", {}, "Errors"), made("table", {}, ...errors)];
}

function schemaPart(api, media) {
  if (media === undefined) return [];
  const parts = [made("pre", { tabindex: "0" }, schemaText(api, media.schema))];
  if (media.example === undefined) return parts;
  const example = made("pre", { tabindex: "0" }, JSON.stringify(media.example, null, 2));
  return [...parts, made("p", { class: "soft" }, "As it really was:"), example];
}

function parameterTable(api, parameters) {
  const head = ["Name", "In", "Value", "Meaning"].map((text) => made("th", { scope: "col" }, text));
  const rows = parameters.map(({ name, in: place, schema, description, deprecated }) => {
    const label = made(
      "td",
      {},
      made("code", {}, name),
      deprecated === true ? " (deprecated)" : "",
    );
    const cells = [place, schemaText(api, schema), description].map((text) => made("td", {}, text));
    return made("tr", {}, label, ...cells);
  });
  return made("table", {}, made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...rows));
}

function curlPart(api, one) {
  const text = made("pre", { tabindex: "0" });
  const write = (id) => {
    text.textContent = curlOf(api, one, { origin: ORIGIN, key, id });
  };
  write();
  const address = idAddress(api, one);
  if (address !== undefined) {
    read(address).then(
      ({ data }) => write(data[0]?.id),
      () => {},
    );
  }
  const copy = made("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    at("status").textContent = "The command is copied.";
  });
  return made("div", {}, text, copy);
}

at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  key = at("key").value.trim();
  at("key").value = "";
  void show();
});
at("forget").addEventListener("click", () => {
  sessionStorage.removeItem(KEY);
  location.reload();
});
addEventListener("hashchange", () => open(location.hash.slice(1)));
void show(); // Without a key the server's refusal says where one is to be had.
