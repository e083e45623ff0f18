import cliProgress from "cli-progress";

export interface Progress {
  show(done: number, total: number): void;
  stop(): void;
}

/** A bar on stderr for people who watch; nothing where JSON is asked for. */
export function progressBar(label: string, json: boolean): Progress {
  if (json) return { show() {}, stop() {} };
  const bar = new cliProgress.SingleBar({
    format: `  ${label}  [{bar}] {value}/{total}`,
    clearOnComplete: true,
  });
  let isShown = false;
  return {
    show(done, total) {
      if (!isShown) bar.start(total, 0);
      else if (bar.getTotal() !== total) bar.setTotal(total);
      isShown = true;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
