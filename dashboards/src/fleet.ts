import { colours, policies, severity, stages, standings, status, type Words } from './shared/colours.js';
import { falling, rising } from './shared/fields.js';
import { to } from './shared/links.js';
import { page } from './shared/page.js';
import { bars, graph, number, rows } from './shared/panels.js';
import { assigned, examined, happened, keys, nested, plans, reportedBy, reports, scope, today } from './shared/sql.js';

const domainLink = { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) };
const groupLink = { title: 'Show this customer alone', url: to('fleet', { group: 'Customer' }) };

/** Rows of reports about customers' domains. */
const REPORTS = `${reports} AND ${assigned}`;

/** Rows of reports that count in no decision. */
const STRANGERS = `$__dateFilter(day) AND ${scope()} AND ${reportedBy()} AND NOT believed`;

const RANKS = `['unprotected', 'monitoring', 'aligning', 'quarantine', 'reject', 'maintained']`;

/** Domains whose stage or score is lower than it was a week before. */
const REGRESSED = `
SELECT s.domain AS domain, argMax(s.group_name, s.day) AS customer,
    argMaxIf(s.stage, s.day, s.day <= ${today} - 7) AS stage_was,
    argMax(s.stage, s.day) AS stage_is,
    argMaxIf(s.score, s.day, s.day <= ${today} - 7) AS score_was,
    argMax(s.score, s.day) AS score_is
FROM domain_stages AS s FINAL
WHERE s.day BETWEEN ${today} - 14 AND ${today} AND ${scope('s.domain', 's.group_name')}
GROUP BY s.domain
HAVING stage_was != '' AND (indexOf(${RANKS}, stage_is) < indexOf(${RANKS}, stage_was) OR score_is <= score_was - 0.3)`;

const TABLE = `
WITH plan AS ${nested(plans({
  customer: 'group_name', stage: 'stage', policy: 'policy', score: 'score', threats: 'threats', open_steps: 'open_steps',
}))},
volume AS (
    SELECT domain, sum(day_messages) AS messages, sum(day_passed) AS passed,
        groupArrayInsertAtIf(toInt64(0), 30)(day_messages, toUInt32(day - (${today} - 29)), day > ${today} - 30) AS trend
    FROM (
        SELECT d.policy_domain AS domain, day, sum(d.messages) AS day_messages,
            sumIf(d.messages, d.dkim_aligned OR d.spf_aligned) AS day_passed
        FROM daily_domains AS d
        WHERE ${REPORTS}
        GROUP BY domain, day
    ) GROUP BY domain
),
dns AS (
    SELECT domain, max(transform(last_status, ['info', 'unknown', 'warning', 'error'], [1, 2, 3, 4], 0)) AS worst,
        maxIf(lookups, mechanism = 'spf') AS lookups
    FROM ${nested(examined({ last_status: 'status', lookups: 'spf_lookups' }))} GROUP BY domain
),
oldest AS (SELECT domain, max(age) AS days FROM ${nested(keys())} GROUP BY domain)
SELECT
    transform(dns.worst, [4, 3, 2, 1], ['error', 'warning', 'unknown', 'info'], 'ok') AS "DNS",
    plan.domain AS "Domain", plan.customer AS "Customer", plan.stage AS "Stage", plan.policy AS "Policy",
    plan.score AS "Score", volume.messages AS "Messages",
    if(volume.messages > 0, volume.passed / volume.messages, NULL) AS "Aligned",
    volume.trend AS "30 days", plan.threats AS "Forged", dns.lookups AS "SPF lookups", if(oldest.domain = '', NULL, oldest.days) AS "Oldest key",
    plan.open_steps AS "Open steps"
FROM plan
LEFT JOIN volume ON volume.domain = plan.domain
LEFT JOIN dns ON dns.domain = plan.domain
LEFT JOIN oldest ON oldest.domain = plan.domain
ORDER BY dns.worst DESC, ifNull(plan.score, 0), volume.messages DESC
LIMIT 5000`;

