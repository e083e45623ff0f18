import { type ComponentType, type ReactNode, useEffect, useState } from "react";
import { PageSkeleton } from "../parts/states.tsx";

type Later<Props> = ComponentType<Props> & { come(): Promise<void> };

/**
 * A component whose code comes when it is first shown; `place` stands there until then. Not React's `lazy`: that holds back what
 * has come until its place has been seen for 300 ms, and everything that the component asks for waits as long.
 */
export function later<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  place: ReactNode = null,
): Later<Props> {
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
  function Later(props: Props) {
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
  }
  return Object.assign(Later, { come });
}

/** Of all houses: one address may be a page of several. */
const pages: { path: string; come(): Promise<void> }[] = [];

/** A page whose code comes when it is gone to. */
export function laterPage<Props extends object>(
  path: string,
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> & { path: string } {
  const page = later(load, <PageSkeleton />);
  pages.push({ path, come: page.come });
  return Object.assign(page, { path });
}

/** Has the code come of what stands at an address, whoever is signed in. */
export async function pageCodeAt(address: string): Promise<void> {
  // An operator's address of a payee's page.
  const [, rest] = /^\/payees\/[^/]+(\/.*)?$/.exec(address) ?? [];
  const at = /^\/payees\/[^/]/.test(address) ? (rest ?? "/") : address;
  const meant = pages.filter(({ path }) => new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+")}/?$`).test(at));
  await Promise.all(meant.map(({ come }) => come()));
}
