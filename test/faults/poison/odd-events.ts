import type { MonthEvent } from "../../stories/generated-month.ts";

/** Looks like poison and is none: it is metered, as `meant`. */
export interface OddEvent {
  name: string;
  value: Buffer;
  meant: MonthEvent;
}

const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
const PROTOTYPE = '{"predict_time":1e9,"input_token_count":1e15,"model":"none/none","polluted":true}';

/** Each way of writing gets an event of its own. */
const WAYS: [name: string, write: (event: MonthEvent, text: string) => string, meant?: Metrics][] = [
  ["__proto__ in the event", (_, text) => text.replace("{", `{"__proto__":${PROTOTYPE},`)],
  ["__proto__ in its data", (_, text) => text.replace('"data":{', `"data":{"__proto__":${PROTOTYPE},`)],
  [
    "__proto__ in its metrics",
    (_, text) => text.replace('"metrics":{', `"metrics":{"__proto__":${PROTOTYPE},`),
  ],
  ["__proto__ as a metric", (_, text) => text.replace('"metrics":{', '"metrics":{"__proto__":7,')],
  [
    "metrics named like what every object has",
    (_, text) => text.replace('"metrics":{', '"metrics":{"constructor":1,"toString":2,"hasOwnProperty":3,'),
  ],
  [
    "100,000 levels of nesting in its input",
    (_, text) => text.replace('"data":{', `"data":{"input":${DEEP},`),
  ],
  [
    "100,000 levels of nesting in a text of its input",
    (_, text) => text.replace('"data":{', `"data":{"input":"${DEEP}",`),
  ],
  [
    "half a surrogate in its output",
    (_, text) => text.replace('"data":{', '"data":{"output":"\\ud800\\u0000",'),
  ],
  [
    "half a surrogate and a NUL as names of metrics",
    (_, text) => text.replace('"metrics":{', '"metrics":{"\\udfff":1,"a\\u0000b":2,"":3,'),
  ],
  ["a byte order mark", (_, text) => `\ufeff${text}`],
  ["white space of JSON around it", (_, text) => `\r\n\t ${text} \n`],
  [
    "keys that stand there twice: the last counts",
    (_, text) => text.replace('"data":{', '"data":{"model":"none/none","metrics":{"input_token_count":1},'),
  ],
  [
    "61 metrics that nobody prices",
    (_, text) => text.replace('"metrics":{', `"metrics":{${manyMetrics(61)},`),
  ],
  [
    "quantities that round to nothing",
    (event, text) =>
      text.replace(JSON.stringify(event.data.metrics), '{"predict_time":1e-400,"input_token_count":-0.0}'),
    { predict_time: 0, input_token_count: 0 },
  ],
  [
    "the largest quantities there are",
    (event, text) =>
      text.replace(
        JSON.stringify(event.data.metrics),
        '{"predict_time":1e9,"input_token_count":1000000000000000}',
      ),
    { predict_time: 1e9, input_token_count: 1e15 },
  ],
];
type Metrics = Record<string, number>;

export function oddEvents(next: () => MonthEvent): OddEvent[] {
  return WAYS.map(([name, write, metrics], index) => {
    const event = { ...next(), id: `odd-${index}` };
    const meant = metrics === undefined ? event : { ...event, data: { ...event.data, metrics } };
    return { name, value: Buffer.from(write(event, JSON.stringify(event))), meant };
  });
}

/** Events that are good, and wait for something that is not known yet. */
export function waitingEvents(
  next: () => MonthEvent,
): { name: string; event: MonthEvent; waitsFor: string }[] {
  const [first, second, third, fourth] = [next(), next(), next(), next()];
  const id = (name: string) => ({ id: `waiting-${name}` });
  return [
    {
      name: "an unknown model",
      event: { ...first, ...id("model"), data: { ...first.data, model: "nobody/nothing" } },
      waitsFor: "unknown_model",
    },
    {
      name: "an unknown customer",
      event: { ...second, ...id("customer"), subject: "nobody@nowhere" },
      waitsFor: "unknown_customer",
    },
    {
      name: "a time before the first price",
      event: { ...third, ...id("price"), time: "2000-01-01T00:00:00Z" },
      waitsFor: "no_price",
    },
    {
      name: "a model named like a prototype",
      event: { ...fourth, ...id("proto"), data: { ...fourth.data, model: "__proto__/constructor" } },
      waitsFor: "unknown_model",
    },
  ];
}

function manyMetrics(count: number): string {
  return Array.from({ length: count }, (_, index) => `"nobody_prices_${index}":${index}`).join(",");
}
