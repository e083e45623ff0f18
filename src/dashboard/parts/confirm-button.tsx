import { type ReactNode, useLayoutEffect, useRef } from "react";
import { useOverlay } from "../overlays/use-overlay.ts";
import { later } from "../shell/later.tsx";

const ConfirmDialog = later(() => import("../overlays/confirm-dialog.tsx").then((m) => m.ConfirmDialog));

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
  const { open, wanted, setOpen } = useOverlay();
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
    <>
      {/* Not truly disabled: the keyboard comes back to it while what was confirmed is carried out. */}
      <button
        type="button"
        ref={trigger}
        className={danger ? "danger" : inRow ? undefined : "primary"}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-disabled={disabled || undefined}
        onClick={() => setOpen(!disabled)}
      >
        {label}
      </button>
      {wanted && (
        <ConfirmDialog
          open={open}
          label={label}
          title={title}
          danger={danger}
          ready={ready}
          popup={dialog}
          returnTo={() => (trigger.current?.isConnected ? trigger.current : pagesName())}
          onConfirm={onConfirm}
          onClose={() => setOpen(false)}
        >
          {children}
        </ConfirmDialog>
      )}
    </>
  );
}

function pagesName(): HTMLElement | null {
  return document.querySelector("#main h1");
}

function toPagesName(): void {
  pagesName()?.focus({ preventScroll: true });
}
