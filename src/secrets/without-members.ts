const REMOVED = '"[removed]"';

/**
 * A JSON text with `"[removed]"` in the place of the members of these names, at any depth, when they hold a text, a list or
 * an object. Every other character stays: reading and writing again would lose 1e400 or a doubled key. It must be valid JSON.
 */
export function withoutMembers(text: string, names: readonly string[]): string {
  let kept = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '"') continue;
    const end = endOfString(text, at);
    const value = valueAfter(text, end + 1);
    if (value !== undefined && names.includes(JSON.parse(text.slice(at, end + 1)) as string)) {
      const valueEnd = endOfValue(text, value);
      if (valueEnd !== undefined) {
        kept += text.slice(copied, value) + REMOVED;
        copied = valueEnd;
        at = valueEnd - 1;
        continue;
      }
    }
    at = end;
  }
  return kept + text.slice(copied);
}

/** Where the value begins, when the string before it is a name. */
function valueAfter(text: string, from: number): number | undefined {
  const colon = afterSpace(text, from);
  return text[colon] === ":" ? afterSpace(text, colon + 1) : undefined;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
  return at;
}

/** After a text, a list or an object; undefined for anything else. */
function endOfValue(text: string, from: number): number | undefined {
  if (text[from] === '"') return endOfString(text, from) + 1;
  if (text[from] !== "{" && text[from] !== "[") return undefined;
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === "{" || character === "[") depth++;
    else if ((character === "}" || character === "]") && --depth === 0) return at + 1;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
