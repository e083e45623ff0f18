import { type Logger, pino } from "pino";

/** Structured logs, to stderr so that commands can print results. Secrets never get in, whoever logs them. */
export function createLogger(level: string): Logger {
  const secrets = [
    "authorization",
    "secret",
    "password",
    "operatorKey",
    "secretKey",
    "databaseUrl",
    "cookie",
  ];
  const paths = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    { name: "tributary", level, redact: { paths, censor: "[redacted]" } },
    pino.destination({ dest: 2, sync: true }),
  );
}
