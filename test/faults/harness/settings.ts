/** Draws everything that a run leaves to chance. The same one by default: what must land is not left to chance too. */
export const FAULTS_SEED = wholeNumber("FAULTS_SEED") ?? 1;
/** How many events flow while one fault strikes, at least. */
export const FAULTS_EVENTS = wholeNumber("FAULTS_EVENTS") ?? 300;
/** A Markdown file to which every file of faults adds its table. */
export const FAULTS_REPORT = process.env.FAULTS_REPORT || undefined;
/** How long the lag may take to return to zero after a fault healed. Nothing is judged by how long it took. */
export const HEAL_WITHIN_MS = (wholeNumber("FAULTS_HEAL_SECONDS") ?? 90) * 1000;

function wholeNumber(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} must be a whole number of at most nine digits`);
  return Number(text);
}
