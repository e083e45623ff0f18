import { useState } from "react";

/** Whether something is open over the page, and whether it ever was: until then its code need not be there. */
export function useOverlay() {
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState(false);
  return {
    open,
    wanted,
    setOpen: (next: boolean) => {
      if (next) setWanted(true);
      setOpen(next);
    },
  };
}
