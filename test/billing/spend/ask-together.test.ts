import { expect, test } from "vitest";
import { AskTogether } from "../../../src/billing/spend/ask-together.ts";

/** Answers a question with itself, and remembers which were asked together. */
function startDesk() {
  const calls: string[][] = [];
  const desk = new AskTogether<string, string>(
    async (questions) => {
      calls.push(questions);
      if (questions.includes("bad")) throw new Error("a bad question");
      return questions.map((question) => `${question}!`);
    },
    (question) => question,
  );
  return { calls, desk };
}

test("what is asked while a call is under way is asked together, each answered its own", async () => {
  const { calls, desk } = startDesk();
  const answers = await Promise.all(["a", "b", "c"].map((question) => desk.answer(question)));
  expect(answers).toEqual(["a!", "b!", "c!"]);
  expect(calls).toEqual([["a"], ["b", "c"]]);
  expect(await desk.answer("d")).toBe("d!");
});

test("the same question twice is asked one after the other", async () => {
  const { calls, desk } = startDesk();
  await Promise.all(["a", "b", "b"].map((question) => desk.answer(question)));
  expect(calls).toEqual([["a"], ["b"], ["b"]]);
});

test("a bad question fails alone", async () => {
  const { desk } = startDesk();
  const settled = await Promise.allSettled(["a", "b", "bad", "c"].map((question) => desk.answer(question)));
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
});
