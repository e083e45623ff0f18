import { expect } from "vitest";
import type { Answer } from "./api.ts";

/** The answer is a problem document as the contract has it, with this status, code and, if given, first error's path. */
export function expectProblem(answer: Answer, status: number, code: string, path?: string): void {
  expect(answer.body).toMatchObject({ status, code, type: expect.any(String), title: expect.any(String) });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const { detail, errors } = answer.body as { detail: string; errors?: { path: string }[] };
  expect(detail.length).toBeGreaterThan(10);
  if (path !== undefined) {
    expect(errors?.map((error) => error.path)).toContain(path);
    expect(errors?.[0]).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  }
}

/** What a caller sees of an answer, with the id it asked for left out: equal for things that are foreign and missing. */
export function without(id: string, answer: Answer): unknown {
  return { status: answer.status, body: JSON.stringify(answer.body).replaceAll(id, "…") };
}
