import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";

/** The list of pages on a narrow screen. */
export function Drawer({
  open,
  children,
  onClose,
}: {
  open: boolean;
  children: ReactNode;
  onClose: () => void;
}) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="drawer">
          <Dialog.Title className="drawer-title">Pages</Dialog.Title>
          <Dialog.Close className="drawer-close" aria-label="Close">
            <span aria-hidden="true">×</span>
          </Dialog.Close>
          <nav aria-label="Pages">{children}</nav>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
