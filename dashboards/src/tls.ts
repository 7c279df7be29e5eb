import { colours, status, type Words } from './shared/colours.js';
import { falling, rising } from './shared/fields.js';
import { to } from './shared/links.js';
import { page } from './shared/page.js';
import { bars, graph, number, rows } from './shared/panels.js';
import { examined, nested, reportedBy, scope, trusted } from './shared/sql.js';

const WHERE = `$__dateFilter(day) AND ${scope()} AND ${reportedBy()} AND ${trusted}`;
const POLICIES = `tls_policies AS t FINAL WHERE ${WHERE}`;
const FAILURES = `tls_failures AS f FINAL WHERE ${WHERE}`;
const domainLink = { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) };

const modes: Words = {
  enforce: { text: 'enforce', colour: colours.good },
  testing: { text: 'testing', colour: colours.warning },
  none: { text: 'none', colour: colours.neutral },
  '': { text: 'not there', colour: colours.neutral },
};
const present: Words = { yes: { text: 'yes', colour: colours.good }, no: { text: 'no', colour: colours.neutral } };

/** Causes of RFC 8460: the certificate in warm colours, DNS and policies in cold ones. */
const causes = {
  'certificate-expired': colours.bad, 'certificate-host-mismatch': colours.warning, 'certificate-not-trusted': colours.other,
  'starttls-not-supported': colours.plain, 'validation-failure': colours.neutral, 'tlsa-invalid': colours.info, 'dnssec-invalid': colours.info,
  'dane-required': colours.info, 'sts-policy-fetch-error': colours.good, 'sts-policy-invalid': colours.good, 'sts-webpki-invalid': colours.good,
};

