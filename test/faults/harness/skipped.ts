/** The fault cannot be done on this machine; the message says why. */
export class Skipped extends Error {
  override name = "Skipped";
}
