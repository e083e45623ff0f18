import { EVENT_TYPE } from "../cloud-event.ts";

// What stands before each field of an event, as the door writes it: loggedEvent().

export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
export const BEFORE_ID = bytesOf('{"specversion":"1.0","id":"');
export const BEFORE_SOURCE = bytesOf('","source":"');
export const BEFORE_TIME = bytesOf(`","type":"${EVENT_TYPE}","time":"`);
export const BEFORE_SUBJECT = bytesOf('","subject":"');
export const BEFORE_MODEL = bytesOf('","data":{"model":"');
export const BEFORE_VERSION = bytesOf('","version":"');
export const BEFORE_STATUS = bytesOf('","status":"');
export const BEFORE_METRICS = bytesOf('","metrics":{');
export const BEFORE_PARENT = bytesOf(',"parent":"');
export const BEFORE_HARDWARE = bytesOf(',"hardware":"');
/** What producers report most, by the column meter that it moves. */
export const METRICS = ["predict_time", "input_token_count", "output_token_count", "image_count"].map(
  (name) => bytesOf(`"${name}":`),
);

const [ZERO, NINE] = [0x30, 0x39];

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
