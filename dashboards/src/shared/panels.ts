import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as geomap from '@grafana/grafana-foundation-sdk/geomap';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as text from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

import { colours, series, type Colour, type Words } from './colours.js';
import { byThresholds, fixed, mappings, properties, thresholds, type Column } from './fields.js';
import { clickhouse, prom, promql, sql, type Expression } from './sources.js';

/** x, y, width and height in Grafana's grid of 24 columns. */
export type At = [x: number, y: number, w: number, h: number];

export interface Common {
  title: string;
  /** What it shows, and what to do about it. */
  description: string;
  at: At;
  /** What stands there without data: it says whether that is good. */
  empty: string;
  sql?: string;
  promql?: Expression[];
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
}

type Panel = cog.Builder<dashboard.Panel>;

interface Shared<T> {
  title(value: string): T;
  description(value: string): T;
  gridPos(value: dashboard.GridPos): T;
  noValue(value: string): T;
  datasource(value: common.DataSourceRef): T;
  targets(value: cog.Builder<cog.Dataquery>[]): T;
  unit(value: string): T;
  decimals(value: number): T;
  min(value: number): T;
  max(value: number): T;
}

function frame<T extends Shared<T>>(panel: T, of: Common, format: 'table' | 'timeseries'): T {
  const [x, y, w, h] = of.at;
  panel.title(of.title).description(of.description).gridPos({ x, y, w, h }).noValue(of.empty).unit(of.unit ?? 'short');
  if (of.decimals !== undefined) panel.decimals(of.decimals);
  if (of.min !== undefined) panel.min(of.min);
  if (of.max !== undefined) panel.max(of.max);
  if (of.sql !== undefined) return panel.datasource(clickhouse).targets([sql(of.sql, format)]);
  const refs = 'ABCDEFGH';
  const targets = (of.promql ?? []).map((one, index) => promql({ refId: refs[index] ?? 'Z', ...one }));
  return panel.datasource(prom).targets(targets);
}

export interface Stat extends Common {
  steps?: [number | null, Colour][];
  colour?: Colour;
  words?: Words;
  /** Field that is shown; without it the last one that is a number. */
  field?: string;
  /** Which of the values: the last one, or their sum. */
  calc?: 'lastNotNull' | 'sum' | 'max';
  link?: { title: string; url: string };
}

export function number(of: Stat): Panel {
  const panel = frame(new stat.PanelBuilder(), of, 'table')
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .justifyMode(common.BigValueJustifyMode.Auto)
    .textMode(common.BigValueTextMode.Value)
    .wideLayout(true)
    .orientation(common.VizOrientation.Auto)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs([of.calc ?? 'lastNotNull']).fields(of.field ?? '').values(false));
  if (of.words) panel.mappings(mappings(of.words));
  if (of.steps) panel.thresholds(thresholds(of.steps)).colorScheme(byThresholds());
  else panel.colorScheme(fixed(of.colour ?? colours.plain));
  if (of.link) panel.dataLinks([new dashboard.DashboardLinkBuilder(of.link.title).url(of.link.url)]);
  return panel;
}

export interface Graph extends Common {
  /** Stacked bars of days, lines, or steps. */
  draw: 'bars' | 'lines' | 'steps';
  /** Colours beyond those every dashboard shares. */
  colours?: Record<string, Colour>;
  /** Words for the numbers of the axis. */
  words?: Words;
  /** Lines of the threshold. */
  limits?: [number | null, Colour][];
  /** Series named by their label instead of by their column. */
  named?: string;
  legend?: 'bottom' | 'right' | 'none';
  calcs?: string[];
  /** Further fields, with an axis or unit of their own. */
  columns?: Record<string, Column & { axis?: 'right' }>;
  softMax?: number;
  /** How many points or bars there may be: what `$__timeInterval` goes by. */
  points?: number;
}

export function graph(of: Graph): Panel {
  const panel = frame(new timeseries.PanelBuilder(), of, 'timeseries')
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
    .legend(legend(of))
    .showPoints(common.VisibilityMode.Never)
    .axisBorderShow(false)
    .axisGridShow(true);
  if (of.draw === 'bars') {
    // A bar covers its UTC day, from midnight on.
    panel.min(of.min ?? 0).drawStyle(common.GraphDrawStyle.Bars).barAlignment(common.BarAlignment.After).barWidthFactor(0.8).fillOpacity(85).lineWidth(0)
      .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  } else {
    panel.drawStyle(common.GraphDrawStyle.Line).lineWidth(2).fillOpacity(0).spanNulls(true)
      .lineInterpolation(of.draw === 'steps' ? common.LineInterpolation.StepAfter : common.LineInterpolation.Linear);
  }
  if (of.points !== undefined) panel.maxDataPoints(of.points);
  if (of.words) panel.mappings(mappings(of.words));
  if (of.softMax !== undefined) panel.axisSoftMax(of.softMax);
  if (of.named) panel.displayName(`\${__field.labels.${of.named}}`);
  panel.colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassic));
  if (of.limits) {
    panel.thresholds(thresholds(of.limits))
      .thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  for (const [name, colour] of Object.entries({ ...series, ...of.colours })) {
    if (mentions(of, name)) panel.overrideByName(name, properties({ colour }));
  }
  for (const [name, column] of Object.entries(of.columns ?? {})) {
    const right = column.axis === 'right' ? [{ id: 'custom.axisPlacement', value: 'right' }] : [];
    panel.overrideByName(name, [...properties(column), ...right]);
  }
  return panel;
}

