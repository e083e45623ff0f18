import { type ReactNode, useRef } from "react";
import { useOverlay } from "../overlays/use-overlay.ts";
import { later } from "../shell/later.tsx";
import { DEFINITIONS, type Defined } from "./definitions.ts";

const TermPopover = later(() => import("../overlays/term-popover.tsx").then((m) => m.TermPopover));

/** A figure's name with what it means behind it: by click, tap or keyboard. */
export function Term({ name, children }: { name: Defined; children?: ReactNode }) {
  const { title, text } = DEFINITIONS[name];
  const { open, wanted, setOpen } = useOverlay();
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        type="button"
        ref={button}
        className="term"
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {children ?? title}
        <span className="hidden">: what is this?</span>
        <span aria-hidden="true" className="term-mark">
          ?
        </span>
      </button>
      {wanted && (
        <TermPopover open={open} title={title} text={text} button={button} onClose={() => setOpen(false)} />
      )}
    </>
  );
}
