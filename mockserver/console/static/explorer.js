// Two small consoles: for GraphQL on the schema that the server describes, and for the control API on its OpenAPI
// document. Both are read when their view is opened.
"use strict";

const MOST_SHOWN = 80;
const byId = (id) => document.getElementById(id);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const quoteForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const indent = (value) => JSON.stringify(value, null, 2);

async function send(address, options, output) {
  const started = performance.now();
  output.textContent = "…";
  let text;
  try {
    const answer = await fetch(address, options);
    const body = await answer.text();
    text = `HTTP ${answer.status}, ${Math.round(performance.now() - started)} ms\n\n`;
    try { text += indent(JSON.parse(body)); } catch { text += body; }
  } catch (error) {
    text = error.message;
  }
  output.textContent = text;
}

// GraphQL

const INTROSPECTION = `query Schema { __schema { queryType { name } mutationType { name } types { kind name description
  fields(includeDeprecated: true) { name description args { name type { ...T } } type { ...T } }
  inputFields { name type { ...T } } enumValues { name } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

const writeType = (type) => {
  if (type.kind === "NON_NULL") return `${writeType(type.ofType)}!`;
  return type.kind === "LIST" ? `[${writeType(type.ofType)}]` : type.name;
};
const nameOf = (type) => type.name || nameOf(type.ofType);
const writeArguments = (list) => (list?.length ? `(${list.map((each) => `${each.name}: ${writeType(each.type)}`).join(", ")})` : "");

class Schema {
  constructor({ types, queryType, mutationType }) {
    this.types = new Map(types.filter(({ name }) => !name.startsWith("__")).map((type) => [type.name, type]));
    this.roots = { [queryType.name]: "query", [mutationType.name]: "mutation" };
  }

  // Every field, input field and word of an enum as a line.
  lines() {
    return [...this.types.values()].flatMap((type) => [
      ...(type.fields || []).map((field) => ({ type, field, text: `${type.name}.${field.name}${writeArguments(field.args)}: ${writeType(field.type)}` })),
      ...(type.inputFields || []).map((field) => ({ type, text: `${type.name}.${field.name}: ${writeType(field.type)}` })),
      ...(type.enumValues || []).map(({ name }) => ({ type, text: `${type.name}.${name}` })),
    ]);
  }

  isLeaf(type) { return ["SCALAR", "ENUM"].includes(this.types.get(nameOf(type))?.kind ?? "SCALAR"); }

  // The fields without arguments of a type that are values, or those of the records under it.
  select(type, depth = 0) {
    const fields = (this.types.get(nameOf(type))?.fields || []).filter((field) => !field.args.length);
    const leaves = fields.filter((field) => this.isLeaf(field.type)).slice(0, 12).map((field) => field.name);
    if (!leaves.length && depth < 2 && fields.length) leaves.push(`${fields[0].name} { ${this.select(fields[0].type, depth + 1)} }`);
    return leaves.join(" ") || "__typename";
  }

  // A value with the required fields of a type, to fill in.
  example(type, depth = 0) {
    if (type.kind === "NON_NULL") return this.example(type.ofType, depth);
    if (type.kind === "LIST") return [this.example(type.ofType, depth)];
    const known = this.types.get(type.name);
    if (known?.kind === "ENUM") return known.enumValues[0].name;
    if (known?.kind !== "INPUT_OBJECT") return { Int: 1, Float: 1, Boolean: true }[type.name] ?? "";
    const required = known.inputFields.filter((field) => field.type.kind === "NON_NULL");
    const chosen = required.length || depth ? required : known.inputFields.filter((field) => field.name === "id");
    return Object.fromEntries(chosen.map((field) => [field.name, this.example(field.type, depth + 1)]));
  }

  write(root, field) {
    const needed = field.args.filter((each) => each.type.kind === "NON_NULL" || each.name === "where");
    const declared = needed.map((each) => `$${each.name}: ${writeType(each.type)}`).join(", ");
    const passed = needed.map((each) => `${each.name}: $${each.name}`).join(", ");
    const inner = this.isLeaf(field.type) ? "" : ` {\n    ${this.select(field.type)}\n  }`;
    const head = `${this.roots[root]} Explore${declared && `(${declared})`}`;
    return {
      document: `${head} {\n  ${field.name}${passed && `(${passed})`}${inner}\n}`,
      variables: Object.fromEntries(needed.map((each) => [each.name, this.example(each.type)])),
    };
  }
}

function startGraphql(form) {
  const [document_, variables, output] = ["document", "variables", "answer"].map(byId);
  const list = byId("schema");
  const search = byId("search");
  let schema;
  const body = () => ({ query: document_.value, variables: JSON.parse(variables.value || "{}") });
  const showCurl = () => {
    let data;
    try { data = JSON.stringify(body()); } catch { data = "{…}"; }
    byId("call-curl").textContent = `curl -s ${quoteForShell(form.dataset.url)} -H ${quoteForShell(`Authorization: Bearer ${form.dataset.key}`)} \\\n  -H 'Content-Type: application/json' -d ${quoteForShell(data)}`;
  };
  const run = async () => {
    let data;
    try { data = JSON.stringify(body()); } catch (error) { output.textContent = `The variables are no JSON: ${error.message}`; return; }
    showCurl();
    const headers = { Authorization: `Bearer ${form.dataset.key}`, "Content-Type": "application/json" };
    await send("/graphql", { method: "POST", headers, body: data }, output);
  };
  const insert = (type, field) => {
    const written = schema.write(type.name, field);
    document_.value = written.document;
    variables.value = indent(written.variables);
    showCurl();
    document_.focus();
  };
  const showLines = () => {
    if (!schema) return;  // it is still being read; its lines are shown for the words of that moment
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = ({ type }) => (schema.roots[type.name] ? 0 : 1);
    const lines = schema.lines().filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
    lines.sort((first, second) => order(first) - order(second));
    list.replaceChildren(...lines.slice(0, MOST_SHOWN).map((line) => {
      const item = element("li");
      if (schema.roots[line.type.name]) {
        const button = element("button", "Write", { type: "button", "aria-label": `Write ${line.type.name}.${line.field.name}` });
        button.addEventListener("click", () => insert(line.type, line.field));
        item.append(button, " ");
      }
      item.append(element("code", line.text));
      if (line.field?.description) item.append(element("div", line.field.description, { class: "soft" }));
      return item;
    }));
    byId("found").textContent = `${lines.length} of the schema${lines.length > MOST_SHOWN ? `, the first ${MOST_SHOWN} are shown` : ""}`;
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
  form.addEventListener("input", showCurl);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
  });
  search.addEventListener("input", showLines);
  showCurl();
  ask(INTROSPECTION, {}).then((data) => { schema = new Schema(data.__schema); showLines(); }).catch((error) => say(error.message, true));
}

// The control API

class Api {
  constructor(document_) { this.document = document_; }

  resolve(schema) {
    const name = schema?.$ref?.split("/").pop();
    return name ? this.document.components.schemas[name] : schema || {};
  }

  operations() {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));
  }

  body(operation) { return this.resolve(operation.requestBody?.content?.["application/json"]?.schema); }

  describe(schema) {
    const known = this.resolve(schema);
    if (known.enum) return known.enum.map((word) => JSON.stringify(word)).join(" | ");
    if (known.anyOf) return known.anyOf.map((each) => this.describe(each)).join(" | ");
    if (known.type === "array") return `[${this.describe(known.items)}]`;
    return known.const !== undefined ? JSON.stringify(known.const) : known.title || known.format || known.type || "any";
  }

  example(schema) {
    const known = this.resolve(schema);
    const required = Object.entries(known.properties || {}).filter(([name]) => (known.required || []).includes(name));
    const values = { string: "", integer: 1, number: 1, boolean: true, array: [], object: {} };
    return Object.fromEntries(required.map(([name, each]) => [name, this.resolve(each).enum?.[0] ?? values[this.resolve(each).type] ?? ""]));
  }
}

function drawField(label, name, value, multiline) {
  const field = element(multiline ? "textarea" : "input", "", multiline ? { name, rows: 6, spellcheck: "false" } : { name });
  field.value = value;
  const wrapped = element("label", label, multiline ? { class: "all" } : {});
  wrapped.append(" ", field);
  return wrapped;
}

function drawOperation(api, { path, method, operation }, base, key) {
  const details = element("details");
  const summary = element("summary");
  summary.append(element("b", method), " ", element("code", path), " ", element("span", operation.summary || "", { class: "soft" }));
  details.append(summary);
  const parameters = (operation.parameters || []).filter(({ name }) => name !== "api_key");
  const schema = api.body(operation);
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    if (schema.description) details.append(element("p", schema.description, { class: "soft" }));
    if (schema.properties) {
      const list = element("dl", "", { class: "facts" });
      for (const [name, each] of Object.entries(schema.properties)) {
        list.append(element("dt", name + ((schema.required || []).includes(name) ? ", required" : "")), element("dd", api.describe(each)));
      }
      details.append(list);
    }
    const form = element("form", "", { class: "fields" });
    for (const { name, schema: kind, required } of parameters) form.append(drawField(`${name}${required ? ", required" : ""}: ${api.describe(kind)}`, name, ""));
    if (schema.properties) form.append(drawField("Body", "body", indent(api.example(schema)), true));
    form.append(element("button", "Send", { class: "primary" }));
    const curl = element("pre", "", { tabindex: 0, role: "region", "aria-label": `The call of ${method} ${path} by curl` });
    const output = element("pre", "", { class: "tall", tabindex: 0, role: "region", "aria-label": `The answer to ${method} ${path}` });
    const build = () => {
      let target = path;
      const query = new URLSearchParams(key ? { api_key: key } : {});
      for (const { name, in: place } of parameters) {
        const { value } = form.elements[name];
        if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(value));
        else if (value) query.set(name, value);
      }
      return { target: query.size ? `${target}?${query}` : target, body: form.elements.body?.value };
    };
    const show = () => {
      const { target, body } = build();
      curl.textContent = `curl -s -X ${method} ${quoteForShell(base + target)}${body ? ` \\\n  -d ${quoteForShell(body)}` : ""}`;
    };
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      const { target, body } = build();
      if (method === "DELETE" && !confirm(`Send ${method} ${target}?`)) return;
      send(target, { method, body: body || undefined }, output);
    });
    details.append(form, curl, output);
    show();
  });
  return details;
}

async function startApi(root) {
  const api = new Api(JSON.parse(await fetchFragment("/_mock/openapi.json")));
  root.replaceChildren(...api.operations().map((each) => drawOperation(api, each, root.dataset.url, root.dataset.key)));
}

document.addEventListener("DOMContentLoaded", () => {
  const form = byId("graphql");
  if (form) startGraphql(form);
  const root = byId("api");
  if (root) startApi(root).catch((error) => say(error.message, true));
});
