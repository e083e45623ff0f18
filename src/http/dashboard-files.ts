import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { Express, Request, Response } from "express";
import helmet from "helmet";

/** Where `npm ci` (or `npm run dashboard`) puts the built page. */
const BUILT = join(import.meta.dirname, "../../dist/dashboard");

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".woff2": "font/woff2",
  ".svg": "image/svg+xml",
};

/** The page runs its own script and nothing else, and talks to this service only. */
const POLICY = {
  useDefaults: false,
  directives: {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "font-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
  },
};

interface BuiltFile {
  type: string;
  plain: Buffer;
  /** The same, compressed when it was built. */
  brotli: Buffer | undefined;
  gzip: Buffer | undefined;
}

/** The dashboard at /dashboard and below: one page, which finds its way by its address. */
export function mountDashboard(app: Express): void {
  const files = readBuilt();
  app.use("/dashboard", helmet({ contentSecurityPolicy: POLICY, referrerPolicy: { policy: "same-origin" } }));
  app.get("/", (_request, response) => response.redirect(302, "/dashboard"));
  app.get("/dashboard/assets/:name", (request, response, next) => {
    const file = files.get(`assets/${request.params.name}`);
    if (file === undefined) return next();
    // Named by the hash of what is in it.
    response.setHeader("Cache-Control", "public, max-age=31536000, immutable");
    sendFile(request, response, file);
  });
  app.get(["/dashboard", "/dashboard/*path"], (request, response, next) => {
    if (request.path.startsWith("/dashboard/assets/")) return next();
    const page = files.get("index.html");
    response.setHeader("Cache-Control", "no-cache");
    if (page === undefined) {
      response.status(503).type("text/plain").send("The dashboard is not built: run npm run dashboard.\n");
      return;
    }
    sendFile(request, response, page);
  });
}

function readBuilt(): Map<string, BuiltFile> {
  if (!existsSync(join(BUILT, "index.html"))) return new Map();
  const names = readdirSync(BUILT, { recursive: true, encoding: "utf8" });
  const read = (name: string) => (names.includes(name) ? readFileSync(join(BUILT, name)) : undefined);
  return new Map(
    names.flatMap((name) => {
      const [type, plain] = [TYPES[extname(name)], TYPES[extname(name)] && read(name)];
      if (type === undefined || !plain) return [];
      return [[name, { type, plain, brotli: read(`${name}.br`), gzip: read(`${name}.gz`) }]];
    }),
  );
}

function sendFile(request: Request, response: Response, { type, plain, brotli, gzip }: BuiltFile): void {
  const encoding = request.acceptsEncodings(...(brotli ? ["br"] : []), ...(gzip ? ["gzip"] : []), "identity");
  const bytes = encoding === "br" ? brotli : encoding === "gzip" ? gzip : undefined;
  response.setHeader("Vary", "Accept-Encoding");
  response.setHeader("Content-Type", type);
  if (bytes !== undefined) response.setHeader("Content-Encoding", String(encoding));
  response.end(bytes ?? plain);
}
