import type { Sql } from "../../../src/postgres/index.ts";

/** The payer is gone: what it had sent is done, what it has not sent never will be. */
export class Crashed extends Error {
  override name = "Crashed";
}

/** Where the payer dies: at its n-th dealing with the world, before it or when it is done but nobody was told. */
export interface Failpoint {
  step: number;
  before: boolean;
}

export interface Mortal {
  sql: Sql;
  /** Has the failpoint strike calls to the provider as well. */
  mortal<T extends object>(provider: T): T;
}

/** As kill -9 sees it: from the failpoint on no statement and no call of this payer gets through. */
export function crashingAt(sql: Sql, failpoint: Failpoint): Mortal {
  let steps = 0;
  let dead = false;
  const step = async <T>(work: () => PromiseLike<T>): Promise<T> => {
    const fatal = !dead && ++steps === failpoint.step;
    if (fatal && failpoint.before) dead = true;
    if (dead) throw new Crashed("killed");
    const done = await work();
    if (fatal) dead = true;
    // `dead` may have become true while this was under way: its answer reaches nobody.
    if (dead) throw new Crashed("killed");
    return done;
  };
  const wrapped = <S extends object>(inner: S, own: Record<PropertyKey, unknown>): S =>
    new Proxy(inner, {
      apply: (target, _this, args: [unknown, ...unknown[]]) => {
        const call = () => Reflect.apply(target as () => Promise<unknown>, undefined, args);
        const isStatement = Array.isArray(args[0]) && "raw" in args[0];
        return isStatement ? step(call) : call();
      },
      get: (target, name) => own[name] ?? Reflect.get(target, name),
    });
  const reserve = async () => {
    const reserved = await sql.reserve();
    // The server ends a dead client's session, and its locks with it.
    const release = () => void reserved`SELECT pg_advisory_unlock_all()`.finally(() => reserved.release());
    return wrapped(reserved, { release });
  };
  return {
    sql: wrapped(sql, { reserve }),
    mortal: (provider) =>
      new Proxy(provider, {
        get(target, name) {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== "function") return method;
          return (...args: unknown[]) => step(async () => Reflect.apply(method, target, args));
        },
      }),
  };
}
