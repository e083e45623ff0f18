import { describeFaults } from "./harness/describe-faults.ts";
import { acrossMidnight, acrossTheMonthsEnd } from "./producing/boundaries.ts";
import { otherContent, raceOfContents } from "./producing/conflicts.ts";
import { acknowledgementsLost, batchedAnew } from "./producing/sent-again.ts";

describeFaults("Producers at fault, with Kafka", { log: "kafka", partitions: 4, workers: 1 }, [
  acknowledgementsLost,
  batchedAnew,
  otherContent,
  raceOfContents,
  acrossMidnight,
  acrossTheMonthsEnd,
]);
