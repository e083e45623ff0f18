import { describeFaults } from "./harness/describe-faults.ts";
import { deathAt, FAILPOINTS } from "./worker/failpoints.ts";
import { frozenWhileItsPartitionsMove } from "./worker/frozen.ts";
import { storm } from "./worker/storm.ts";

describeFaults("Workers on Kafka", { log: "kafka", partitions: 4, workers: 1 }, [
  ...FAILPOINTS.map(deathAt),
  frozenWhileItsPartitionsMove,
  storm,
]);
