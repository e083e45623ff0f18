import type { operations, schemas } from "../../dist/api/api-types.ts";

/** Posts that name no Idempotency-Key are for browsers that sign in: they cannot be repeated. */
type Repeatable<O extends keyof operations> = O extends `post ${string}`
  ? "Idempotency-Key" extends keyof operations[O]["header"]
    ? O
    : never
  : O;

/** What may be called: "get /v1/payees/{id}/balances". */
export type Operation = { [O in keyof operations]: Repeatable<O> }[keyof operations];

/** What an operation answers; null where it has nothing to say. */
export type Answer<O extends Operation> = operations[O]["answer"];
export type Schema<Name extends keyof schemas> = schemas[Name];

type Nothing = Record<never, never>;
type Path<O extends Operation> = operations[O]["path"];
type Query<O extends Operation> = operations[O]["query"];
type Body<O extends Operation> = operations[O]["body"];

/** What an operation takes, and how it is called. */
export type Input<O extends Operation> = (Nothing extends Path<O> ? { path?: Path<O> } : { path: Path<O> }) &
  (Nothing extends Query<O> ? { query?: Query<O> } : { query: Query<O> }) &
  (undefined extends Body<O> ? { body?: Body<O> } : { body: Body<O> }) & {
    /** Of a POST: what was done under it is not done again. One is made for each call that gives none. */
    idempotencyKey?: string;
    signal?: AbortSignal;
  };

/** The input may be left out where nothing in it is needed. */
export type Arguments<O extends Operation> =
  Nothing extends Input<O> ? [input?: Input<O>] : [input: Input<O>];

interface Page {
  data: unknown[];
  next_cursor: string | null;
}

/** Operations that answer in pages. */
export type Listing = { [O in Operation]: Answer<O> extends Page ? O : never }[Operation];
export type Item<O extends Listing> = Answer<O> extends { data: (infer I)[] } ? I : never;
