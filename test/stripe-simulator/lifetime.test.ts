import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { startStripeSimulator } from "../support/stripe-simulator.ts";

const MAIN = new URL("../../stripe-simulator/main.ts", import.meta.url).pathname;

function start(settings: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, STRIPE_SIMULATOR_PORT: "0", ...settings },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("it ends by itself when the process it belongs to is gone, however that ended", async () => {
  const parent = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const simulator = start({ STRIPE_SIMULATOR_PARENT_PID: String(parent.pid) });
  const exited = once(simulator, "exit");
  for await (const line of createInterface({ input: simulator.stdout })) {
    expect(JSON.parse(line)).toEqual({ ready: true, port: expect.any(Number), pid: simulator.pid });
    parent.kill("SIGKILL");
  }
  expect(await exited).toEqual([0, null]);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s stops it, even while a caller hangs", async (signal) => {
  const simulator = start({});
  const exited = once(simulator, "exit");
  for await (const line of createInterface({ input: simulator.stdout })) {
    const { port } = JSON.parse(line) as { port: number };
    const url = `http://127.0.0.1:${port}`;
    await fetch(`${url}/_simulator/faults`, { method: "POST", body: '{"fault":"hang"}' });
    const hanging = fetch(`${url}/v1/balance`, { headers: { Authorization: "Bearer sk_test_any" } });
    hanging.catch(() => {});
    const state = async () => (await fetch(`${url}/_simulator/state`)).json();
    await expect.poll(state).toMatchObject({ faults: 0 });
    simulator.kill(signal);
  }
  expect(await exited).toEqual([0, null]);
});

test("on a port that is taken, or none at all, it says so and ends", async () => {
  const { port, stop } = await startStripeSimulator();
  onTestFinished(stop);
  for (const wrong of [String(port), "somewhere"]) {
    const second = start({ STRIPE_SIMULATOR_PORT: wrong });
    const said = second.stderr.toArray();
    expect(await once(second, "exit")).toEqual([1, null]);
    expect(Buffer.concat(await said).toString()).toContain(wrong);
  }
});