const mentions = (of: Graph, name: string) =>
  name in (of.colours ?? {}) || (of.sql ?? '').includes(`"${name}"`) || (of.promql ?? []).some(({ legend }) => legend === name);

function legend(of: Graph): common.VizLegendOptionsBuilder {
  const place = of.legend ?? 'bottom';
  return new common.VizLegendOptionsBuilder()
    .showLegend(place !== 'none')
    .displayMode(place === 'right' ? common.LegendDisplayMode.Table : common.LegendDisplayMode.List)
    .placement(place === 'right' ? common.LegendPlacement.Right : common.LegendPlacement.Bottom)
    .calcs(of.calcs ?? []);
}

export interface Bars extends Common {
  colour?: Colour;
  /** Colours of names, as the query has them. */
  words?: Words;
  steps?: [number | null, Colour][];
  link?: { title: string; url: string };
}

/** A bar for each row; the query has a column of names and one of numbers. */
export function bars(of: Bars): Panel {
  const panel = frame(new bargauge.PanelBuilder(), of, 'table')
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .valueMode(common.BarGaugeValueMode.Text)
    .orientation(common.VizOrientation.Horizontal)
    .namePlacement(common.BarGaugeNamePlacement.Left)
    .showUnfilled(false)
    .sizing(common.BarGaugeSizing.Manual).minVizHeight(14).maxVizHeight(30).minVizWidth(8)
    .text(new common.VizTextDisplayOptionsBuilder().titleSize(12).valueSize(14))
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs([]).fields('').values(true).limit(20));
  if (of.steps) panel.thresholds(thresholds(of.steps)).colorScheme(byThresholds());
  else panel.colorScheme(fixed(of.colour ?? colours.plain));
  if (of.link) panel.dataLinks([new dashboard.DashboardLinkBuilder(of.link.title).url(of.link.url)]);
  return panel;
}

export interface Table extends Common {
  columns: Record<string, Column>;
}

export function rows(of: Table): Panel {
  const panel = frame(new table.PanelBuilder(), of, 'table')
    .showHeader(true)
    .cellHeight(common.TableCellHeight.Sm)
    .align(common.FieldTextAlignment.Auto)
    .filterable(false);
  // The panel's own text is for a table without rows; a cell without a value gets a dash.
  panel.overrideByRegexp('/.*/', [{ id: 'noValue', value: '–' }]);
  for (const [name, column] of Object.entries(of.columns)) {
    const list = properties(column);
    if (list.length > 0) panel.overrideByName(name, list);
  }
  return panel;
}

export function words(of: { title: string; description: string; at: At; text: string }): Panel {
  const [x, y, w, h] = of.at;
  return new text.PanelBuilder().title(of.title).description(of.description).gridPos({ x, y, w, h })
    .mode(text.TextMode.Markdown).content(of.text);
}

/** Countries by number: a bubble for each. */
export function map(of: Common & { colour: Colour; code: string; value: string }): Panel {
  const [x, y, w, h] = of.at;
  const style = {
    color: { fixed: of.colour },
    opacity: 0.6,
    size: { field: of.value, fixed: 5, max: 24, min: 4 },
    symbol: { fixed: 'img/icons/marker/circle.svg', mode: 'fixed' },
    text: { field: of.code, fixed: '', mode: 'field' },
    textConfig: { fontSize: 11, offsetX: 0, offsetY: 0, textAlign: 'center', textBaseline: 'middle' },
  };
  const layer = {
    config: { showLegend: false, style },
    location: { gazetteer: 'public/gazetteer/countries.json', lookup: of.code, mode: 'lookup' },
    name: of.title,
    tooltip: true,
    type: 'markers',
  };
  return frame(new geomap.PanelBuilder(), { ...of, at: [x, y, w, h] }, 'table')
    .view(new geomap.MapViewConfigBuilder().id('zero').lat(25).lon(10).zoom(1.2).allLayers(true))
    .controls(new geomap.ControlsOptionsBuilder().showZoom(true).showAttribution(true).mouseWheelZoom(false))
    .layers([{ build: () => layer } as unknown as cog.Builder<common.MapLayerOptions>]);
}
