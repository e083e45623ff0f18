import type { Operation } from "./with-examples.ts";

/** How an operation is called with curl: with the examples of its document, $TRIBUTARY_URL and $TRIBUTARY_KEY. */
export function curlOf(method: string, path: string, operation: Operation): string {
  const { parameters = [], requestBody, security } = operation;
  const wanted = parameters.filter(({ required }) => required);
  const filled = wanted
    .filter((parameter) => parameter.in === "path")
    .reduce(
      (text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(String(example))),
      path,
    );
  const query = wanted
    .filter((parameter) => parameter.in === "query")
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
    .join("&");
  const parts = [`curl "$TRIBUTARY_URL${filled}${query === "" ? "" : `?${query}`}"`];
  if (method !== "get") parts[0] = `curl -X ${method.toUpperCase()}${parts[0]?.slice("curl".length)}`;
  if (security === undefined) parts.push('-H "Authorization: Bearer $TRIBUTARY_KEY"');
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (type !== undefined) {
    parts.push(`-H "Content-Type: ${type}"`, `-d ${quoted(JSON.stringify(media?.example))}`);
  }
  return parts.join(" \\\n  ");
}

/** For a shell, as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
