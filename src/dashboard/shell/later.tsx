import { type ComponentType, type ReactNode, useEffect, useState } from "react";
import { PageSkeleton } from "../parts/states.tsx";

/**
 * A component whose code comes when it is first shown; `place` stands there until then. Not React's `lazy`: that holds back what
 * has come until its place has been seen for 300 ms, and everything that the component asks for waits as long.
 */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  place: ReactNode = null,
): ComponentType<Props> {
  let known: ComponentType<Props> | undefined;
  let coming: Promise<void> | undefined;
  // What failed to come is asked for again when it is shown again.
  const come = () => {
    coming ??= load().then(
      (component) => {
        known = component;
      },
      (error) => {
        coming = undefined;
        throw error;
      },
    );
    return coming;
  };
  return function Later(props: Props) {
    const [Shown, setShown] = useState(() => known);
    const [failed, setFailed] = useState<Error>();
    // Now, and not when its place has been painted.
    if (Shown === undefined && failed === undefined) void come().catch(() => {});
    useEffect(() => {
      let wanted = true;
      come().then(
        () => wanted && setShown(() => known),
        (error: Error) => wanted && setFailed(error),
      );
      return () => {
        wanted = false;
      };
    }, []);
    // What stands around it says that, and tries again.
    if (failed !== undefined) throw failed;
    return Shown === undefined ? place : <Shown {...props} />;
  };
}

/** A page whose code comes when it is gone to. */
export function laterPage<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  return later(load, <PageSkeleton />);
}
