import { createServer } from "node:net";

/** A port of 127.0.0.1 that was free a moment ago: the one asked for if possible. */
export async function freePort(preferred = 0): Promise<number> {
  try {
    return await bindOnce(preferred);
  } catch {
    return bindOnce(0);
  }
}

function bindOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
    });
  });
}
