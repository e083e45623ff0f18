/**
 * Cuts the text of a JSON array into the exact texts of its elements, so that a dead letter keeps what was sent
 * (parsing and writing again would lose 1e400 or a doubled key). The text must be valid JSON.
 */
export function sliceArray(text: string): string[] {
  const elements: string[] = [];
  let depth = 0;
  let start = -1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
    } else if (character === "[" || character === "{") {
      depth++;
      if (depth === 1) start = at + 1;
    } else if (character === "]" || character === "}") {
      depth--;
      if (depth === 0 && text.slice(start, at).trim() !== "") elements.push(text.slice(start, at));
    } else if (character === "," && depth === 1) {
      elements.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return elements.map((element) => element.trim());
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
