import { expect, test } from "vitest";
import { startTestMetering } from "../support/metering.ts";
import { tokenPrice } from "../support/usage.ts";

test("prices on meters that are known use up no meter numbers: there are only 32,767 of them", async () => {
  const { sql, catalog, drop } = await startTestMetering();
  const used = () => sql`SELECT last_value FROM meter_meter_no_seq`;
  const before = await used();
  await catalog.change({
    prices: [2, 3, 4].map((month) => ({
      ...tokenPrice("ada/llm"),
      effective_from: `2023-0${month}-01T00:00:00Z`,
    })),
  } as never);
  expect(await used()).toEqual(before);
  await drop();
});
