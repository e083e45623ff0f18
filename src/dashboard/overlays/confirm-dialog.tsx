import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode, RefObject } from "react";

/** Says what will be done, and asks whether to do it. */
export function ConfirmDialog({
  open,
  label,
  title,
  children,
  danger,
  ready,
  popup,
  returnTo,
  onConfirm,
  onClose,
}: {
  open: boolean;
  label: string;
  title: string;
  children: ReactNode;
  danger: boolean;
  ready: boolean;
  popup: RefObject<HTMLDivElement | null>;
  /** Where the keyboard goes when it is closed. */
  returnTo: () => HTMLElement | null;
  onConfirm: () => void;
  onClose: () => void;
}) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog" ref={popup} finalFocus={returnTo}>
          <Dialog.Title>{title}</Dialog.Title>
          <div className="stack">{children}</div>
          <div className="actions">
            <button
              type="button"
              className={danger ? "danger" : "primary"}
              disabled={!ready}
              onClick={() => {
                onClose();
                onConfirm();
              }}
            >
              {label}
            </button>
            <Dialog.Close>Cancel</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
