import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type AppContext, openApiDocument, stripeWebhook } from "../../../src/http/index.ts";
import { defineOpenRoute, mountOpenRoute } from "../../../src/http/open-route.ts";
import { problemHandler } from "../../../src/http/problem.ts";
import { defineRoute, mountRoute } from "../../../src/http/route.ts";
import { createLogger } from "../../../src/processes/logger.ts";

const deprecated = { since: "2026-01-01", sunset: "2027-01-01", instead: "GET /v1/new" };
const said = { summary: "How it was done", response: z.object({ old: z.boolean() }) };
const handle = async () => ({ body: { old: true } });
const old = defineOpenRoute({ ...said, deprecated, method: "get", path: "/old", handle });
const fresh = defineOpenRoute({ ...said, method: "get", path: "/fresh", handle });
const oldWithKey = defineRoute({
  ...said,
  deprecated,
  method: "post",
  path: "/old-with-key",
  roles: ["operator"],
  handle,
});

let server: Server;
let url: string;
beforeAll(async () => {
  const app = express();
  const logger = createLogger("silent");
  const context = { logger, operatorKey: null } as AppContext;
  for (const route of [old, fresh]) mountOpenRoute(app, context, route, async () => {});
  mountRoute(app, context, oldWithKey);
  app.use(problemHandler(logger));
  server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => server.close());

const SAYS = { deprecation: "@1767225600", sunset: "Fri, 01 Jan 2027 00:00:00 GMT" };
const saidBy = ({ headers }: Response) => Object.fromEntries(headers);

test("each answer says since when and until when, also one that says no", async () => {
  const answer = await fetch(`${url}/old`);
  expect([answer.status, await answer.json()]).toEqual([200, { old: true }]);
  const link = '</reference/more#get-old>; rel="deprecation"; type="text/html"';
  expect(saidBy(answer)).toMatchObject({ ...SAYS, link });
  const refused = await fetch(`${url}/old-with-key`, { method: "POST" });
  expect(refused.status).toBe(401);
  expect(saidBy(refused)).toMatchObject(SAYS);
});

test("what stays says nothing", async () => {
  const headers = saidBy(await fetch(`${url}/fresh`));
  expect(headers).not.toHaveProperty("deprecation");
  expect(headers).not.toHaveProperty("sunset");
});

test("the document marks it, and says what to use instead", () => {
  const { paths } = openApiDocument([oldWithKey], [old, fresh], stripeWebhook);
  expect(paths["/v1/old"]?.get).toMatchObject({
    deprecated: true,
    description: expect.stringMatching(/Deprecated since 2026-01-01.*2027-01-01.*GET \/v1\/new/),
  });
  expect(paths["/v1/old-with-key"]?.post).toMatchObject({ deprecated: true });
  expect(paths["/v1/fresh"]?.get).not.toHaveProperty("deprecated");
});

test("nothing goes before twelve months are over", () => {
  const hasty = { ...old, deprecated: { ...deprecated, sunset: "2026-12-31" } };
  const mount = () => mountOpenRoute(express(), {} as AppContext, hasty, async () => {});
  expect(mount).toThrow("twelve months");
});
