import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import {
  eraseCustomer,
  findInputSchema,
  findRule,
  setInputSchema,
  setRule,
} from "../../predictions/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { CustomerPath, ModelPath, ownCustomer, ownModel } from "./own-subject.ts";

const VersionPath = ModelPath.extend({ version: z.string().min(1).max(128) });

const Days = z.int().min(0).max(36_500).nullable().meta({
  description: "How long payloads are kept; 0 for never, null for what the other or the installation says.",
});
const CustomerRule = z
  .object({ days: Days, hold: z.boolean(), creators_read: z.boolean() })
  .meta({ id: "CustomerRetention" });
const ModelRule = z.object({ days: Days }).meta({ id: "ModelRetention" });

const getCustomerRule = defineRoute({
  method: "get",
  path: "/customers/{id}/retention",
  summary: "What a customer says about its payloads",
  roles: ["operator", "customer"],
  params: CustomerPath,
  response: CustomerRule,
  async handle({ params, principal, context }) {
    const subject = await ownCustomer(context, principal, params);
    return { body: await findRule(context.sql, { kind: "customer", subject }) };
  },
});

const putCustomerRule = defineRoute({
  method: "put",
  path: "/customers/{id}/retention",
  summary:
    "Set how long a customer's payloads are kept and whether creators may read them; a legal hold only an operator sets",
  roles: ["operator", "customer"],
  params: CustomerPath,
  body: z.strictObject({
    days: Days.optional(),
    hold: z.boolean().optional(),
    creators_read: z.boolean().optional(),
  }),
  response: CustomerRule,
  async handle({ params, body, principal, context }) {
    const subject = await ownCustomer(context, principal, params);
    if (body.hold !== undefined && principal.role !== "operator")
      throw new Refusal("role_not_allowed", "hold: only an operator begins and ends a legal hold");
    return { body: await setRule(context.sql, { kind: "customer", subject }, body) };
  },
});

const getModelRule = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/retention",
  summary: "What a model says about payloads of its predictions",
  roles: ["operator", "payee"],
  params: ModelPath,
  response: ModelRule,
  async handle({ params, principal, context }) {
    const subject = await ownModel(context, principal, params);
    return { body: await findRule(context.sql, { kind: "model", subject }) };
  },
});

const putModelRule = defineRoute({
  method: "put",
  path: "/models/{owner}/{name}/retention",
  summary:
    "Set how long payloads of a model's predictions are kept; the shorter of this and the customer's holds",
  roles: ["operator", "payee"],
  params: ModelPath,
  body: z.strictObject({ days: Days }),
  response: ModelRule,
  async handle({ params, body, principal, context }) {
    const subject = await ownModel(context, principal, params);
    return { body: await setRule(context.sql, { kind: "model", subject }, body) };
  },
});

const deleteData = defineRoute({
  method: "delete",
  path: "/customers/{id}/data",
  summary:
    "Erase what a customer sent and got: its keys are shredded; money facts stay. Says what went and what stayed",
  roles: ["operator", "customer"],
  params: CustomerPath,
  response: z
    .object({
      customer: z.string(),
      removed: z.object({ keys: z.int(), payloads: z.int(), feedback: z.int(), shares: z.int() }),
      keys_off_disk: z.boolean().meta({ description: "False: they leave the files with the next sweep." }),
      kept: z.array(z.object({ what: z.string(), count: z.string(), why: z.string() })),
    })
    .meta({ id: "Erasure" }),
  async handle({ params, principal, context }) {
    const customer = await ownCustomer(context, principal, params);
    const asked = { customer, by: principal.id };
    return { body: await eraseCustomer(context.sql, context.payloads.keys, asked) };
  },
});

const SchemaView = z
  .object({ model: z.string(), version: z.string(), input_schema: z.record(z.string(), z.unknown()) })
  .meta({ id: "VersionSchema" });

const putSchema = defineRoute({
  method: "put",
  path: "/models/{owner}/{name}/versions/{version}",
  askedAudited: false,
  summary:
    "Declare a version's input, as Cog writes it: what is x-cog-secret, format password or writeOnly is never kept",
  roles: ["operator", "payee"],
  params: VersionPath,
  body: z.strictObject({ input_schema: z.record(z.string(), z.unknown()) }),
  response: SchemaView,
  async handle({ params, body, principal, context }) {
    const { version } = params;
    const model = await ownModel(context, principal, params);
    const schema = await setInputSchema(context.sql, { model, version, schema: body.input_schema });
    return { body: { model, version, input_schema: schema } };
  },
});

const getSchema = defineRoute({
  method: "get",
  path: "/models/{owner}/{name}/versions/{version}",
  summary: "The input that a version declares",
  roles: ["operator", "payee"],
  params: VersionPath,
  response: SchemaView,
  async handle({ params, principal, context }) {
    const { version } = params;
    const model = await ownModel(context, principal, params);
    const schema = await findInputSchema(context.sql, model, version);
    if (schema === undefined)
      throw new Refusal("not_found", `version ${version} of ${model} declares no input`);
    return { body: { model, version, input_schema: schema } };
  },
});

export const retentionRoutes: Route[] = [
  getCustomerRule,
  putCustomerRule,
  getModelRule,
  putModelRule,
  deleteData,
  putSchema,
  getSchema,
];
