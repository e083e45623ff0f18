import { Popover } from "@base-ui/react/popover";
import type { RefObject } from "react";

/** What a figure means, beside the button that asked for it. */
export function TermPopover({
  open,
  title,
  text,
  button,
  onClose,
}: {
  open: boolean;
  title: string;
  text: string;
  button: RefObject<HTMLButtonElement | null>;
  onClose: () => void;
}) {
  return (
    <Popover.Root
      open={open}
      onOpenChange={(next, { event, reason }) => {
        // Pressed again, the button closes it by itself.
        const onButton = event.target instanceof Node && button.current?.contains(event.target) === true;
        if (!next && !(onButton && reason === "outside-press")) onClose();
      }}
    >
      <Popover.Portal>
        <Popover.Positioner anchor={button} sideOffset={6} collisionPadding={12}>
          <Popover.Popup className="popover" finalFocus={button}>
            <Popover.Title className="popover-title">{title}</Popover.Title>
            <Popover.Description>{text}</Popover.Description>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
