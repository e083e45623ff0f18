/** Of events that do not tell what they ran on. */
export const NO_HARDWARE = 0;

/** Gives names their numbers; the reader asks once for each. */
export interface EventNames {
  sourceNumber(source: string): number;
  customerNumber(customer: string): number;
  subjectNumber(model: string, version: string, status: string): number;
  /** Above NO_HARDWARE. */
  hardwareNumber(hardware: string): number;
  customerFingerprint(customer: number): Uint8Array;
  subjectFingerprint(subject: number): Uint8Array;
}
