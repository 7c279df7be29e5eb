import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

/** Every dashboard: its id in addresses, and what it is called. */
export const pages = {
  fleet: 'Fleet',
  domain: 'Domain',
  sources: 'Sources',
  abuse: 'Abuse',
  tls: 'TLS',
  health: 'DNS health',
  ingest: 'Ingest',
  customer: 'Customer',
} as const;

export type Page = keyof typeof pages;

export const uid = (page: Page): string => `ruad-${page}`;

/** Links at the top of a page to all others; the time range and the variables go along. */
export function links(from: Page): dashboard.DashboardLinkBuilder[] {
  const others = (Object.keys(pages) as Page[]).filter((page) => page !== from);
  return others.map((page) =>
    new dashboard.DashboardLinkBuilder(pages[page])
      .type(dashboard.DashboardLinkType.Link)
      .icon('dashboard')
      .tooltip(`Open ${pages[page]} with the same time range and choices`)
      .url(`/d/${uid(page)}`)
      .keepTime(true)
      .includeVars(true),
  );
}

/** The address of a page about one value of a row. */
export function to(page: Page, set: Partial<Record<'group' | 'domain' | 'reporter' | 'source', string>> = {}): string {
  const keep = ['group', 'domain', 'reporter'].filter((name) => !(name in set));
  const given = Object.entries(set).map(([name, column]) => `var-${name}=\${__data.fields["${column}"]:percentencode}`);
  const kept = keep.map((name) => `\${${name}:queryparam}`);
  return `/d/${uid(page)}?${['${__url_time_range}', ...given, ...kept, '${trust:queryparam}'].join('&')}`;
}
