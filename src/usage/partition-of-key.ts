import { crc32 } from "node:zlib";

/** Spreads keys evenly. Which partition a key gets carries no meaning, so it may change with `partitions`. */
export function partitionOfKey(key: string, partitions: number): number {
  return crc32(key) % partitions;
}
