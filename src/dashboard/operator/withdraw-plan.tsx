import { useState } from "react";
import { useAction } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";

/** Takes a plan back that is not to be approved. The month is planned anew by hand, not by the schedule. */
export function WithdrawPlan({ period, hash }: { period: string; hash: string }) {
  const withdraw = useAction("post /v1/settlements/{period}/withdraw");
  const [reason, setReason] = useState("");
  return (
    <>
      <ConfirmButton
        danger
        label="Withdraw"
        title="Withdraw this plan?"
        disabled={withdraw.isPending}
        ready={reason.trim() !== ""}
        onConfirm={() => withdraw.mutate({ path: { period }, body: { hash, reason: reason.trim() } })}
      >
        <p>It pays nobody then. The month waits until somebody plans it anew; the schedule does not.</p>
        <label className="choice">
          <span>Why it is not to be approved</span>
          <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        </label>
      </ConfirmButton>
      <ActionProblem error={withdraw.error} />
    </>
  );
}
