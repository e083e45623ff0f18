import { useState } from "react";
import type { Answer, Input } from "../data/api.ts";
import { fieldText, nanosOf } from "../data/money.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";

type Owed = Answer<"get /v1/owed-customers">["data"][number];
export type Repayment = Input<"post /v1/corrections">["body"];

/** Records what was paid back to a customer elsewhere: how much, when, and under which name at the bank. */
export function RecordRepayment({
  owed: { customer, name, currency, repayable },
  disabled,
  onConfirm,
}: {
  owed: Owed;
  disabled: boolean;
  onConfirm: (repayment: Repayment) => void;
}) {
  const most = fieldText(repayable);
  const [amount, setAmount] = useState(most);
  const [day, setDay] = useState(new Date().toISOString().slice(0, 10));
  const [reference, setReference] = useState("");
  const [reason, setReason] = useState("");
  const isAmount = /^\d+(\.\d{1,9})?$/.test(amount) && nanosOf(amount) > 0n;
  const ready = isAmount && [day, reference.trim(), reason.trim()].every((text) => text !== "");
  if (nanosOf(repayable.amount) === 0n) return "on its way, or disputed";
  return (
    <ConfirmButton
      inRow
      label="Record a repayment"
      title={`Record what was paid back to ${name}`}
      disabled={disabled}
      ready={ready}
      onConfirm={() =>
        onConfirm({
          ...{ kind: "repayment", customer, currency, amount, reference: reference.trim() },
          ...{ paid_at: `${day}T00:00:00Z`, reason: reason.trim() },
        })
      }
    >
      <p>The money must have been sent already: this only books it.</p>
      <label className="choice">
        <span>
          Amount in {currency}, at most {most}
        </span>
        <input
          inputMode="decimal"
          value={amount}
          onChange={(event) => setAmount(event.currentTarget.value)}
        />
      </label>
      <label className="choice">
        <span>Paid on (UTC)</span>
        <input type="date" value={day} onChange={(event) => setDay(event.currentTarget.value)} />
      </label>
      <label className="choice">
        <span>The bank's reference</span>
        <input
          maxLength={200}
          value={reference}
          onChange={(event) => setReference(event.currentTarget.value)}
        />
      </label>
      <label className="choice">
        <span>Reason</span>
        <input maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
      </label>
    </ConfirmButton>
  );
}
