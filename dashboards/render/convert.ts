// Query results to data frames, the way the back ends of the two data sources do it.
import { FieldType, type DataFrame, type Field } from '@grafana/data';

export interface Rows {
  columns: { name: string; type: string }[];
  rows: unknown[][];
}

export interface Series {
  series: { labels: Record<string, string>; values: [number, string][] }[];
}

export interface Target {
  refId: string;
  format?: number | string;
  legendFormat?: string;
  instant?: boolean;
  expr?: string;
}

export function frames(target: Target, result: Rows | Series): DataFrame[] {
  if ('series' in result) return prometheus(target, result);
  const frame = clickhouse(target, result);
  return [target.format === 0 ? wide(frame) : frame];
}

function clickhouse({ refId }: Target, { columns, rows }: Rows): DataFrame {
  const fields = columns.map(({ name, type }, index): Field => {
    const kind = fieldType(type);
    return { config: {}, name, type: kind, values: rows.map((row) => value(row[index], kind)) };
  });
  return { fields, length: rows.length, refId };
}

/** ClickHouse's types as the data source's converters map them; addresses become text, arrays JSON. */
function fieldType(type: string): FieldType {
  const bare = type.replace(/LowCardinality\((.*)\)/, '$1').replace(/Nullable\((.*)\)/, '$1');
  if (/^(U?Int|Float|Decimal)/.test(bare)) return FieldType.number;
  if (/^Date/.test(bare)) return FieldType.time;
  if (bare === 'Bool') return FieldType.boolean;
  if (/^(Array|Tuple|Map|Nested|Point)/.test(bare)) return FieldType.other;
  return FieldType.string;
}

function value(raw: unknown, kind: FieldType): unknown {
  if (raw === null || raw === undefined) return null;
  if (kind === FieldType.number) return Number(raw);
  if (kind === FieldType.time) return Date.parse(String(raw).replace(' ', 'T').replace(/$/, String(raw).includes(':') ? 'Z' : ''));
  return raw;
}

/** Long to wide, as the data source does with the format time series: a field for each number and set of labels. */
function wide(long: DataFrame): DataFrame {
  const time = long.fields.find(({ type }) => type === FieldType.time);
  const labels = long.fields.filter(({ type }) => type === FieldType.string);
  const numbers = long.fields.filter(({ type }) => type === FieldType.number);
  if (!time || labels.length === 0) return long;
  const moments = [...new Set(time.values as number[])].sort((a, b) => a - b);
  const places = new Map(moments.map((moment, index) => [moment, index]));
  const found = new Map<string, Field>();
  for (let row = 0; row < long.length; row += 1) {
    const set = Object.fromEntries(labels.map(({ name, values }) => [name, String(values[row])]));
    for (const { name, values } of numbers) {
      const key = `${name} ${JSON.stringify(set)}`;
      const field = found.get(key) ?? { config: {}, labels: set, name, type: FieldType.number, values: moments.map(() => null) };
      found.set(key, field);
      field.values[places.get(time.values[row] as number) ?? 0] = values[row];
    }
  }
  const sorted = [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, field]) => field);
  return { fields: [{ config: {}, name: time.name, type: FieldType.time, values: moments }, ...sorted], length: moments.length, refId: long.refId };
}

function prometheus({ refId, legendFormat, instant, expr }: Target, { series }: Series): DataFrame[] {
  if (instant) return [table(refId, series)];
  return series.map(({ labels, values }) => {
    const name = legendFormat ? legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '') : expr;
    return {
      fields: [
        { config: {}, name: 'Time', type: FieldType.time, values: values.map(([at]) => at * 1000) },
        { config: { displayNameFromDS: name }, labels, name: 'Value', type: FieldType.number, values: values.map(([, text]) => Number(text)) },
      ],
      length: values.length,
      refId,
    };
  });
}

/** What the format "table" of an instant query gives: a column for each label, and the value. */
function table(refId: string, series: Series['series']): DataFrame {
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const last = series.map(({ values }) => values[values.length - 1] ?? [0, 'NaN']);
  const fields: Field[] = [
    { config: {}, name: 'Time', type: FieldType.time, values: last.map(([at]) => at * 1000) },
    ...names.map((name): Field => ({ config: {}, name, type: FieldType.string, values: series.map(({ labels }) => labels[name] ?? '') })),
    { config: {}, name: 'Value', type: FieldType.number, values: last.map(([, text]) => Number(text)) },
  ];
  return { fields, length: series.length, refId };
}
