import { z } from "zod";
import { type Catalog, lineageAt, splitPlanAt, versionAt } from "../../catalog/index.ts";
import { now } from "../../kernel/index.ts";
import { planPayees } from "../../sharing/index.ts";

export const LineageNode = z
  .object({
    model: z.string(),
    owner: z.string(),
    base_model: z.string().nullable(),
    royalty: z
      .object({ percent: z.string(), of: z.enum(["gross", "remaining"]) })
      .nullable()
      .meta({ description: "What it sends up to its base model." }),
    is_self: z.boolean(),
  })
  .meta({ id: "LineageNode" });

const DESCENDANTS_MAX = 200;

/** Whether a payee has a part in a model's split as it is now, as its owner, by its shares or up its lineage. */
export function isParty(catalog: Catalog, model: string, payee: string): boolean {
  if (versionAt(catalog.models.get(model)?.lineage ?? [], now())?.payee === payee) return true;
  const plan = splitPlanAt(catalog, model, now());
  return plan !== undefined && planPayees(plan).includes(payee);
}

/** A model's lineage from its root down to it, then what was made from it, nearest first; at most 200 of those. */
export function familyOf(catalog: Catalog, model: string): z.infer<typeof LineageNode>[] {
  const up = lineageAt(catalog, model, now())
    .map((level) => level.model)
    .reverse();
  const down: string[] = [];
  const queue = [model];
  for (let next = queue.shift(); next !== undefined && down.length < DESCENDANTS_MAX; next = queue.shift()) {
    const made = [...(catalog.derivatives.get(next) ?? [])].sort();
    const still = made.filter((id) => baseOf(catalog, id) === next && !down.includes(id));
    down.push(...still);
    queue.push(...still);
  }
  return [...up, ...down].map((id) => nodeOf(catalog, id, model));
}

function baseOf(catalog: Catalog, id: string): string | null {
  return versionAt(catalog.models.get(id)?.lineage ?? [], now())?.baseModel ?? null;
}

function nodeOf(catalog: Catalog, id: string, self: string): z.infer<typeof LineageNode> {
  const [level] = lineageAt(catalog, id, now());
  const step = level?.steps.find((each) => each.take === "royalty");
  const base_model = baseOf(catalog, id);
  return {
    model: id,
    owner: level?.owner ?? "",
    base_model,
    royalty: step === undefined || base_model === null ? null : { percent: step.percent, of: step.of },
    is_self: id === self,
  };
}
