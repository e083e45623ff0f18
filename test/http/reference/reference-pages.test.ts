import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OPEN_ROUTES, openApiDocument, ROUTES, stripeWebhook } from "../../../src/http/index.ts";
import { mountReference } from "../../../src/http/reference/reference-pages.ts";
import { anchorOf, SUBJECTS } from "../../../src/http/reference/subjects.ts";

const document = openApiDocument(ROUTES, OPEN_ROUTES, stripeWebhook);

let server: Server;
let url: string;
beforeAll(async () => {
  const app = express();
  mountReference(app, document, "https://tributary.example");
  server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

async function page(slug: string): Promise<string> {
  const response = await fetch(`${url}/reference${slug}`);
  expect([slug, response.status]).toEqual([slug, 200]);
  return response.text();
}

test("what is to be copied names the address of this very service", async () => {
  expect(await page("")).toContain("export TRIBUTARY_URL=https://tributary.example\n");
});

test("every operation stands on the page of its subject, with its call of curl", async () => {
  const pages = new Map<string, string>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const slug = operation.tags?.[0] ?? "";
      const text = pages.get(slug) ?? (await page(`/${slug}`));
      pages.set(slug, text);
      const [section] = text.split(`id="${anchorOf(method, path)}"`)[1]?.split("</section>") ?? [];
      expect(section, `${method} ${path} on ${slug}`).toContain("$TRIBUTARY_URL");
    }
  }
});

test("every link within it leads to something", async () => {
  const slugs = ["", ...SUBJECTS.map(({ slug }) => `/${slug}`), "/schemas"];
  const texts = new Map<string, string>();
  for (const slug of slugs) {
    const response = await fetch(`${url}/reference${slug}`);
    if (response.ok) texts.set(`/reference${slug}`, await response.text());
  }
  const lost: string[] = [];
  for (const [at, text] of texts) {
    for (const [, target = ""] of text.matchAll(/href="((?:\/reference|#)[^"]*)"/g)) {
      const [path = "", anchor] = target.split("#");
      if (path.endsWith(".css")) continue;
      const there = texts.get(path === "" ? at : path);
      if (there === undefined || (anchor !== undefined && !there.includes(`id="${anchor}"`)))
        lost.push(`${at} → ${target}`);
    }
  }
  expect(lost).toEqual([]);
});

test("it can run nothing and asks nobody else", async () => {
  const response = await fetch(`${url}/reference/payees`);
  const policy = response.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/script-src|unsafe|https?:/);
  const text = await response.text();
  expect(text).not.toMatch(/<script|\sstyle=|\son\w+=/);
  expect(text).not.toMatch(/(?:href|src)="https?:/);
});

test("what is no page is left to others", async () => {
  expect((await fetch(`${url}/reference/there-is-none`)).status).toBe(404);
});
