import { colours, severity, status } from './shared/colours.js';
import { falling } from './shared/fields.js';
import { to } from './shared/links.js';
import { page } from './shared/page.js';
import { bars, graph, number, rows } from './shared/panels.js';
import { examined, happened, keys, nested, scope } from './shared/sql.js';

const domainLink = { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) };

/** Every finding of the last examination, a row each. */
const FINDINGS = `
SELECT domain, mechanism, customer, code, bad, detail
FROM ${nested(examined({
  customer: 'group_name', codes: '`findings.code`', severities: '`findings.severity`', details: '`findings.detail`',
}))}
ARRAY JOIN codes AS code, severities AS bad, details AS detail`;

const LATEST = examined({ last_status: 'status' });

export const health = () => page('health', {
  description: 'What is wrong in the DNS of the domains, what changed, and how old the keys are.',
  events: ['error'],
  panels: [
    number({
      title: 'Act now', at: [0, 0, 4, 4], empty: 'Not examined', steps: falling(1, 1),
      description: 'Domains with a finding of severity error: mail is lost or can be forged.',
      sql: `SELECT uniqExactIf(domain, last_status = 'error') AS "Domains" FROM ${nested(LATEST)}`,
    }),
    number({
      title: 'Look', at: [4, 0, 4, 4], empty: 'Not examined', steps: falling(1, 100000),
      description: 'Domains with a finding of severity warning: protection is weaker than it should be.',
      sql: `SELECT uniqExactIf(domain, last_status = 'warning') AS "Domains" FROM ${nested(LATEST)}`,
    }),
    number({
      title: 'Block lists', at: [8, 0, 4, 4], empty: 'Not examined', steps: falling(1, 1),
      description: 'Domains that are on a block list, or one of whose addresses is. The list below says on which.',
      sql: `SELECT uniqExactIf(domain, startsWith(code, 'dnsbl.')) AS "Domains" FROM ${nested(FINDINGS)}`,
    }),
    number({
      title: 'Keys over a year', at: [12, 0, 4, 4], empty: 'No DKIM key was found', steps: falling(1, 20),
      description: 'DKIM keys in DNS that are older than 365 days. Replace them with `ruad dkim new`.',
      sql: `SELECT countIf(age > 365) AS "Keys" FROM ${nested(keys())}`,
    }),
    number({
      title: 'Reports not allowed', at: [16, 0, 4, 4], empty: 'Not examined', steps: falling(1, 1),
      description: 'Domains whose reports may not be sent here because the record that allows it is missing. `ruad zone` prints it.',
      sql: `SELECT uniqExactIf(domain, code = 'dmarc.not_authorized') AS "Domains" FROM ${nested(FINDINGS)}`,
    }),
    number({
      title: 'No answer', at: [20, 0, 4, 4], empty: 'Not examined', steps: falling(1, 20),
      description: 'Domains about which some name server did not answer. Their last known state holds; a state that stays is a broken delegation.',
      sql: `SELECT uniqExactIf(domain, last_status = 'unknown') AS "Domains" FROM ${nested(LATEST)}`,
    }),
    rows({
      title: 'Findings', at: [0, 4, 14, 12], empty: 'Nothing is wrong, or nothing was examined in the last two days of the time range',
      description: 'What the last examinations found, the worst first and the most frequent before others. docs/findings.md says how to mend each code.',
      sql: `SELECT any(bad) AS "How bad", code AS "Code", any(mechanism) AS "Mechanism", uniqExact(domain) AS "Domains", any(detail) AS "For example"
FROM ${nested(FINDINGS)} GROUP BY code ORDER BY indexOf(['error', 'warning', 'info'], "How bad"), "Domains" DESC, code LIMIT 500`,
      columns: {
        'How bad': { pill: severity, width: 95 }, Code: { width: 220 }, Mechanism: { width: 105 }, Domains: { width: 90 }, 'For example': { minWidth: 200 },
      },
    }),
    bars({
      title: 'Domains with trouble, by mechanism', at: [14, 4, 10, 7], empty: 'Nothing is wrong', min: 0, colour: colours.warning,
      description: 'Domains whose last examination of the mechanism gave a warning or an error.',
      sql: `SELECT mechanism AS "Mechanism", countIf(last_status IN ('warning', 'error')) AS "Domains" FROM ${nested(LATEST)}
GROUP BY mechanism HAVING "Domains" > 0 ORDER BY "Domains" DESC LIMIT 8`,
    }),
    graph({
      title: 'Changes', at: [14, 11, 10, 5], empty: 'Nothing has changed in this time range', draw: 'bars',
      description: 'Changes of the domains by UTC day. Many at once are most often one provider that changed a record all share.',
      colours: { Errors: colours.bad, Warnings: colours.warning, Info: colours.info },
      sql: `SELECT toStartOfDay(e.seen_at) AS time, countIf(e.severity = 'error') AS "Errors", countIf(e.severity = 'warning') AS "Warnings", countIf(e.severity = 'info') AS "Info"
FROM domain_events AS e FINAL WHERE $__timeFilter(e.seen_at) AND ${scope('e.domain', 'e.group_name')} GROUP BY time ORDER BY time`,
    }),
    rows({
      title: 'Domains', at: [0, 16, 14, 11], empty: 'Not examined in the last two days of the time range',
      description: 'Each domain with its worst status and what causes it. Click one to work on it.',
      sql: `SELECT transform(max(transform(last_status, ['info', 'unknown', 'warning', 'error'], [1, 2, 3, 4], 0)) AS worst, [4, 3, 2, 1], ['error', 'warning', 'unknown', 'info'], 'ok') AS "Status",
    domain AS "Domain", any(customer) AS "Customer", arrayStringConcat(arraySort(groupArrayIf(toString(mechanism), last_status = 'error')), ', ') AS "Errors in",
    arrayStringConcat(arraySort(groupArrayIf(toString(mechanism), last_status = 'warning')), ', ') AS "Warnings in", maxIf(lookups, mechanism = 'spf') AS "SPF lookups"
FROM ${nested(examined({ last_status: 'status', customer: 'group_name', lookups: 'spf_lookups' }))}
GROUP BY domain ORDER BY worst DESC, length("Errors in") DESC, domain LIMIT 5000`,
      columns: {
        Status: { pill: status, width: 105 }, Domain: { minWidth: 160, link: domainLink }, Customer: { width: 142 }, 'Errors in': { width: 150 },
        'Warnings in': { width: 150 }, 'SPF lookups': { width: 105, as: 'text', steps: falling(9, 11) },
      },
    }),
    rows({
      title: 'Oldest DKIM keys', at: [14, 16, 10, 11], empty: 'No DKIM key was found',
      description: 'Keys that DNS has now, the oldest first. Orange is older than half a year, red older than a year (health.key_age_warning and key_age_error).',
      sql: `SELECT domain AS "Domain", selector AS "Selector", size AS "Bits", age AS "Age" FROM ${nested(keys())} ORDER BY age DESC, domain LIMIT 500`,
      columns: {
        Domain: { minWidth: 150, link: domainLink }, Selector: { width: 100 }, Bits: { width: 75, unit: 'none', as: 'text', steps: [[null, colours.bad], [2048, colours.good]] },
        Age: { width: 190, unit: 'suffix: d', min: 0, max: 730, as: 'bar', steps: falling(180, 365) },
      },
    }),
    rows({
      title: 'On block lists', at: [0, 27, 12, 8], empty: 'No domain and no address is listed',
      description: 'Find out why before asking to be taken off: a hacked mailbox, a form that is abused, a neighbour in a shared network.',
      sql: `SELECT domain AS "Domain", customer AS "Customer", code AS "Code", detail AS "What the list says" FROM ${nested(FINDINGS)} WHERE startsWith(code, 'dnsbl.') ORDER BY domain LIMIT 200`,
      columns: { Domain: { width: 190, link: domainLink }, Customer: { width: 142 }, Code: { width: 160 }, 'What the list says': { minWidth: 180 } },
    }),
    rows({
      title: 'Reports that may not come here', at: [12, 27, 12, 8], empty: 'Every domain may send its reports here',
      description: 'The record that allows it is missing in the zone of your report address, so careful reporters send nothing. `ruad zone` prints what to publish.',
      sql: `SELECT domain AS "Domain", customer AS "Customer", code AS "Code", detail AS "What is wrong" FROM ${nested(FINDINGS)}
WHERE code IN ('dmarc.not_authorized', 'dmarc.not_to_us', 'dmarc.no_reports', 'dmarc.reports_undeliverable', 'tls_rpt.not_to_us', 'tls_rpt.reports_undeliverable') ORDER BY code, domain LIMIT 200`,
      columns: { Domain: { width: 190, link: domainLink }, Customer: { width: 142 }, Code: { width: 190 }, 'What is wrong': { minWidth: 160 } },
    }),
    rows({
      title: 'What changed', at: [0, 35, 24, 10], empty: 'Nothing has changed in this time range',
      description: 'Changes that two examinations in a row saw, the last first. docs/events.md says what to do about each kind.',
      sql: `SELECT seen_at AS "When", severity AS "How bad", domain AS "Domain", group_name AS "Customer", ${happened} AS "What", subject AS "About", old AS "Before", new AS "Now"
FROM domain_events FINAL WHERE $__timeFilter(seen_at) AND ${scope('domain')} ORDER BY seen_at DESC LIMIT 300`,
      columns: {
        When: { width: 115, unit: 'time:MMM DD HH:mm' }, 'How bad': { pill: severity, width: 95 }, Domain: { width: 190, link: domainLink }, Customer: { width: 140 },
        What: { minWidth: 280 }, About: { width: 110 }, Before: { width: 170 }, Now: { width: 170 },
      },
    }),
  ],
});
