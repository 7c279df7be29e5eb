import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';

import { trim } from './sql.js';

export const clickhouse = { type: 'grafana-clickhouse-datasource', uid: '${clickhouse}' };
export const prom = { type: 'prometheus', uid: '${prometheus}' };

/** A query as version 4 of the ClickHouse data source stores it. */
export function sql(text: string, format: 'table' | 'timeseries' = 'table', refId = 'A'): Builder<Dataquery> {
  const query = {
    datasource: clickhouse,
    editorType: 'sql',
    format: format === 'table' ? 1 : 0,
    pluginVersion: '4.10.1',
    queryType: format,
    rawSql: trim(text),
    refId,
  };
  return { build: () => query as unknown as Dataquery };
}

export interface Expression {
  expr: string;
  legend?: string;
  instant?: boolean;
  refId?: string;
}

export function promql({ expr, legend, instant = false, refId = 'A' }: Expression): Builder<Dataquery> {
  const query = new prometheus.DataqueryBuilder().datasource(prom).expr(expr).refId(refId).editorMode(prometheus.QueryEditorMode.Code);
  if (legend !== undefined) query.legendFormat(legend);
  return instant ? query.instant().format(prometheus.PromQueryFormat.Table) : query.range();
}
