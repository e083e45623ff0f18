import { expect, test } from "vitest";
import { GroupCommit } from "../../src/usage/index.ts";

interface Send {
  items: string[];
  finish(error?: Error): void;
}

function recorded(sendBytesMax = 10) {
  const sends: Send[] = [];
  const commits = new GroupCommit<string>({
    bytesOf: (item) => item.length,
    sendBytesMax,
    send: (items) =>
      new Promise((resolve, reject) => {
        sends.push({ items, finish: (error) => (error ? reject(error) : resolve()) });
      }),
  });
  return { sends, commits };
}

test("the first append goes out at once, and what arrives meanwhile goes out together in the next send", async () => {
  const { sends, commits } = recorded();
  const first = commits.append(["a"]);
  const others = [commits.append(["b"]), commits.append(["c", "d"])];
  expect(sends.map(({ items }) => items)).toEqual([["a"]]);
  sends[0]?.finish();
  await first;
  await expect.poll(() => sends.length).toBe(2);
  expect(sends[1]?.items).toEqual(["b", "c", "d"]);
  sends[1]?.finish();
  await Promise.all(others);
});

test("a failed send fails its own callers and nobody else", async () => {
  const { sends, commits } = recorded();
  const first = commits.append(["a"]);
  const second = commits.append(["b"]);
  sends[0]?.finish(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await expect.poll(() => sends.length).toBe(2);
  sends[1]?.finish();
  await second;
});

test("a large append is sent in portions, and resolves when the last of them is durable", async () => {
  const { sends, commits } = recorded(4);
  const append = commits.append(["aa", "bb", "cc", "dddddd", "e"]);
  for (let index = 0; index < 4; index += 1) {
    await expect.poll(() => sends.length).toBe(index + 1);
    sends[index]?.finish();
  }
  await append;
  expect(sends.map(({ items }) => items)).toEqual([["aa", "bb"], ["cc"], ["dddddd"], ["e"]]);
});

test("an append of nothing resolves", async () => {
  const { sends, commits } = recorded();
  await commits.append([]);
  expect(sends).toEqual([]);
});
