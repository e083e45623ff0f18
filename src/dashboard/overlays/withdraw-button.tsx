import { type ReactNode, useState } from "react";
import { ConfirmButton } from "../parts/confirm-button.tsx";

const REASON_MAX = 500;

/** Takes back what waits for approval, with the reason. */
export function WithdrawButton({
  title,
  children,
  inRow = false,
  disabled,
  onConfirm,
}: {
  title: string;
  children: ReactNode;
  inRow?: boolean;
  disabled: boolean;
  onConfirm: (reason: string) => void;
}) {
  const [reason, setReason] = useState("");
  return (
    <ConfirmButton
      label="Withdraw"
      title={title}
      danger
      inRow={inRow}
      disabled={disabled}
      ready={reason.trim() !== ""}
      onConfirm={() => onConfirm(reason.trim())}
    >
      {children}
      <label className="choice">
        <span>Reason, kept with it</span>
        <input
          required
          maxLength={REASON_MAX}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </label>
    </ConfirmButton>
  );
}
