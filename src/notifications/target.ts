import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isPublicAddress } from "./public-address.ts";

/** Why nothing is sent to a URL, in words for its owner. */
export class TargetRefused extends Error {
  override name = "TargetRefused";
}

/**
 * A URL that messages may be sent to. Hosts in `allowed` may be private and without TLS.
 * @throws TargetRefused
 */
export function readTarget(text: string, allowed: ReadonlySet<string>): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new TargetRefused("this is no URL");
  const exempt = allowed.has(hostOf(url));
  if (url.protocol !== "https:" && !(exempt && url.protocol === "http:"))
    throw new TargetRefused("the URL must begin with https://");
  if (url.username !== "" || url.password !== "")
    throw new TargetRefused("the URL must not have a user name");
  if (url.hash !== "") throw new TargetRefused("the URL must not have a fragment");
  const host = hostOf(url);
  if (!exempt && isIP(host) !== 0 && !isPublicAddress(host)) throw privateAddress(host);
  return url;
}

/**
 * The one address to connect to. A name with even one address that is not public is refused: who controls the name chooses
 * which of them we get. @throws TargetRefused
 */
export async function resolveTarget(
  url: URL,
  allowed: ReadonlySet<string>,
): Promise<{ address: string; family: number }> {
  const host = hostOf(url);
  const found = await lookup(host, { all: true }).catch(() => []);
  const [first] = found;
  if (first === undefined) throw new TargetRefused(`${host} has no address`);
  const inside = allowed.has(host) ? undefined : found.find(({ address }) => !isPublicAddress(address));
  if (inside !== undefined) throw privateAddress(host);
  return first;
}

/** Without the brackets of IPv6. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function privateAddress(host: string): TargetRefused {
  return new TargetRefused(`${host} is not a public address`);
}
