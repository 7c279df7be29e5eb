import { colours, type Words } from './shared/colours.js';
import { falling, rising } from './shared/fields.js';
import { page } from './shared/page.js';
import { bars, graph, number, rows } from './shared/panels.js';
import { chosen, reportedBy, scope } from './shared/sql.js';

const MESSAGES = `messages AS m FINAL WHERE $__dateFilter(day) AND $__timeFilter(m.received_at) AND ${chosen('m.group_name', 'group')}`;
const DELIVERIES = `deliveries AS l WHERE $__timeFilter(l.received_at) AND ${scope('l.policy_domain', 'l.group_name')} AND ${reportedBy('l.reporter')}`;

/** The month before the end of the time range: whoever is silent has not written within a short one. */
const LATELY = `deliveries AS l WHERE l.received_at > $__toTime - INTERVAL 30 DAY AND l.received_at <= $__toTime AND ${scope('l.policy_domain', 'l.group_name')} AND ${reportedBy('l.reporter')}`;

const quantile = (q: number, metric: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket[$__rate_interval])))`;

/** A counter that has counted nothing is not there yet: nothing, as long as the daemon is scraped. */
const counted = (metric: string) => `sum(increase(${metric}[$__rate_interval])) or 0 * sum(ruad_spool_backlog_bytes)`;

const silence: Words = {
  silent: { text: 'Silent', colour: colours.bad },
  late: { text: 'Late', colour: colours.warning },
  writes: { text: 'Writes', colour: colours.good },
};

export const ingest = () => page('ingest', {
  description: 'The daemon itself: mail comes in, rows go out.',
  from: 'now-7d',
  refresh: '1m',
  panels: [
    number({
      title: 'Oldest that waits', at: [0, 0, 4, 4], empty: 'Not scraped', unit: 's', steps: falling(300, 900),
      description: 'Age of the oldest message that is not in ClickHouse yet. Nothing is lost while it waits: it is on disk. See docs/runbooks/backlog-growing.md.',
      promql: [{ expr: 'max(ruad_spool_backlog_age_seconds)' }],
    }),
    number({
      title: 'Waiting', at: [4, 0, 4, 4], empty: 'Not scraped', unit: 'bytes', steps: falling(50_000_000, 500_000_000),
      description: 'Size of the messages that wait for ClickHouse. Growing for an hour? ClickHouse is down or slow.',
      promql: [{ expr: 'sum(ruad_spool_backlog_bytes)' }],
    }),
    number({
      title: 'Arrival to row, 95 %', at: [8, 0, 4, 4], empty: 'Not scraped', unit: 's', decimals: 1, steps: falling(60, 600),
      description: 'Time from the 250 to the sender until the last row of the message is stored, for 95 of 100 messages.',
      promql: [{ expr: quantile(0.95, 'ruad_intake_delay_seconds') }],
    }),
    number({
      title: 'In quarantine', at: [12, 0, 4, 4], empty: 'Not scraped', steps: falling(1, 50),
      description: 'Messages that could not be read. `ruad spool list` shows them; `ruad spool requeue` takes them in again.',
      promql: [{ expr: 'sum(ruad_spool_quarantine_messages)' }],
    }),
    number({
      title: 'Certificate ends in', at: [16, 0, 4, 4], empty: 'No TLS, or not scraped', unit: 's', decimals: 0,
      steps: [[null, colours.bad], [604_800, colours.warning], [1_814_400, colours.good]],
      description: 'Until the TLS certificate of the receiver ends. Some reporters stop writing to a server whose certificate has ended.',
      promql: [{ expr: 'min(ruad_smtp_tls_certificate_expiry_timestamp_seconds) - time()' }],
    }),
    number({
      title: 'Reporters silent', at: [20, 0, 4, 4], empty: 'No reports', steps: falling(1, 5),
      description: 'Reporters that wrote on at least three days of the month before the end of the time range, and not in its last four days. The list below names them.',
      sql: `SELECT countIf(last < $__toTime - INTERVAL 4 DAY AND days >= 3) AS "Reporters"
