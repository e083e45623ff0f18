/** What a mail says: a subject, sentences, and at most one thing to do. */
export interface MailText {
  subject: string;
  sentences: string[];
  action?: { label: string; url: string };
}

/** The same words as plain text and as simple HTML without anything that would be loaded. */
export function layOut(
  { subject, sentences, action }: MailText,
  sender: string,
): { subject: string; text: string; html: string } {
  const link = action === undefined ? [] : [`${action.label}: ${action.url}`];
  const text = [...sentences, ...link, `-- \n${sender}`].join("\n\n");
  const paragraphs = sentences.map((sentence) => `<p>${escaped(sentence)}</p>`);
  const button =
    action === undefined
      ? ""
      : `<p><a href="${escaped(action.url)}" style="display:inline-block;padding:10px 16px;background:#1d4ed8;color:#ffffff;text-decoration:none;border-radius:6px">${escaped(action.label)}</a></p>`;
  const html = `<!doctype html><html lang="en"><body style="font:16px/1.5 sans-serif;color:#1f2937;max-width:560px">${paragraphs.join("")}${button}<p style="color:#6b7280">${escaped(sender)}</p></body></html>`;
  return { subject, text: `${text}\n`, html };
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
