import { expect, test } from "vitest";
import { openCatalogStore } from "../../src/catalog/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { startTestMetering } from "../support/metering.ts";

test("however many ask for the catalogue at once, it is read once", async () => {
  const { sql, drop } = await startTestMetering();
  let read = 0;
  const counted = new Proxy(sql, {
    get(target, name) {
      if (name === "unsafe") read++;
      return Reflect.get(target, name);
    },
  }) as Sql;
  const store = openCatalogStore(counted);
  const catalogs = await Promise.all(Array.from({ length: 8 }, () => store.current()));
  expect(new Set(catalogs).size).toBe(1);
  expect(read).toBe(1);
  await drop();
});