const STAGE_NAMES = Object.values(stages).map(({ text }) => `'${text}'`).join(', ');
const change: Words = Object.fromEntries(Object.entries(stages).map(([word, { text, colour }]) => [word, { text, colour }]));

export const fleet = () => page('fleet', {
  description: 'All customers on one page: what needs somebody now, who can move up, who fell back.',
  events: ['error'],
  panels: [
    number({
      title: 'Domains', at: [0, 0, 3, 4], empty: 'No plan yet',
      description: 'Domains with a plan in the time range. Fewer than the registry has? Then ruad advises only some of them: see its log.',
      sql: `SELECT count() AS "Domains" FROM ${nested(plans({ stage: 'stage' }))}`,
    }),
    number({
      title: 'DNS: act now', at: [3, 0, 3, 4], empty: 'Nothing examined', steps: falling(1, 1),
      description: 'Domains with a finding of severity error at their last examination: mail is lost or can be forged. They are at the top of the table.',
      sql: `SELECT uniqExactIf(domain, last_status = 'error') AS "Domains" FROM ${nested(examined({ last_status: 'status' }))}`,
      link: { title: 'Open DNS health', url: to('health') },
    }),
    number({
      title: 'Fell back', at: [6, 0, 3, 4], empty: '0', steps: falling(1, 5),
      description: 'Domains whose stage or score is lower than seven days ago. The list below says which.',
      sql: `SELECT count() AS "Domains" FROM ${nested(REGRESSED)}`,
    }),
    number({
      title: 'Can move up', at: [9, 0, 3, 4], empty: 'No plan yet', colour: colours.good,
      description: 'Domains whose policy can be raised now: every condition is met. The list below says to what.',
      sql: `SELECT countIf(ready != '') AS "Domains" FROM ${nested(plans({ ready: 'ready_for' }))}`,
    }),
    number({
      title: 'Open steps', at: [12, 0, 3, 4], empty: 'No plan yet', steps: falling(1, 1000),
      description: 'Things somebody has to do now, over all domains. Open a domain to see them in the order in which they are best done.',
      sql: `SELECT sum(steps) AS "Steps" FROM ${nested(plans({ steps: 'open_steps' }))}`,
    }),
    number({
      title: 'Messages', at: [15, 0, 3, 4], empty: 'No reports',
      description: 'Messages that reports tell of, in UTC days of the reports.',
      sql: `SELECT sum(d.messages) AS "Messages" FROM daily_domains AS d WHERE ${REPORTS}`,
    }),
    number({
      title: 'Aligned', at: [18, 0, 3, 4], empty: 'No reports', unit: 'percentunit', decimals: 1, steps: rising(0.9, 0.98),
      description: 'Share of the messages that passed DMARC by aligned DKIM or aligned SPF. Forged mail counts as not aligned, so a campaign lowers it.',
      sql: `SELECT sumIf(d.messages, d.dkim_aligned OR d.spf_aligned) / sum(d.messages) AS "Aligned" FROM daily_domains AS d WHERE ${REPORTS}`,
    }),
    number({
      title: 'Forged', at: [21, 0, 3, 4], empty: 'No plan yet', colour: colours.bad,
      description: 'Messages from senders that forge a domain, in the windows the plans rest on. Abuse shows where they come from.',
      sql: `SELECT sum(threats) AS "Messages" FROM ${nested(plans({ threats: 'threats' }))}`,
      link: { title: 'Open Abuse', url: to('abuse') },
    }),
    rows({
      title: 'Domains, those in trouble first', at: [0, 4, 24, 15], empty: 'No domain has a plan in this time range. Are there domains in the registry?',
      description: 'One row a domain. DNS is the worst status of its last examination; stage, score, forged mail and open steps are from its last plan; messages and their trend from the reports. Click a domain to work on it, a heading to sort.',
      sql: TABLE,
      columns: {
        DNS: { pill: status, width: 100 },
        Domain: { minWidth: 190, link: domainLink },
        Customer: { minWidth: 150, link: groupLink },
        Stage: { text: stages, width: 115 },
        Policy: { text: policies, width: 105 },
        Score: { width: 75, decimals: 1, as: 'text', steps: rising(3, 4) },
        Messages: { width: 95 },
        Aligned: { width: 130, unit: 'percentunit', decimals: 1, min: 0, max: 1, as: 'bar', steps: rising(0.9, 0.98) },
        '30 days': { width: 150, as: 'spark', colour: colours.plain },
        Forged: { width: 85 },
        'SPF lookups': { width: 105, as: 'text', steps: falling(9, 11) },
        'Oldest key': { width: 105, unit: 'suffix: d', decimals: 0, as: 'text', steps: falling(180, 365) },
        'Open steps': { width: 100, as: 'text', steps: [[null, colours.good], [1, colours.warning]] },
      },
    }),
    rows({
      title: 'Ready to move up', at: [0, 19, 7, 8], empty: 'Nobody: every domain has its policy or waits for a condition',
      description: 'Every condition for the next policy is met. Publish the record that the first step of the domain gives, then watch what becomes of its mail for a week.',
      sql: `SELECT domain AS "Domain", customer AS "Customer", ready AS "Raise to" FROM ${nested(
        plans({ customer: 'group_name', ready: 'ready_for', messages: 'messages' }))} WHERE ready != '' ORDER BY messages DESC LIMIT 500`,
      columns: {
        Domain: { link: domainLink, minWidth: 140 }, Customer: { link: groupLink, width: 130 },
        'Raise to': { pill: policies, width: 95 },
      },
    }),
    rows({
      title: 'Fell back this week', at: [7, 19, 7, 8], empty: 'Nobody: no stage and no score is lower than a week ago',
      description: 'Stage or score is lower than seven days ago. Look at the events of the domain first: most often somebody changed a record.',
      sql: `SELECT domain AS "Domain", stage_was AS "Was", stage_is AS "Is", round(score_is - score_was, 1) AS "Score" FROM ${nested(REGRESSED)} ORDER BY score_is - score_was, domain LIMIT 500`,
      columns: {
        Domain: { link: domainLink, minWidth: 110 }, Was: { text: change, width: 95 }, Is: { text: change, width: 95 },
        Score: { width: 62, decimals: 1, as: 'text', steps: [[null, colours.bad], [0, colours.good]], description: 'Change of the score' },
      },
    }),
    rows({
      title: 'What changed', at: [14, 19, 10, 8], empty: 'Nothing has changed in this time range',
      description: 'The last events of severity warning or error. Each was seen by two examinations in a row; docs/events.md says what to do about each kind.',
      sql: `SELECT seen_at AS "When", severity AS "How bad", domain AS "Domain", ${happened} AS "What" FROM domain_events FINAL
WHERE $__timeFilter(seen_at) AND ${scope('domain')} AND severity IN ('warning', 'error') ORDER BY seen_at DESC LIMIT 100`,
      columns: {
        When: { width: 105, unit: 'time:MMM DD HH:mm' }, 'How bad': { pill: severity, width: 90 },
        Domain: { link: domainLink, width: 180 }, What: { minWidth: 200 },
      },
    }),
    graph({
      title: 'Messages by result', at: [0, 27, 12, 9], empty: 'No reports in this time range', draw: 'bars',
      description: 'What receivers found, by UTC day. A growing red part is either a campaign (see Abuse) or a sender of your own that broke (see Sources).',
      sql: `
        SELECT day AS time,
            sumIf(d.messages, d.dkim_aligned AND d.spf_aligned) AS "DKIM and SPF",
            sumIf(d.messages, d.dkim_aligned AND NOT d.spf_aligned) AS "DKIM only",
            sumIf(d.messages, NOT d.dkim_aligned AND d.spf_aligned) AS "SPF only",
            sumIf(d.messages, NOT d.dkim_aligned AND NOT d.spf_aligned) AS "Neither"
        FROM daily_domains AS d WHERE ${REPORTS} GROUP BY day ORDER BY day`,
    }),
    bars({
      title: 'Domains by stage', at: [12, 27, 6, 9], empty: 'No plan yet', min: 0,
      description: 'How far the domains are. The work is to move them down this list; the first three can be forged by anybody.',
      sql: `SELECT name AS "Stage", countIf(stage = key) AS "Domains"
FROM (SELECT arrayJoin(arrayZip(${RANKS}, [${STAGE_NAMES}], range(6))) AS one, one.1 AS key, one.2 AS name, one.3 AS place) AS words
CROSS JOIN ${nested(plans({ stage: 'stage' }))} AS plan
GROUP BY name, place ORDER BY place`,
    }),
    graph({
      title: 'Domains by policy', at: [18, 27, 6, 9], empty: 'No plan yet', draw: 'steps', decimals: 0, min: 0,
      description: 'Policies in force, by day. Red is a domain without a record. A falling green line means that somebody weakened policies.',
      colours: { reject: colours.good, quarantine: colours.info, none: colours.warning, 'No record': colours.bad },
      sql: `
        SELECT s.day AS time, countIf(s.policy = 'reject') AS "reject", countIf(s.policy = 'quarantine') AS "quarantine",
            countIf(s.policy = 'none') AS "none", countIf(s.policy = '') AS "No record"
        FROM domain_stages AS s FINAL
        WHERE $__dateFilter(s.day) AND ${scope('s.domain', 's.group_name')} GROUP BY s.day ORDER BY s.day`,
    }),
    rows({
      title: 'Domains of no customer', at: [0, 36, 12, 8], empty: 'Every report is about a domain of a customer',
      description: 'Names that reports are about and no group of the registry has; no other number on this page counts them. One of your customers? Add it to the registry.',
      sql: `SELECT d.policy_domain AS "Domain", sum(d.messages) AS "Messages", sumIf(d.messages, d.believed) AS "Believed", uniqExact(d.reporter) AS "Reporters", max(d.day) AS "Last day"
FROM daily_domains AS d WHERE $__dateFilter(day) AND ${scope()} AND NOT ${assigned} AND verdict != 'forged'
GROUP BY d.policy_domain ORDER BY "Believed" DESC, "Messages" DESC LIMIT 200`,
      columns: {
        Domain: { minWidth: 200 }, Messages: { width: 110 }, Believed: { width: 110, description: 'Messages that believed reporters report' },
        Reporters: { width: 100 }, 'Last day': { width: 110, unit: 'time:YYYY-MM-DD' },
      },
    }),
    rows({
      title: 'Reported by strangers', at: [12, 36, 12, 8], empty: 'Every report is from a reporter who is believed',
      description: 'Reports from senders without a standing, with a verdict of forged or unknown, or with impossible dates. They are stored and count in no decision, score or alert. docs/provenance.md says who is believed.',
      sql: `SELECT d.reporter AS "Reporter", if(d.standing = '', 'stranger', d.standing) AS "Standing", d.verdict AS "Verdict", uniqExact(d.policy_domain) AS "Domains", sum(d.messages) AS "Messages", max(d.day) AS "Last day"
FROM daily_domains AS d WHERE ${STRANGERS} GROUP BY "Reporter", "Standing", "Verdict" ORDER BY "Messages" DESC LIMIT 200`,
      columns: {
        Reporter: { minWidth: 170 }, Standing: { text: standings, width: 105 }, Verdict: { width: 120 }, Domains: { width: 90 }, Messages: { width: 110 },
        'Last day': { width: 110, unit: 'time:YYYY-MM-DD' },
      },
    }),
  ],
});
