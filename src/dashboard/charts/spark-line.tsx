import { line } from "d3-shape";
import { approximately } from "../data/money.ts";

const [WIDTH, HEIGHT] = [96, 24];

/** The shape of a series, without figures: those stand beside it. */
export function SparkLine({ amounts }: { amounts: string[] }) {
  const values = amounts.map(approximately);
  const most = Math.max(...values, 1e-12);
  const path = line<number>()
    .x((_, step) => (values.length < 2 ? WIDTH / 2 : (step / (values.length - 1)) * (WIDTH - 4) + 2))
    .y((value) => HEIGHT - 3 - (value / most) * (HEIGHT - 6));
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      <path d={path(values) ?? ""} />
    </svg>
  );
}
