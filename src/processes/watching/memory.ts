import { setFlagsFromString } from "node:v8";

/**
 * Usage passes through in buffers, which lie outside V8's heap. By default V8 marks the whole heap each time that 64 MiB of them
 * were allocated, several times a second under load, on threads that the work needs: half of the API's time. Here they count as
 * part of the heap's own limit, which grows with what lives; and short-lived objects have room to die young. docs/benchmarks.md has
 * what it brought. To be called before anything is loaded that allocates much.
 */
export function collectGarbageLess(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString("--max-semi-space-size=64");
  setFlagsFromString("--min-semi-space-size=32");
}
