import { useState } from "react";
import type { Answer } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { count, timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { Person } from "./person.tsx";

type Partition = Answer<"get /v1/metering/partitions">["data"][number];

/** Where metering stands in each partition of the usage log, and what an operator must say is lost before it goes on. */
export function LogLoss() {
  const partitions = useApi("get /v1/metering/partitions", {});
  return (
    <Panel
      title="Partitions of the usage log"
      note="A partition that lost records stands still until a person says so."
    >
      <Shown query={partitions} lines={4}>
        {({ data }) => (
          <ul className="steps">
            {data.map((each) => (
              <OnePartition key={each.partition} shown={each} />
            ))}
          </ul>
        )}
      </Shown>
    </Panel>
  );
}

function OnePartition({ shown: { partition, log, cursor, broken, lost, accepted } }: { shown: Partition }) {
  const accept = useAction("post /v1/metering/partitions/{partition}/accept-loss");
  const { makes } = useDuties();
  const [reason, setReason] = useState("");
  return (
    <li>
      <span>
        Partition {partition}: the log holds {count(log.start)} to {count(log.end)},{" "}
        {cursor === null ? "nothing is read yet" : `read up to ${count(cursor.offset)}`}
      </span>
      <span className={`tag ${broken === null ? "good" : "bad"}`}>
        {broken === null ? "well" : "stands still"}
      </span>
      {broken !== null && (
        <Notice tone="bad">
          {broken}{" "}
          {lost !== null &&
            `Records ${count(lost.from)} to ${count(lost.until)} were never counted and are gone.`}
        </Notice>
      )}
      {broken !== null && !makes && <Notice>A loss is accepted by a maker.</Notice>}
      {broken !== null && cursor !== null && (
        <ConfirmButton
          danger
          label="Accept the loss"
          title={`Go on without what partition ${partition} lost?`}
          disabled={accept.isPending || !makes}
          ready={reason.trim() !== ""}
          onConfirm={() =>
            accept.mutate({ path: { partition: String(partition) }, body: { cursor, reason: reason.trim() } })
          }
        >
          <p>Metering goes on at the log's start once its workers start again. This is kept for ever.</p>
          <label className="choice">
            <span>Why the records are gone</span>
            <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
          </label>
        </ConfirmButton>
      )}
      <ActionProblem error={accept.error} />
      {accepted.map(({ from, to, reason: why, accepted_by, accepted_at }) => (
        <span key={accepted_at} className="dim">
          Accepted {timeName(accepted_at)} by <Person id={accepted_by} />: from {count(from.offset)} to{" "}
          {count(to.offset)}. {why}
        </span>
      ))}
    </li>
  );
}
