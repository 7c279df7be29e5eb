import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

import { colours } from './colours.js';
import { links, pages, uid, type Page } from './links.js';
import { clickhouse, sql } from './sources.js';
import { scope, trim } from './sql.js';
import { variables } from './variables.js';

type Panel = cog.Builder<dashboard.Panel>;

export interface Content {
  description: string;
  /** Panels in order; a string opens a section at that height. */
  panels: (Panel | Section)[];
  /** How far back it looks when it is opened. */
  from?: string;
  /** Events of which severities are marked on the graphs. */
  events?: ('error' | 'warning' | 'info')[];
  /** Variables that only this page has. */
  extra?: cog.Builder<dashboard.VariableModel>[];
  refresh?: string;
  /** A domain has to be chosen. */
  oneDomain?: boolean;
}

export interface Section {
  section: string;
  y: number;
}

export function page(name: Page, of: Content): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(`ruad: ${pages[name]}`)
    .uid(uid(name))
    .description(of.description)
    .tags(['ruad', 'dmarc'])
    // Reports are of UTC days; any other zone would move them to the wrong one.
    .timezone('utc')
    .time({ from: of.from ?? 'now-30d', to: 'now' })
    .refresh(of.refresh ?? '')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .links(links(name))
    .variables([...variables(of.oneDomain), ...(of.extra ?? [])] as cog.Builder<dashboard.VariableModel>[]);
  builder.annotations(of.events ? [events(of.events)] : []);
  const built = builder.build();
  // The kit's default hides links and annotations in a menu, and gives every variable what only intervals have.
  for (const one of [...(built.links ?? []), ...(built.annotations?.list ?? [])]) without(one, 'placement');
  for (const one of built.templating?.list ?? []) without(one, 'auto', 'auto_count', 'auto_min');
  built.panels = of.panels.map((panel, index) => ({ ...one(panel), id: index + 1 }));
  return built;
}

function one(panel: Panel | Section): dashboard.Panel {
  if (!('section' in panel)) {
    const built = panel.build();
    // Tables of this release have their footer in the fields.
    if (built.type === 'table') without(built.options as object, 'footer');
    return built;
  }
  const row = { type: 'row', title: panel.section, collapsed: false, panels: [], gridPos: { x: 0, y: panel.y, w: 24, h: 1 } };
  return row as unknown as dashboard.Panel;
}

function without(from: object, ...keys: string[]): void {
  for (const key of keys) delete (from as Record<string, unknown>)[key];
}

function events(severities: string[]): dashboard.AnnotationQueryBuilder {
  const list = severities.map((severity) => `'${severity}'`).join(', ');
  const target = sql(trim(`
    SELECT seen_at AS time, concat(domain, ': ', text) AS text, concat(toString(severity), ',', toString(kind)) AS tags
    FROM domain_events FINAL
    WHERE $__timeFilter(seen_at) AND ${scope('domain')} AND severity IN (${list})
    ORDER BY time DESC LIMIT 50`), 'table', 'Anno');
  return new dashboard.AnnotationQueryBuilder()
    .name('Events of domains')
    .datasource(clickhouse)
    .enable(true)
    .iconColor(colours.other)
    .target(target);
}
