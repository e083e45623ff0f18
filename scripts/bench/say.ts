/** Progress, to stderr: stdout is for the figures. */
export function say(line: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)}  ${line}`);
}
