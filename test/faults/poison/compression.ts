import { createRequire } from "node:module";
import { zstdCompressSync } from "node:zlib";

/** As Kafka numbers them. */
export const GZIP = 1;
export const ZSTD = 4;

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(): Promise<Buffer>;
}

/** kafkajs knows gzip alone; every other client of Kafka knows this one as well. For this process only. */
export function teachZstd(): void {
  const { CompressionCodecs } = createRequire(import.meta.url)("kafkajs") as {
    CompressionCodecs: Record<number, () => Codec>;
  };
  CompressionCodecs[ZSTD] = () => ({
    compress: async ({ buffer }) => zstdCompressSync(buffer),
    decompress: async () => {
      throw new Error("nothing is read here");
    },
  });
}
