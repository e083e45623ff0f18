const NAME = "tributary-key";

/**
 * An API key that this tab works with, where the service has no sessions: it is forgotten with the tab. With sessions
 * there is none here: the browser holds a cookie that no script can read.
 */
export function keptKey(): string | null {
  return sessionStorage.getItem(NAME);
}

export function keepKey(key: string): void {
  sessionStorage.setItem(NAME, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
}
