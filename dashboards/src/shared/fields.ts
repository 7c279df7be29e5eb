import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

import { colours, type Colour, type Words } from './colours.js';

/** What Grafana calls an override: properties of the fields of one name. */
export interface Column {
  /** Width in pixels; without it the column shares what is left. */
  width?: number;
  minWidth?: number;
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  /** A word in a coloured pill. */
  pill?: Words;
  /** A coloured word or number. */
  text?: Words;
  /** Colours of numbers: from which value on. */
  steps?: [from: number | null, colour: Colour][];
  /** How the number is drawn; plain without it. */
  as?: 'bar' | 'spark' | 'text' | 'background';
  colour?: Colour;
  link?: { title: string; url: string };
  align?: 'left' | 'right' | 'center';
  empty?: string;
  hidden?: boolean;
  wrap?: boolean;
  description?: string;
}

export const properties = (column: Column): dashboard.DynamicConfigValue[] => {
  const list: dashboard.DynamicConfigValue[] = [];
  const set = (id: string, value: unknown) => value !== undefined && list.push({ id, value });
  set('description', column.description);
  set('unit', column.unit);
  set('decimals', column.decimals);
  set('min', column.min);
  set('max', column.max);
  set('noValue', column.empty);
  set('custom.width', column.width);
  set('custom.minWidth', column.minWidth);
  set('custom.align', column.align);
  set('custom.hideFrom.viz', column.hidden);
  set('custom.wrapText', column.wrap);
  const words = column.pill ?? column.text;
  if (words) set('mappings', mappings(words));
  if (column.steps) {
    set('thresholds', thresholds(column.steps).build());
    set('color', { mode: 'thresholds' });
  } else if (column.colour) {
    set('color', { mode: 'fixed', fixedColor: column.colour });
  }
  const cell = cellOptions(column);
  if (cell) set('custom.cellOptions', cell);
  if (column.link) set('links', [{ title: column.link.title, url: column.link.url, targetBlank: false }]);
  return list;
};

function cellOptions({ pill, text, as }: Column): Record<string, unknown> | undefined {
  if (pill) return { type: 'pill' };
  if (text || as === 'text') return { type: 'color-text' };
  if (as === 'background') return { type: 'color-background', mode: 'basic' };
  if (as === 'bar') return { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' };
  if (as === 'spark') {
    return { type: 'sparkline', drawStyle: 'line', fillOpacity: 20, gradientMode: 'none', hideValue: true, lineWidth: 1 };
  }
  return undefined;
}

/** Every word twice: as the schema has it, and as it is shown, because pills look their colour up by what is shown. */
export function mappings(words: Words): dashboard.ValueMapping[] {
  const options: Record<string, dashboard.ValueMappingResult> = {};
  Object.entries(words).forEach(([word, { text, colour }], index) => {
    options[word] = { text, color: colour, index };
  });
  Object.values(words).forEach(({ text, colour }) => {
    options[text] ??= { text, color: colour, index: Object.keys(options).length };
  });
  return [{ type: dashboard.MappingType.ValueToText, options }] as dashboard.ValueMapping[];
}

export function thresholds(steps: [number | null, Colour][]): cog.Builder<dashboard.ThresholdsConfig> {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color }) as dashboard.Threshold));
}

export const fixed = (colour: Colour): dashboard.FieldColorBuilder =>
  new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(colour);

export const byThresholds = (): dashboard.FieldColorBuilder =>
  new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds);

/** Red below `bad`, orange below `good`, green from there: for shares and scores. */
export const rising = (bad: number, good: number): [number | null, Colour][] => [
  [null, colours.bad],
  [bad, colours.warning],
  [good, colours.good],
];

/** Green below `look`, orange below `act`, red from there: for counts of bad things. */
export const falling = (look: number, act: number): [number | null, Colour][] => [
  [null, colours.good],
  [look, colours.warning],
  [act, colours.bad],
];
