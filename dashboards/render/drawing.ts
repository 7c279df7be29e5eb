import type { DataFrame, FieldConfigSource, GrafanaTheme2, TimeRange } from '@grafana/data';

import type { Rows, Series, Target } from './convert';

/** A panel of a dashboard, as far as it is drawn. */
export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  // Each panel type has its own.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  options: any;
  fieldConfig?: FieldConfigSource;
  targets?: Target[];
  transformations?: never[];
  gridPos: { x: number; y: number; w: number; h: number };
}

export interface Mark {
  at: number;
  colour: string;
}

/** What a panel is drawn from. */
export interface Drawing {
  panel: Panel;
  frames: DataFrame[];
  config: FieldConfigSource;
  theme: GrafanaTheme2;
  width: number;
  height: number;
  range: TimeRange;
  marks: Mark[];
}

/** What the page is handed. */
export interface Job {
  theme: 'light' | 'dark';
  width: number;
  dashboard: {
    title: string;
    panels: Panel[];
    links?: { title: string }[];
    annotations: { list: { iconColor: string; target?: { refId: string } }[] };
    templating: { list: { name: string; label?: string; type: string; hide?: number; current?: { text?: string | string[] } }[] };
  };
  range: { from: string; to: string };
  results: {
    variables?: Record<string, string>;
    panels: Record<string, Record<string, Rows | Series>>;
    annotations?: Record<string, Rows>;
  };
}
