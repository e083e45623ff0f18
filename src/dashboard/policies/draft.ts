import type { Schema } from "../data/api.ts";

export type Steps = Schema<"Model">["policies"][number]["steps"];
export type Share = Schema<"SharesStep">["shares"][number];
export type Take = Exclude<Steps[number], { take: "shares" }>;

/** Something in a list that can be moved: its id stays with it. */
export interface Placed<T> {
  id: number;
  value: T;
}

/** A policy that is being written. The shares take all that remains, so they always stand last. */
export interface Draft {
  takes: Placed<Take>[];
  shares: Placed<Share>[];
}

const NEW: Record<Take["take"], Take> = {
  cost: { take: "cost", meter: "predict_seconds", amount: "0.001", per: "1" },
  platform: { take: "platform", percent: "20", of: "gross" },
  royalty: { take: "royalty", percent: "5", of: "gross" },
};

/** What a model without a policy of its own follows, unless the marketplace says otherwise. */
const START: Steps = [
  { take: "platform", percent: "20", of: "gross" },
  { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
];

export function draftOf(steps: Steps | null): Draft {
  const all = steps ?? START;
  const shares = all.flatMap((step) => (step.take === "shares" ? step.shares : []));
  return {
    takes: all.flatMap((step) => (step.take === "shares" ? [] : [placed(step)])),
    shares: shares.map(placed),
  };
}

export function stepsOf({ takes, shares }: Draft): Steps {
  return [...takes.map(({ value }) => value), { take: "shares", shares: shares.map(({ value }) => value) }];
}

let lastId = 0;

export function placed<T>(value: T): Placed<T> {
  lastId += 1;
  return { id: lastId, value };
}

export function newTake(kind: Take["take"]): Placed<Take> {
  return placed(NEW[kind]);
}

export function changed<T>(list: readonly Placed<T>[], id: number, value: T): Placed<T>[] {
  return list.map((each) => (each.id === id ? { id, value } : each));
}

export function without<T>(list: readonly Placed<T>[], id: number): Placed<T>[] {
  return list.filter((each) => each.id !== id);
}

/** One place up (−1) or down (+1); at an end it stays. */
export function moved<T>(list: readonly Placed<T>[], id: number, by: -1 | 1): Placed<T>[] {
  const from = list.findIndex((each) => each.id === id);
  const [one, other] = [list[from], list[from + by]];
  if (one === undefined || other === undefined) return [...list];
  return list.map((each) => (each === one ? other : each === other ? one : each));
}
