import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const SRC = join(ROOT, "src");

const DATA_ARROW =
  "usage → usage log → metering → pricing → sharing → earnings → [ledger] → settlement → payouts → billing → adjustments → statements → notifications → predictions";

/** Stages in the order in which they may import: each only those before it. */
const STAGES = [
  "kernel",
  "secrets",
  "postgres",
  "ledger",
  "pricing",
  "sharing",
  "catalog",
  "agreements",
  "usage",
  "metering",
  "earnings",
  "settlement",
  "payouts",
  "provider-events",
  "billing",
  "adjustments",
  "statements",
  "notifications",
  "predictions",
  "access",
  "audit",
];
/** On top of the stages, each only what stands before it. */
const TOP = ["adapters", "http", "dashboard", "processes"];
const ORDER = [...STAGES, ...TOP];
/** For other people's programs: it knows the service only by its API. */
const CLIENT = "client";

/** The only importers of a vendor's package. */
const VENDORS: Record<string, readonly string[]> = {
  kafkajs: ["adapters/kafka/"],
  stripe: ["adapters/stripe/"],
  express: ["http/", "processes/api.ts"],
  "express-rate-limit": ["http/"],
  helmet: ["http/"],
  nodemailer: ["adapters/mail/"],
  "openid-client": ["adapters/oidc/"],
  pdfkit: ["statements/"],
  "@datadog/sketches-js": ["predictions/insight/"],
  "hyparquet-writer": ["predictions/export/"],
  react: ["dashboard/"],
  "@base-ui/react": ["dashboard/"],
  "@tanstack/react-query": ["dashboard/"],
  wouter: ["dashboard/"],
  "d3-scale": ["dashboard/"],
  postgres: ["postgres/", "adapters/postgres-log/"],
};

const ARROWS = `
data:    ${DATA_ARROW}
imports: ${STAGES.join(" → ")}; on top: ${TOP.join(", ")}
         a stage imports only what stands to its left, and of that only index.ts
`;

interface Import {
  /** Under src/. */
  file: string;
  /** A package's name, or a path under the project. */
  target: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(SRC, file), "utf8");
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;"']*?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g,
  );
  return [...found].map(([, fixed, dynamic]) => {
    const target = fixed ?? dynamic ?? "";
    const path = target.startsWith(".") ? relative(ROOT, resolve(SRC, dirname(file), target)) : target;
    return { file, target: path };
  });
});

const stageOf = (path: string) => path.split("/")[0] ?? "";
const shown = (list: Import[]) => list.map(({ file, target }) => `src/${file} imports ${target}`);
const inside = imports.filter(({ target }) => target.startsWith("src/"));

test("the reader of imports finds them", () => {
  expect(inside.length).toBeGreaterThan(100);
  expect(shown(imports)).toContain("src/adapters/stripe/stripe-payout-provider.ts imports stripe");
});

test("every folder of src has its place in the order", () => {
  const folders = [...new Set(files.map(stageOf))];
  expect(
    folders.filter((folder) => folder !== CLIENT && !ORDER.includes(folder)),
    ARROWS,
  ).toEqual([]);
});

test("nothing imports up the flow", () => {
  const up = inside.filter(({ file, target }) => {
    const [from, to] = [stageOf(file), stageOf(target.slice("src/".length))];
    return from !== CLIENT && from !== to && ORDER.indexOf(to) >= ORDER.indexOf(from);
  });
  expect(shown(up), ARROWS).toEqual([]);
});

test("another stage is imported through its index.ts only", () => {
  const past = inside.filter(({ file, target }) => {
    const to = target.slice("src/".length);
    // The adapters are many small houses, each entered by its one file.
    if (stageOf(to) === "adapters") return false;
    return stageOf(file) !== stageOf(to) && !/^[^/]+\/index\.ts$/.test(to);
  });
  expect(shown(past), ARROWS).toEqual([]);
});

test("the page imports nothing of the service but types of its API, and the service nothing of the page", () => {
  const from = inside.filter(({ file, target }) => {
    const sides = [stageOf(file), stageOf(target.slice("src/".length))];
    return sides.includes("dashboard") && sides[0] !== sides[1];
  });
  expect(shown(from), ARROWS).toEqual([]);
});

test("the kernel imports nothing of the product", () => {
  const fromKernel = inside.filter(
    ({ file, target }) => stageOf(file) === "kernel" && !target.startsWith("src/kernel/"),
  );
  expect(shown(fromKernel), ARROWS).toEqual([]);
});

test("the client imports nothing but Node and how secrets are known, which imports nothing, and the product does not import it", () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const own = imports.filter(({ file }) => stageOf(file) === CLIENT);
  const foreign = own.filter(
    ({ target }) =>
      (target.startsWith("src/") && !target.startsWith("src/client/") && target !== "src/secrets/index.ts") ||
      Object.hasOwn(dependencies, target),
  );
  expect(shown(foreign), ARROWS).toEqual([]);
  const ofSecrets = imports.filter(({ file }) => stageOf(file) === "secrets");
  const beyond = ofSecrets.filter(
    ({ target }) =>
      (target.startsWith("src/") && !target.startsWith("src/secrets/")) ||
      Object.hasOwn(dependencies, target),
  );
  expect(shown(beyond), ARROWS).toEqual([]);
  const users = inside.filter(
    ({ file, target }) => stageOf(file) !== CLIENT && target.startsWith("src/client/"),
  );
  expect(shown(users), ARROWS).toEqual([]);
});

test.each(Object.entries(VENDORS))("only the folders named for it import %s", (vendor, allowed) => {
  const importers = imports.filter(({ target }) => target === vendor || target.startsWith(`${vendor}/`));
  expect(importers.length).toBeGreaterThan(0);
  const others = importers.filter(({ file }) => !allowed.some((prefix) => file.startsWith(prefix)));
  expect(shown(others), ARROWS).toEqual([]);
});

test("the product imports neither the Stripe simulator, nor scripts, nor tests", () => {
  const outside = imports.filter(({ target }) => /^(stripe-simulator|scripts|test)\//.test(target));
  expect(shown(outside), ARROWS).toEqual([]);
});

test("the Stripe simulator imports nothing of the product", () => {
  const own = readdirSync(join(ROOT, "stripe-simulator")).filter((name) => name.endsWith(".ts"));
  const reaching = own.filter((name) =>
    /from "\.\.\//.test(readFileSync(join(ROOT, "stripe-simulator", name), "utf8")),
  );
  expect(reaching).toEqual([]);
});
