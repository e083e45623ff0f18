import { BATCH_BYTES_MAX } from "../../usage/index.ts";

/** Two of them let the thread work while the database does; more would only be held. */
const PREPARED_MAX = 2;
/** More than this takes longer to apply than a fetch that finds nothing takes to return. */
const LARGE_BYTES = 4 * 1024 * 1024;
const BYTES_MAX = 4 * BATCH_BYTES_MAX;

/** A batch that waits until those of its partition before it are applied. */
export interface WaitingBatch {
  /** Whether the reader may prepare it now. */
  prepared: boolean;
  /**
   * Whether the other partitions are fetched meanwhile, and this one is not. Of small batches all are waited for: a fetch of the
   * others that finds nothing would hold this one up.
   */
  passed: boolean;
  /** Its turn has come, or it is dropped. */
  end(): void;
}

/** What the partitions of one consumer hold beside what is being applied, so that its memory stays bounded. */
export class WaitingBatches {
  #bytes = 0;
  #prepared = 0;

  begin(bytes: number): WaitingBatch {
    const prepared = this.#prepared < PREPARED_MAX;
    if (prepared) this.#prepared++;
    this.#bytes += bytes;
    const end = () => {
      this.#bytes -= bytes;
      if (prepared) this.#prepared--;
    };
    return { prepared, passed: bytes > LARGE_BYTES && this.#bytes <= BYTES_MAX, end };
  }
}
