import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

import { clickhouse } from './sources.js';
import { ALL, chosen, trim } from './sql.js';

const GROUPS = `
  SELECT DISTINCT toString(group_name) AS name FROM (
      SELECT group_name FROM daily_domains WHERE $__dateFilter(day)
      UNION ALL SELECT group_name FROM tls_policies WHERE $__dateFilter(day)
      UNION ALL SELECT group_name FROM domain_stages WHERE $__dateFilter(day))
  ORDER BY name`;

const DOMAINS = `
  SELECT DISTINCT toString(domain) AS name FROM (
      SELECT policy_domain AS domain FROM daily_domains WHERE $__dateFilter(day) AND ${chosen('group_name', 'group')}
      UNION ALL SELECT toString(policy_domain) FROM tls_policies WHERE $__dateFilter(day) AND policy_domain != '' AND ${chosen('group_name', 'group')}
      UNION ALL SELECT toString(domain) FROM domain_stages WHERE $__dateFilter(day) AND ${chosen('group_name', 'group')})
  ORDER BY name`;

const REPORTERS = `
  SELECT toString(reporter) AS name FROM daily_domains
  WHERE $__dateFilter(day) AND ${chosen('group_name', 'group')}
  GROUP BY name ORDER BY sum(messages) DESC LIMIT 500`;

/**
 * The variables that every dashboard has under the same names, so that links can hand them on. A page about one domain has
 * no "All": its queries read records.
 */
export function variables(oneDomain = false): dashboard.QueryVariableBuilder[] {
  const sources = [
    source('clickhouse', 'ClickHouse', 'grafana-clickhouse-datasource', 'Data source with the tables of ruad.'),
    source('prometheus', 'Prometheus', 'prometheus', 'Data source that scrapes ruad.'),
  ];
  const trust = new dashboard.CustomVariableBuilder('trust')
    .label('Reports')
    .description('Believed: from known organisations, or from reporters with a history of genuine reports; all decisions rest on these. All: strangers too.')
    .values('Believed reporters : believed, All but forged : all')
    .current({ text: 'Believed reporters', value: 'believed' })
    .options([
      { selected: true, text: 'Believed reporters', value: 'believed' },
      { selected: false, text: 'All but forged', value: 'all' },
    ]);
  const list = [
    query('group', 'Customer', 'Group of the registry.', GROUPS),
    query('domain', 'Domain', 'Domains of these customers.', DOMAINS, !oneDomain),
    query('reporter', 'Reporter', 'Who sent the report; the largest 500.', REPORTERS),
  ];
  return [...sources, ...list, trust] as unknown as dashboard.QueryVariableBuilder[];
}

function source(name: string, label: string, type: string, description: string) {
  return new dashboard.DatasourceVariableBuilder(name)
    .label(label)
    .description(description)
    .type(type)
    .hide(dashboard.VariableHide.HideVariable);
}

function query(name: string, label: string, description: string, text: string, all = true) {
  const variable = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(clickhouse)
    .query(trim(text))
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.Disabled)
    .multi(true);
  // Without All, Grafana takes the first one.
  return all ? variable.includeAll(true).allValue(ALL).current({ text: ['All'], value: ['$__all'] }) : variable;
}
