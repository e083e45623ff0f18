import { demoCatalog } from "../../scripts/demo/catalog.ts";
import { traceEvents } from "../../scripts/demo/trace.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

const EVENTS = 1_500;
const BATCH = 500;

/** The demo's catalogue and a part of its trace, with November 2023 still open. */
export async function startMarketplace(): Promise<TestApi> {
  const api = await startTestApi();
  await api.load(await demoCatalog());
  await api.load({ payees: [{ id: "eve", name: "Eve", country: "US", default_currency: "USD" }] });
  const events = (await traceEvents()).slice(0, EVENTS);
  for (let at = 0; at < events.length; at += BATCH) await api.send(...events.slice(at, at + BATCH));
  return api;
}

/** The secret of a new key. */
export async function secretFor(api: TestApi, key: object): Promise<string> {
  const { body } = await api.operator("POST", "/v1/keys", key);
  return (body as { secret: string }).secret;
}
