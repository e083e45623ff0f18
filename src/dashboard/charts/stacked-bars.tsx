import { scaleBand, scaleLinear } from "d3-scale";
import { useId, useState } from "react";
import { addMoney, approximately } from "../data/money.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { useMedia } from "./use-media.ts";

export interface Series {
  name: string;
  /** Exact amounts, one for each step. */
  amounts: string[];
}

const [HEIGHT, LEFT, BOTTOM, TOP] = [280, 64, 28, 12];
const WIDE = { width: 960, labels: 8 };
/** Drawn narrower, so that its words stay large enough to read. */
const NARROW = { width: 420, labels: 4 };

/** Amounts over time, stacked. The same figures stand in a table below, for those who do not see the bars. */
export function StackedBars({
  caption,
  currency,
  steps,
  series,
  label,
}: {
  caption: string;
  currency: string;
  steps: string[];
  series: Series[];
  label: (step: string) => string;
}) {
  const titleId = useId();
  const { width, labels } = useMedia("(max-width: 560px)") ? NARROW : WIDE;
  const [at, setAt] = useState<number | null>(null);
  const heights = steps.map((_, step) => reach(series, step, 1));
  const depths = steps.map((_, step) => reach(series, step, -1));
  const empty = [...heights, ...depths].every((height) => height === 0);
  const x = scaleBand<number>()
    .domain(steps.map((_, step) => step))
    .range([LEFT, width])
    .padding(steps.length > 40 ? 0.15 : 0.3);
  const y = scaleLinear()
    .domain([Math.min(...depths), empty ? 1 : Math.max(...heights)])
    .nice(4)
    .range([HEIGHT - BOTTOM, TOP]);
  const ticks = empty ? [0] : y.ticks(4);
  const every = Math.ceil(steps.length / labels);
  const shown = at ?? null;
  return (
    <figure className="chart">
      <svg
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-labelledby={titleId}
        onPointerLeave={() => setAt(null)}
      >
        <title id={titleId}>{caption}</title>
        {ticks.map((tick) => (
          <g key={tick} className="tick">
            <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
            <text x={LEFT - 8} y={y(tick)} dy="0.32em" textAnchor="end">
              {axisText(tick, ticks)}
            </text>
          </g>
        ))}
        {empty && (
          <text className="step" x={(LEFT + width) / 2} y={HEIGHT / 2} textAnchor="middle">
            Nothing was earned on these days
          </text>
        )}
        {steps.map((step, place) => {
          const ends = { up: 0, down: 0 };
          return (
            <g key={step} className={shown === place ? "bar at" : "bar"} onPointerEnter={() => setAt(place)}>
              <rect
                className="catch"
                x={x(place)}
                width={x.bandwidth()}
                y={TOP}
                height={HEIGHT - BOTTOM - TOP}
              />
              {series.map(({ name, amounts }, index) => {
                const value = approximately(amounts[place] ?? "0");
                if (value === 0) return null;
                const side = value > 0 ? "up" : "down";
                const [from, to] = [y(ends[side]), y(ends[side] + value)];
                ends[side] += value;
                return (
                  <rect
                    key={name}
                    className={`series-${index % 8}`}
                    x={x(place)}
                    width={x.bandwidth()}
                    y={Math.min(from, to)}
                    height={Math.abs(from - to)}
                  />
                );
              })}
              {place % every === 0 && (
                <text
                  className="step"
                  x={(x(place) ?? 0) + x.bandwidth() / 2}
                  y={HEIGHT - 8}
                  textAnchor="middle"
                >
                  {label(step)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption className="legend" aria-hidden="true">
        <span className="legend-at">
          {shown === null
            ? `${label(steps[0] ?? "")} – ${label(steps.at(-1) ?? "")}, UTC`
            : label(steps[shown] ?? "")}
        </span>
        {series.map(({ name, amounts }, index) => (
          <span key={name} className="legend-item">
            <span className={`swatch series-${index % 8}`} />
            <span className="legend-name">{name === "" ? "no model: a correction" : name}</span>
            <MoneyView value={addMoney(currency, shown === null ? amounts : [amounts[shown] ?? "0"])} bare />
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** How far a step's bar goes up, or down: what was taken back stands below zero. */
function reach(series: Series[], step: number, sign: 1 | -1): number {
  const amounts = series.map((each) => approximately(each.amounts[step] ?? "0"));
  return amounts.filter((amount) => Math.sign(amount) === sign).reduce((sum, amount) => sum + amount, 0);
}

/** As few digits as tell the ticks apart. */
function axisText(tick: number, ticks: number[]): string {
  const step = Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0));
  const digits = step >= 1 || step === 0 ? 0 : Math.min(9, Math.ceil(-Math.log10(step)));
  return tick.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