export const tls = () => page('tls', {
  description: 'Whether mail to the domains arrives encrypted: what senders report, and what DNS promises them.',
  events: ['error'],
  panels: [
    number({
      title: 'Sessions', at: [0, 0, 6, 4], empty: 'No TLS reports', description: 'SMTP sessions to the domains’ mail hosts that senders told of.',
      sql: `SELECT sum(t.successful) + sum(t.failed) AS "Sessions" FROM ${POLICIES}`,
    }),
    number({
      title: 'Encrypted as promised', at: [6, 0, 6, 4], empty: 'No TLS reports', unit: 'percentunit', decimals: 2, steps: rising(0.98, 0.999),
      description: 'Share of the sessions that met the policy of the domain. With MTA-STS at enforce, mail of the others waits or is lost.',
      sql: `SELECT if(sum(t.successful) + sum(t.failed) > 0, sum(t.successful) / (sum(t.successful) + sum(t.failed)), NULL) AS "Successful" FROM ${POLICIES}`,
    }),
    number({
      title: 'Failed sessions', at: [12, 0, 6, 4], empty: 'No TLS reports', steps: falling(1, 100),
      description: 'Sessions that did not. The lists below say which host, and why.',
      sql: `SELECT sum(t.failed) AS "Sessions" FROM ${POLICIES}`,
    }),
    number({
      title: 'Domains that enforce MTA-STS', at: [18, 0, 6, 4], empty: 'Not examined', colour: colours.good,
      description: 'Domains whose MTA-STS policy is at enforce: senders refuse to hand over mail without valid TLS.',
      sql: `SELECT countIf(mode = 'enforce') AS "Domains" FROM (
    SELECT values[indexOf(names, 'mode')] AS mode FROM ${nested(examined({ names: '`facts.name`', values: '`facts.value`' }, "c.check = 'mta_sts'"))})`,
    }),
    graph({
      title: 'Sessions', at: [0, 4, 12, 8], empty: 'No TLS reports in this time range', draw: 'bars',
      description: 'Sessions by UTC day and result. A day of red: look at the certificate of the mail host first.',
      colours: { Successful: colours.good, Failed: colours.bad },
      sql: `SELECT day AS time, sum(t.successful) AS "Successful", sum(t.failed) AS "Failed" FROM ${POLICIES} GROUP BY day ORDER BY day`,
    }),
    graph({
      title: 'Failures by cause', at: [12, 4, 12, 8], empty: 'No failure in this time range', draw: 'bars', named: 'Cause', colours: causes,
      description: 'What senders say went wrong. Certificate causes are yours to mend; sts-policy-fetch-error and dnssec-invalid are in DNS or on the web server.',
      sql: `SELECT day AS time, if(f.result_type = '', 'not said', f.result_type) AS Cause, sum(f.failed_sessions) AS Sessions FROM ${FAILURES} GROUP BY day, Cause ORDER BY day, Cause`,
    }),
    bars({
      title: 'Failures by mail host', at: [0, 12, 8, 8], empty: 'No failure in this time range', min: 0, colour: colours.bad,
      description: 'Mail hosts where sessions failed. One host alone: its certificate or its TLS settings.',
      sql: `SELECT if(f.receiving_mx_hostname = '', 'not said', f.receiving_mx_hostname) AS "Mail host", sum(f.failed_sessions) AS "Sessions" FROM ${FAILURES} GROUP BY "Mail host" ORDER BY "Sessions" DESC LIMIT 8`,
    }),
    bars({
      title: 'Failures by sending address', at: [8, 12, 8, 8], empty: 'No failure in this time range', min: 0, colour: colours.warning,
      description: 'Who could not deliver. All senders: the fault is here. One sender: it is likely there.',
      sql: `SELECT if(f.sending_mta_ip = '', 'not said', f.sending_mta_ip) AS "Address", sum(f.failed_sessions) AS "Sessions" FROM ${FAILURES} GROUP BY "Address" ORDER BY "Sessions" DESC LIMIT 8`,
    }),
    bars({
      title: 'Sessions by reporter', at: [16, 12, 8, 8], empty: 'No TLS reports in this time range', min: 0,
      description: 'Who sends TLS reports. Only senders that support them do; Google and Microsoft are the largest.',
      sql: `SELECT reporter AS "Reporter", sum(t.successful) + sum(t.failed) AS "Sessions" FROM ${POLICIES} GROUP BY reporter ORDER BY "Sessions" DESC LIMIT 8`,
    }),
    rows({
      title: 'Failures', at: [0, 20, 24, 8], empty: 'No failure in this time range',
      description: 'Each cause with its host and who reported it, the most frequent first.',
      sql: `SELECT f.policy_domain AS "Domain", f.result_type AS "Cause", f.receiving_mx_hostname AS "Mail host", f.policy_type AS "Policy", f.reporter AS "Reporter",
    sum(f.failed_sessions) AS "Sessions", max(f.day) AS "Last day", any(f.failure_reason_code) AS "Reason"
FROM ${FAILURES} GROUP BY "Domain", "Cause", "Mail host", "Policy", "Reporter" ORDER BY "Sessions" DESC LIMIT 200`,
      columns: {
        Domain: { minWidth: 170, link: domainLink }, Cause: { width: 210 }, 'Mail host': { minWidth: 170 }, Policy: { width: 130 }, Reporter: { width: 180 },
        Sessions: { width: 95, as: 'text', colour: colours.bad }, 'Last day': { width: 110, unit: 'time:YYYY-MM-DD' }, Reason: { width: 150 },
      },
    }),
    rows({
      title: 'What DNS promises', at: [0, 28, 24, 11], empty: 'Not examined in the last two days of the time range',
      description: 'MTA-STS, DANE and TLS reporting of each domain, worst first. To get to enforce: publish testing, watch failures for two weeks, then enforce.',
      sql: `SELECT transform(worst, [4, 3, 2, 1], ['error', 'warning', 'unknown', 'info'], 'ok') AS "Status", domain AS "Domain", mode AS "MTA-STS", if(dane, 'yes', 'no') AS "DANE",
    if(signed, 'yes', 'no') AS "DNSSEC", if(told, 'yes', 'no') AS "TLS reports", problems AS "Findings"
FROM (
    SELECT domain, max(transform(last_status, ['info', 'unknown', 'warning', 'error'], [1, 2, 3, 4], 0)) AS worst,
        maxIf(values[indexOf(names, 'mode')], mechanism = 'mta_sts') AS mode, countIf(mechanism = 'dane' AND notEmpty(names)) > 0 AS dane,
        countIf(mechanism = 'dnssec' AND values[indexOf(names, 'secure')] = 'yes') > 0 AS signed,
        countIf(mechanism = 'tls_rpt' AND values[indexOf(names, 'record')] != '') > 0 AS told,
        arrayStringConcat(arraySort(groupUniqArrayArray(codes)), ', ') AS problems
    FROM ${nested(examined({ last_status: 'status', names: '`facts.name`', values: '`facts.value`', codes: '`findings.code`' },
      "c.check IN ('mta_sts', 'dane', 'dnssec', 'tls_rpt')"))}
    GROUP BY domain
) ORDER BY worst DESC, domain LIMIT 2000`,
      columns: {
        Status: { pill: status, width: 105 }, Domain: { width: 210, link: domainLink }, 'MTA-STS': { text: modes, width: 100 }, DANE: { text: present, width: 80 },
        DNSSEC: { text: present, width: 90 }, 'TLS reports': { text: present, width: 105 }, Findings: { minWidth: 250 },
      },
    }),
  ],
});
