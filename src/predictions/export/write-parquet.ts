import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { COLUMNS } from "./columns.ts";
import type { ExportedPrediction } from "./exported-predictions.ts";

/** Held in memory until they are written: some ten megabytes. */
const ROWS_A_GROUP = 20_000;

const ROOT: SchemaElement = { name: "predictions", num_children: COLUMNS.length };
const SCHEMA: SchemaElement[] = [ROOT, ...COLUMNS.map(({ element }) => element)];

/**
 * The schema that readers get: not all of them know decimals by the newer of parquet's two notes. The writer must not see
 * this one before it has written all values: by the older note it takes decimals for floating-point numbers.
 */
const READERS_SCHEMA = SCHEMA.map((element) =>
  element.logical_type?.type === "DECIMAL" ? { ...element, converted_type: "DECIMAL" as const } : element,
);

/** Writes predictions as they come, one row group after the other: `write` is waited for, and nothing is kept after it. */
export async function writeParquet(
  predictions: AsyncIterable<readonly ExportedPrediction[]>,
  write: (bytes: Uint8Array) => Promise<void>,
  rowsAGroup: number = ROWS_A_GROUP,
): Promise<void> {
  const writer = new ByteWriter();
  const passOn = async () => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    if (bytes.length > 0) await write(bytes);
  };
  // Without statistics: those of decimals would be compared as numbers that they are not.
  const parquet = new ParquetWriter({ writer, schema: SCHEMA, statistics: false });
  const writeGroup = async (rows: readonly ExportedPrediction[]) => {
    const columnData = COLUMNS.map(({ element, of }) => ({ name: element.name, data: rows.map(of) }));
    await parquet.write({ columnData, rowGroupSize: rows.length });
    await passOn();
  };
  let rows: ExportedPrediction[] = [];
  for await (const more of predictions) {
    rows = rows.concat(more);
    while (rows.length >= rowsAGroup) {
      await writeGroup(rows.slice(0, rowsAGroup));
      rows = rows.slice(rowsAGroup);
    }
  }
  if (rows.length > 0) await writeGroup(rows);
  parquet.schema = READERS_SCHEMA;
  await parquet.finish();
  await passOn();
}
