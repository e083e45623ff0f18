import { Dialog } from "@base-ui/react/dialog";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";

/** Something that cannot be taken back: what it will do is said first, and asked once more. */
export function ConfirmButton({
  label,
  title,
  children,
  danger = false,
  inRow = false,
  disabled = false,
  ready = true,
  onConfirm,
}: {
  label: string;
  title: string;
  children: ReactNode;
  danger?: boolean;
  /** One of many, in a table: only what a page is for stands out. */
  inRow?: boolean;
  disabled?: boolean;
  /** Whether what must be confirmed inside is. */
  ready?: boolean;
  onConfirm: () => void;
}) {
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const dialog = useRef<HTMLDivElement>(null);
  // What was confirmed may take the row away that this button stands in: the keyboard goes on at the page's name.
  useLayoutEffect(() => {
    const [button, popup] = [trigger, dialog];
    return () => {
      const { activeElement } = document;
      if (activeElement === button.current || popup.current?.contains(activeElement)) toPagesName();
    };
  }, []);
  return (
    <Dialog.Root open={open} onOpenChange={(next) => setOpen(next && !disabled)}>
      {/* Not truly disabled: the keyboard comes back to it while what was confirmed is carried out. */}
      <Dialog.Trigger
        ref={trigger}
        className={danger ? "danger" : inRow ? undefined : "primary"}
        aria-disabled={disabled || undefined}
      >
        {label}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup
          className="dialog"
          ref={dialog}
          finalFocus={() => (trigger.current?.isConnected ? trigger.current : pagesName())}
        >
          <Dialog.Title>{title}</Dialog.Title>
          <div className="stack">{children}</div>
          <div className="actions">
            <button
              type="button"
              className={danger ? "danger" : "primary"}
              disabled={!ready}
              onClick={() => {
                setOpen(false);
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

function pagesName(): HTMLElement | null {
  return document.querySelector("#main h1");
}

function toPagesName(): void {
  pagesName()?.focus({ preventScroll: true });
}
