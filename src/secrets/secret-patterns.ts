/** A place in a text: from the first to before the last. */
export type Span = readonly [from: number, to: number];

/**
 * Keys that are known by how they look. Each begins at the beginning of a word, so that the middle of a longer text is
 * none; no part looks ahead without a bound, so that none takes long on any text.
 */
const KEYS: readonly RegExp[] = [
  // OpenAI, Anthropic and many others; Replicate; Hugging Face; GitHub; GitLab.
  /(?<![A-Za-z0-9])sk-(?=[\w-]{0,64}\d)[\w-]{8,}/dg,
  /(?<![A-Za-z0-9])(?:r8|hf|gh[pousr]|github_pat|glpat|gsk|npm|dop_v1|pypi|nvapi|xai|pplx|tvly|lin_api)[_-][\w-]{8,}/dg,
  // Amazon, Google, Slack, SendGrid, Stripe, webhooks, our own.
  /(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA|AGPA)[A-Z0-9]{12,}/dg,
  /(?<![A-Za-z0-9])AIza[\w-]{20,}/dg,
  /(?<![A-Za-z0-9])ya29\.[\w.-]{10,}/dg,
  /(?<![A-Za-z0-9])xox[abeoprs]-[\w-]{8,}/dg,
  /(?<![A-Za-z0-9])SG\.[\w-]{16,64}\.[\w-]{16,}/dg,
  /(?<![A-Za-z0-9])(?:sk|rk|pk)_(?:test|live)_\w{8,}/dg,
  /(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=_-]{8,}/dg,
  /(?<![A-Za-z0-9])trib_[a-z]+_[\w-]{8,}/dg,
  // JSON web tokens; private keys.
  /(?<![A-Za-z0-9])eyJ[\w-]{8,512}\.[\w-]{4,}(?:\.[\w-]*)?/dg,
  /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?/dg,
];

/** Texts that are secret for what stands before them; the first group is the secret. Quotes may be escaped, once or more. */
const SAID: readonly RegExp[] = [
  /\bbearer\s+([^\s"'\\,;]{6,})/dgi,
  /\bbasic\s+((?=[A-Za-z0-9+/]*[0-9=])[A-Za-z0-9+/]{8,}={0,2})/dgi,
  /(?:authorization|x-api-key|api-key|set-cookie|cookie|x-auth-token)\\*["']?\s*[:=]\s*\\*["']?([^\r\n"'\\]{3,})/dgi,
  /(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key)[\w-]{0,20}\\*["']?\s*[:=]\s*\\*["']?([^\s"'\\,;&<>]{3,})/dgi,
  /token\\*["']?\s*[:=]\s*\\*["']?([^\s"'\\,;&<>]{3,})/dgi,
  /[?&](?:token|key|sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)|api_?key|secret|code|auth)=([^&#\s"'<>\\]+)/dgi,
  // user:password@host
  /[a-z][a-z0-9+.-]{0,15}:\/\/[^\s/@:"']{0,128}:([^\s/@"']{1,256})@/dgi,
];

/**
 * Each with the same pattern that only says whether there is any: most texts hold none, and `matchAll` makes a new pattern
 * for each text, which took half of all the time that is spent on looking for secrets.
 */
const withQuestion = (patterns: readonly RegExp[]) =>
  patterns.map((all) => ({ any: new RegExp(all.source, all.flags.replaceAll(/[dg]/g, "")), all }));
const LOOKING_LIKE_KEYS = withQuestion(KEYS);
const SAID_TO_BE_SECRET = withQuestion(SAID);

/** Where a text holds something that looks like a secret by itself. */
export function keysIn(text: string): Span[] {
  return LOOKING_LIKE_KEYS.flatMap((pattern) => spansOf(pattern, text));
}

/** Where it holds one that it says is one. */
export function saidIn(text: string): Span[] {
  return SAID_TO_BE_SECRET.flatMap((pattern) => spansOf(pattern, text));
}

/** Shorter texts hold none of them. */
const TEXT_LENGTH_MIN = 8;

function spansOf({ any, all }: { any: RegExp; all: RegExp }, text: string): Span[] {
  if (text.length < TEXT_LENGTH_MIN || !any.test(text)) return [];
  return [...text.matchAll(all)].flatMap(({ indices }) => {
    const found = indices?.[1] ?? indices?.[0];
    return found === undefined ? [] : [found];
  });
}
