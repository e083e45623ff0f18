import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Express, Request, Response } from "express";
import helmet from "helmet";
import { type Html, html, prose } from "./html.ts";
import { introduction } from "./introduction.ts";
import { operationView } from "./operation-view.ts";
import { fieldsOf, kindOf, SCHEMAS_AT } from "./schema-view.ts";
import { anchorOf, SUBJECTS, type Subject } from "./subjects.ts";
import type { ApiDocument, Operation } from "./with-examples.ts";

/** Text and a style sheet: there is nothing to run. */
const POLICY = {
  useDefaults: false,
  directives: {
    "default-src": ["'none'"],
    "style-src": ["'self'"],
    // The empty icon.
    "img-src": ["data:"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'none'"],
  },
};

/** The reference of the API at /reference: pages made once, from the document that /openapi.json is. */
export function mountReference(app: Express, document: ApiDocument, url: string): void {
  const pages = new Map<string, Buffer>();
  const style = readFileSync(join(import.meta.dirname, "reference.css"));
  app.use("/reference", helmet({ contentSecurityPolicy: POLICY }));
  app.get("/reference/reference.css", (request, response) => send(request, response, "text/css", style));
  app.get(["/reference", "/reference/:slug"], (request, response, next) => {
    const slug = String(request.params.slug ?? "");
    const bytes = pages.get(slug) ?? pageAt(slug, document, url);
    if (bytes === undefined) return next();
    pages.set(slug, bytes);
    send(request, response, "text/html", bytes);
  });
}

function send(request: Request, response: Response, type: string, bytes: Buffer): void {
  const zipped = request.acceptsEncodings("gzip", "identity") === "gzip";
  response.setHeader("Cache-Control", "no-cache");
  response.setHeader("Vary", "Accept-Encoding");
  response.setHeader("Content-Type", `${type}; charset=utf-8`);
  if (zipped) response.setHeader("Content-Encoding", "gzip");
  response.end(zipped ? gzipSync(bytes) : bytes);
}

/** Undefined where there is no such page. */
function pageAt(slug: string, document: ApiDocument, url: string): Buffer | undefined {
  const subject = SUBJECTS.find((one) => one.slug === slug);
  if (slug === "") return page("API reference", slug, indexView(document, url));
  if (slug === "schemas") return page("Schemas", slug, schemasView(document));
  if (subject === undefined) return undefined;
  const operations = operationsOf(document, subject);
  if (operations.length === 0) return undefined;
  const views = operations.map(({ method, path, operation }) => operationView(method, path, operation));
  return page(
    subject.title,
    slug,
    html`<h1>${subject.title}</h1><p>${subject.about}</p>${listView(operations, "")}${views}`,
  );
}

interface Named {
  method: string;
  path: string;
  operation: Operation;
}

function operationsOf({ paths }: ApiDocument, { slug }: Subject): Named[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags = [] }]) => tags.includes(slug))
      .map(([method, operation]) => ({ method, path, operation })),
  );
}

function listView(operations: readonly Named[], at: string): Html {
  const rows = operations.map(
    ({ method, path, operation }) =>
      html`<li><a href="${at}#${anchorOf(method, path)}"><span class="method">${method.toUpperCase()}</span><code>${path}</code></a><span class="dim">${prose(operation.summary ?? "")}</span></li>
`,
  );
  return html`<ul class="operations">${rows}</ul>`;
}

function indexView(document: ApiDocument, url: string): Html {
  const subjects = SUBJECTS.map((subject) => ({ ...subject, operations: operationsOf(document, subject) }));
  return html`${introduction(url)}${subjects
    .filter(({ operations }) => operations.length > 0)
    .map(
      ({ slug, title, about, operations }) =>
        html`<section><h2><a href="/reference/${slug}">${title}</a></h2><p>${about}</p>${listView(operations, `/reference/${slug}`)}</section>
`,
    )}`;
}

function schemasView({ components }: ApiDocument): Html {
  const views = Object.entries(components.schemas).map(
    ([name, schema]) =>
      html`<section class="operation" id="${name}"><h2><code>${name}</code></h2>
${schema.description === undefined ? undefined : html`<p>${prose(schema.description)}</p>`}<p>${kindOf(schema)}</p>${fieldsOf(schema)}</section>
`,
  );
  return html`<h1>Schemas</h1><p>What bodies and answers are made of.</p>${views}`;
}

function page(title: string, slug: string, content: Html): Buffer {
  const places = [
    { to: "", label: "Overview" },
    ...SUBJECTS.filter(({ collections }) => collections.length > 0).map((subject) => ({
      to: subject.slug,
      label: subject.title,
    })),
    { to: SCHEMAS_AT.slice("/reference/".length), label: "Schemas" },
  ];
  const items = places.map(({ to, label }) => {
    const here = to === slug ? html` aria-current="page"` : undefined;
    return html`<li><a href="/reference${to === "" ? "" : `/${to}`}"${here}>${label}</a></li>`;
  });
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Tributary</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/reference/reference.css">
</head>
<body>
<header><a class="brand" href="/reference">Tributary API</a> <a href="/dashboard">Dashboard</a> <a href="/openapi.json">OpenAPI document</a></header>
<div class="frame">
<nav aria-label="Subjects"><ul>${items}</ul></nav>
<main>${content}</main>
</div>
</body>
</html>
`;
  return Buffer.from(text);
}
