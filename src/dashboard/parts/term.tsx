import { Popover } from "@base-ui/react/popover";
import type { ReactNode } from "react";
import { DEFINITIONS, type Defined } from "./definitions.ts";

/** A figure's name with what it means behind it: by click, tap or keyboard. */
export function Term({ name, children }: { name: Defined; children?: ReactNode }) {
  const { title, text } = DEFINITIONS[name];
  return (
    <Popover.Root>
      <Popover.Trigger className="term">
        {children ?? title}
        <span className="hidden">: what is this?</span>
        <span aria-hidden="true" className="term-mark">
          ?
        </span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} collisionPadding={12}>
          <Popover.Popup className="popover">
            <Popover.Title className="popover-title">{title}</Popover.Title>
            <Popover.Description>{text}</Popover.Description>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