FROM (SELECT l.reporter AS reporter, max(l.received_at) AS last, uniqExact(toDate(l.received_at)) AS days FROM ${LATELY} GROUP BY reporter)`,
    }),
    graph({
      title: 'Messages over SMTP', at: [0, 4, 8, 8], empty: 'Not scraped', draw: 'lines', unit: 'suffix: /s', min: 0,
      description: 'Messages that came to their end, by outcome. Only “stored” was acknowledged; for the others the sender tries again or is told why not.',
      colours: { stored: colours.good, duplicate: colours.neutral, rejected: colours.bad },
      promql: [{ expr: 'sum by (outcome) (rate(ruad_smtp_messages_total[$__rate_interval]))', legend: '{{outcome}}' }],
    }),
    graph({
      title: 'Backlog', at: [8, 4, 8, 8], empty: 'Not scraped', draw: 'lines', unit: 's', min: 0, limits: [[null, colours.good], [900, colours.bad]],
      description: 'Age of the oldest message that waits, and how much waits. A line that climbs without a fall means that ClickHouse takes nothing.',
      colours: { Age: colours.warning },
      columns: { Size: { axis: 'right', unit: 'bytes', min: 0, colour: colours.plain } },
      promql: [{ expr: 'max(ruad_spool_backlog_age_seconds)', legend: 'Age' }, { expr: 'sum(ruad_spool_backlog_bytes)', legend: 'Size' }],
    }),
    graph({
      title: 'Arrival to row', at: [16, 4, 8, 8], empty: 'Not scraped', draw: 'lines', unit: 's', min: 0,
      description: 'Time from the 250 to the last row: half of the messages are faster than the first line, 95 of 100 faster than the second.',
      colours: { Half: colours.info, '95 of 100': colours.warning },
      promql: [
        { expr: quantile(0.5, 'ruad_intake_delay_seconds'), legend: 'Half' }, { expr: quantile(0.95, 'ruad_intake_delay_seconds'), legend: '95 of 100' },
      ],
    }),
    graph({
      title: 'ClickHouse: time of an insert', at: [0, 12, 8, 8], empty: 'Not scraped', draw: 'lines', unit: 's', min: 0,
      description: 'How long ClickHouse takes to acknowledge a block. Slower every day: too many parts, or a disk that fills.',
      colours: { Half: colours.info, '95 of 100': colours.warning },
      promql: [
        { expr: quantile(0.5, 'ruad_store_insert_seconds'), legend: 'Half' }, { expr: quantile(0.95, 'ruad_store_insert_seconds'), legend: '95 of 100' },
      ],
    }),
    graph({
      title: 'Rows stored', at: [8, 12, 8, 8], empty: 'Not scraped', draw: 'lines', unit: 'suffix: /s', min: 0,
      description: 'Rows that ClickHouse acknowledged, by table, and attempts that failed. Any failure is in the log with what ClickHouse said.',
      promql: [{ expr: 'sum by (table) (rate(ruad_store_inserted_rows_total[$__rate_interval]))', legend: '{{table}}' }],
    }),
    graph({
      title: 'Attempts that failed', at: [16, 12, 8, 8], empty: 'Not scraped', draw: 'lines', unit: 'short', min: 0,
      description: 'Attempts at a segment that will be repeated, and messages that were lost. The second is never to leave zero.',
      colours: { 'Will be repeated': colours.warning, Lost: colours.bad },
      promql: [
        { expr: counted('ruad_intake_segment_failures_total'), legend: 'Will be repeated' },
        { expr: counted('ruad_spool_lost_messages_total'), legend: 'Lost' },
      ],
    }),
    graph({
      title: 'What became of the messages', at: [0, 20, 8, 8], empty: 'No messages in this time range', draw: 'bars', points: 30,
      description: 'Mails by time of arrival. Duplicates are reports that came twice and are counted once; rejected ones had no report in them.',
      colours: { Stored: colours.good, Duplicate: colours.info, Rejected: colours.warning, Quarantined: colours.bad },
      sql: `SELECT $__timeInterval(m.received_at) AS time, countIf(m.outcome = 'stored') AS "Stored", countIf(m.outcome = 'duplicate') AS "Duplicate", countIf(m.outcome = 'rejected') AS "Rejected",
    countIf(m.outcome = 'quarantined') AS "Quarantined" FROM ${MESSAGES} GROUP BY time ORDER BY time`,
    }),
    graph({
      title: 'Reports by decision', at: [8, 20, 8, 8], empty: 'No reports in this time range', draw: 'bars', points: 30,
      description: 'The ledger: every delivery of a report. A conflict is a known identity with other content; both are kept.',
      colours: { Stored: colours.good, Duplicate: colours.info, Conflict: colours.warning },
      sql: `SELECT $__timeInterval(l.received_at) AS time, countIf(l.decision = 'stored') AS "Stored", countIf(l.decision = 'duplicate') AS "Duplicate", countIf(l.decision = 'conflict') AS "Conflict"
FROM ${DELIVERIES} GROUP BY time ORDER BY time`,
    }),
    graph({
      title: 'Are the reports from who they say?', at: [16, 20, 8, 8], empty: 'No reports in this time range', draw: 'bars', points: 30,
      description: 'Provenance of the report mails. Forged ones are not counted as genuine; many unknown ones mean that our DNS resolver does not answer.',
      colours: { Genuine: colours.good, Authenticated: colours.info, Unknown: colours.neutral, Forged: colours.bad },
      sql: `SELECT $__timeInterval(l.received_at) AS time, countIf(l.verdict = 'genuine') AS "Genuine", countIf(l.verdict = 'authenticated') AS "Authenticated",
    countIf(l.verdict = 'unknown') AS "Unknown", countIf(l.verdict = 'forged') AS "Forged" FROM ${DELIVERIES} GROUP BY time ORDER BY time`,
    }),
    rows({
      title: 'Reporters, those that went silent first', at: [0, 28, 14, 10], empty: 'No reports in this time range',
      description: 'Who wrote in the month before the end of the time range, how often, and when last. One that is silent: look for its address among the refused sessions and in quarantine, then ask it.',
      sql: `SELECT multiIf(days >= 3 AND last < $__toTime - INTERVAL 4 DAY, 'silent', days >= 3 AND last < $__toTime - INTERVAL 2 DAY, 'late', 'writes') AS "State",
    reporter AS "Reporter", last AS "Last report", days AS "Days", reports AS "Reports", twice AS "Duplicates", proven / reports AS "Genuine"
FROM (
    SELECT l.reporter AS reporter, max(l.received_at) AS last, uniqExact(toDate(l.received_at)) AS days, count() AS reports,
        countIf(l.decision = 'duplicate') AS twice, countIf(l.verdict IN ('genuine', 'authenticated')) AS proven
    FROM ${LATELY} GROUP BY reporter
) ORDER BY indexOf(['silent', 'late', 'writes'], "State"), reports DESC LIMIT 500`,
      columns: {
        State: { pill: silence, width: 90 }, Reporter: { minWidth: 180 }, 'Last report': { width: 130, unit: 'time:MMM DD HH:mm' }, Days: { width: 70 },
        Reports: { width: 90 }, Duplicates: { width: 100 }, Genuine: { width: 130, unit: 'percentunit', decimals: 0, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.9) },
      },
    }),
    bars({
      title: 'Parts that could not be read', at: [14, 28, 10, 10], empty: 'Every part could be read', min: 0, colour: colours.warning,
      description: 'Why parts of messages gave no report, by code. A new one on top is a reporter with a new format: look at its mail in quarantine.',
      sql: `SELECT why AS "Code", count() AS "Parts"
FROM (SELECT arrayJoin(if(empty(m.\`refused.code\`), [toString(m.code)], arrayMap(one -> toString(one), m.\`refused.code\`))) AS why FROM ${MESSAGES})
WHERE why != '' GROUP BY why ORDER BY "Parts" DESC LIMIT 9`,
    }),
    graph({
      title: 'Can the reporters be believed?', at: [0, 38, 10, 9], empty: 'No reports in this time range', draw: 'bars', points: 30,
      description: 'Standing of the reporters by time of arrival. Decisions rest on known and established ones, and on all of them while verification is switched off.',
      colours: { Known: colours.good, Established: colours.info, 'Not checked': colours.neutral, Stranger: colours.warning, Suspect: colours.bad },
      sql: `SELECT $__timeInterval(l.received_at) AS time, countIf(l.standing = 'known') AS "Known", countIf(l.standing = 'established') AS "Established",
    countIf(l.standing = 'unchecked') AS "Not checked", countIf(l.standing IN ('stranger', '')) AS "Stranger", countIf(l.standing = 'suspect') AS "Suspect" FROM ${DELIVERIES} GROUP BY time ORDER BY time`,
    }),
    rows({
      title: 'Reports with impossible dates', at: [10, 38, 14, 9], empty: 'Every report has a plausible range of time',
      description: 'The range is missing, reversed, too long or not near the arrival. They are stored on the day of arrival and count in no decision. A reporter that always sends such reports is worth a mail.',
      sql: `SELECT r.reporter AS "Reporter", r.policy_domain AS "Domain", r.received_at AS "Arrived", toString(r.begin) AS "Begin", toString(r.end) AS "End", r.messages AS "Messages"
FROM aggregate_reports AS r FINAL WHERE $__timeFilter(r.received_at) AND ${scope('r.policy_domain', 'r.group_name')} AND ${reportedBy('r.reporter')} AND r.date_suspect
ORDER BY r.received_at DESC LIMIT 200`,
      columns: {
        Reporter: { minWidth: 130 }, Domain: { minWidth: 140 }, Arrived: { width: 120, unit: 'time:MMM DD HH:mm' }, Begin: { width: 150 }, End: { width: 150 }, Messages: { width: 95 },
      },
    }),
    rows({
      title: 'Mails that gave no report', at: [0, 47, 24, 9], empty: 'Every mail had a report',
      description: 'Who sent them and why they were refused or put aside. `ruad spool list` has those in quarantine.',
      sql: `SELECT m.outcome AS "Outcome", m.code AS "Code", if(m.from_domain = '', m.mail_from_domain, m.from_domain) AS "From", count() AS "Mails", max(m.received_at) AS "Last", any(m.reason) AS "Reason"
FROM ${MESSAGES} AND m.outcome IN ('rejected', 'quarantined') GROUP BY "Outcome", "Code", "From" ORDER BY "Mails" DESC LIMIT 200`,
      columns: {
        Outcome: { pill: { quarantined: { text: 'Quarantined', colour: colours.bad }, rejected: { text: 'Rejected', colour: colours.warning } }, width: 120 },
        Code: { width: 200 }, From: { width: 220 }, Mails: { width: 90 }, Last: { width: 130, unit: 'time:MMM DD HH:mm' }, Reason: { minWidth: 250 },
      },
    }),
  ],
});
