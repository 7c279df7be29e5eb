import { classes, colours, policies, severity, stages, status, steps } from './shared/colours.js';
import { falling, rising } from './shared/fields.js';
import { to } from './shared/links.js';
import { page } from './shared/page.js';
import { bars, graph, map, number, rows } from './shared/panels.js';
import { address, examined, happened, keys, nested, origins, plans, reports, scope, sender, sources } from './shared/sql.js';

const sourceLink = (column: string) => ({ title: 'This source in all domains', url: to('sources', { source: column }) });

/** One word when all chosen domains agree, otherwise how many there are. */
const agreed = (column: string) => `if(uniqExact(${column}) = 1, any(${column}), concat(toString(count()), ' domains'))`;

const SENDERS = `domain_senders FINAL WHERE ${scope('domain')}`;

/** Volume, result and origin of each address. */
const ADDRESSES = `
SELECT r.source_ip AS source_ip, sum(r.messages) AS sent, sum(r.passed) AS aligned, sum(r.dkim_aligned) AS dkim, sum(r.spf_aligned) AS spf,
    sum(r.rejected + r.quarantined) AS stopped, max(r.day) AS last_day
FROM daily_sources AS r WHERE ${sources} GROUP BY r.source_ip`;

const known = (inner: string) => `
SELECT a.*, s.reverse_name AS reverse_name, s.country AS country, ${sender('a.source_ip')} AS who
FROM ${nested(inner)} AS a LEFT JOIN ${origins} AS s ON s.source_ip = a.source_ip`;

export const domain = () => page('domain', {
  description: 'One domain: how far it is, who sends in its name, what to do next, what DNS says.',
  events: ['error', 'warning', 'info'],
  oneDomain: true,
  panels: [
    number({
      title: 'Stage', at: [0, 0, 4, 4], empty: 'No plan yet', words: stages, field: '/^Stage$/',
      description: 'How far the domain is on its way to p=reject. The steps below lead to the next stage.',
      sql: `SELECT ${agreed('stage')} AS "Stage" FROM ${nested(plans({ stage: 'stage' }))}`,
    }),
    number({
      title: 'Policy in force', at: [4, 0, 3, 4], empty: 'No plan yet', words: policies, field: '/^Policy$/',
      description: 'The DMARC policy that receivers apply. With none, forged mail is delivered.',
      sql: `SELECT ${agreed('policy')} AS "Policy" FROM ${nested(plans({ policy: 'policy' }))}`,
    }),
    number({
      title: 'Can be raised to', at: [7, 0, 3, 4], empty: 'No plan yet', field: '/^Ready$/',
      description: 'The policy that can be published now; “not yet” while a condition is not met. The conditions are listed below.',
      words: { ...policies, '': { text: 'not yet', colour: colours.neutral } },
      sql: `SELECT ${agreed('ready')} AS "Ready" FROM ${nested(plans({ ready: 'ready_for' }))}`,
    }),
    number({
      title: 'Score', at: [10, 0, 2, 4], empty: 'No score', unit: 'none', decimals: 1, min: 0, max: 5, steps: rising(3, 4),
      description: 'From 0 to 5, by DNS and by what reports tell. docs/score.md says what counts how much.',
      sql: `SELECT avg(score) AS "Score" FROM ${nested(plans({ score: 'score' }))}`,
    }),
    number({
      title: 'Messages', at: [12, 0, 3, 4], empty: 'No reports', description: 'Messages that reports of the time range tell of.',
      sql: `SELECT sum(d.messages) AS "Messages" FROM daily_domains AS d WHERE ${reports}`,
    }),
    number({
      title: 'Aligned', at: [15, 0, 3, 4], empty: 'No reports', unit: 'percentunit', decimals: 1, steps: rising(0.9, 0.98),
      description: 'Share of the messages that passed DMARC. What is missing is forged, forwarded, or a sender to set up: see the senders.',
      sql: `SELECT sumIf(d.messages, d.dkim_aligned OR d.spf_aligned) / sum(d.messages) AS "Aligned" FROM daily_domains AS d WHERE ${reports}`,
    }),
    number({
      title: 'Forged', at: [18, 0, 3, 4], empty: 'No plan yet', colour: colours.bad,
      description: 'Messages from senders that forge the domain, in the window of the plan.',
      sql: `SELECT sum(threats) AS "Messages" FROM ${nested(plans({ threats: 'threats' }))}`,
      link: { title: 'Open Abuse', url: to('abuse') },
    }),
    number({
      title: 'Open steps', at: [21, 0, 3, 4], empty: 'No plan yet', steps: falling(1, 1000),
      description: 'What somebody has to do now. The list below is in the order in which it is best done.',
      sql: `SELECT sum(steps) AS "Steps" FROM ${nested(plans({ steps: 'open_steps' }))}`,
    }),
    graph({
      title: 'Messages by result', at: [0, 4, 9, 8], empty: 'No reports in this time range', draw: 'bars',
      description: 'What receivers found, by UTC day. DKIM survives forwarding, SPF does not: aim for green and blue.',
      sql: `
        SELECT day AS time,
            sumIf(d.messages, d.dkim_aligned AND d.spf_aligned) AS "DKIM and SPF",
            sumIf(d.messages, d.dkim_aligned AND NOT d.spf_aligned) AS "DKIM only",
            sumIf(d.messages, NOT d.dkim_aligned AND d.spf_aligned) AS "SPF only",
            sumIf(d.messages, NOT d.dkim_aligned AND NOT d.spf_aligned) AS "Neither"
        FROM daily_domains AS d WHERE ${reports} GROUP BY day ORDER BY day`,
    }),
    graph({
      title: 'What became of it', at: [9, 4, 8, 8], empty: 'No reports in this time range', draw: 'bars',
      description: 'What receivers did with the messages. After the policy was raised, watch orange and red for mail of your own.',
      sql: `
        SELECT day AS time,
            sumIf(d.messages, lower(d.disposition) IN ('none', 'pass')) AS "Delivered",
            sumIf(d.messages, lower(d.disposition) = 'quarantine') AS "Quarantined",
            sumIf(d.messages, lower(d.disposition) = 'reject') AS "Rejected",
            sumIf(d.messages, lower(d.disposition) NOT IN ('none', 'pass', 'quarantine', 'reject')) AS "Other answers"
        FROM daily_domains AS d WHERE ${reports} GROUP BY day ORDER BY day`,
    }),
    graph({
      title: 'Progress and score', at: [17, 4, 7, 8], empty: 'No plan yet', draw: 'steps', unit: 'percentunit', min: 0, max: 1,
      description: 'How much of the way lies behind the domain, and its score. Marks are events: a fall beside one says what happened.',
      colours: { Progress: colours.good },
      columns: { Score: { axis: 'right', unit: 'none', min: 0, max: 5, decimals: 1, colour: colours.plain } },
      sql: `
        SELECT s.day AS time, avg(s.progress) AS "Progress", avg(s.score) AS "Score"
        FROM domain_stages AS s FINAL
        WHERE $__dateFilter(s.day) AND ${scope('s.domain', 's.group_name')} GROUP BY s.day ORDER BY s.day`,
    }),
    { section: 'What to do', y: 12 },
    rows({
      title: 'Steps', at: [0, 13, 14, 8], empty: 'Nothing is to be done',
      description: 'In the order in which they are best done. `ruad advise` prints the exact records and settings of each.',
      sql: `SELECT state AS "State", title AS "What is to be done", who AS "Who", effort AS "Effort", risk AS "Risk",
    toInt32(dateDiff('day', opened_at, $__toTime)) AS "Open for", domain AS "Domain"
FROM domain_steps FINAL WHERE ${scope('domain')} AND state IN ('open', 'regressed', 'blocked')
ORDER BY indexOf(['regressed', 'open', 'blocked'], state), position LIMIT 200`,
      columns: {
        State: { pill: steps, width: 115 }, 'What is to be done': { minWidth: 240 }, Who: { width: 85 }, Effort: { width: 80 }, Risk: { width: 80 },
        'Open for': { width: 85, unit: 'suffix: d', as: 'text', steps: falling(14, 45) }, Domain: { width: 150 },
      },
    }),
    rows({
      title: 'Conditions for the next policy', at: [14, 13, 10, 8], empty: 'No policy left to raise to, or no plan yet',
      description: 'What has to be so before the policy can be raised, and how it is. Red ones are the work.',
      sql: `SELECT if(met, 'yes', 'no') AS "Met", gate AS "Condition", about AS "About", wanted AS "Wanted", found AS "Found"
FROM ${nested(plans({ names: '`gates.name`', abouts: '`gates.subject`', wants: '`gates.wanted`', founds: '`gates.found`', mets: '`gates.met`' }))}
ARRAY JOIN names AS gate, abouts AS about, wants AS wanted, founds AS found, mets AS met ORDER BY met, domain LIMIT 200`,
      columns: {
        Met: { pill: { no: { text: 'Not yet', colour: colours.bad }, yes: { text: 'Met', colour: colours.good } }, width: 85 },
        Condition: { minWidth: 150 }, About: { width: 130 }, Wanted: { width: 85, unit: 'none' }, Found: { width: 85, unit: 'none' },
      },
    }),
    rows({
      title: 'What p=reject would stop', at: [0, 21, 10, 8], empty: 'Nothing of yours: every sender that is not a forger is aligned',
      description: 'Messages in the window of the plan that are not aligned, by senders that do not forge. Set these up, or reject them with `ruad source reject`, before the policy is raised.',
      sql: `SELECT name AS "Sender", class AS "Class", toInt64(messages) - toInt64(passed) AS "Would be lost",
    if(messages > 0, passed / messages, NULL) AS "Aligned"
FROM ${SENDERS} AND class != 'threat' AND messages > passed ORDER BY "Would be lost" DESC LIMIT 50`,
      columns: {
        Sender: { minWidth: 140, link: sourceLink('Sender') }, Class: { pill: classes, width: 110 },
        'Would be lost': { width: 115, as: 'text', steps: [[null, colours.neutral], [1, colours.warning], [100, colours.bad]] },
        Aligned: { width: 130, unit: 'percentunit', decimals: 1, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.98) },
      },
    }),
    rows({
      title: 'What happened', at: [10, 21, 14, 8], empty: 'Nothing has changed in this time range',
      description: 'Changes that two examinations in a row saw. docs/events.md says what to do about each kind.',
      sql: `SELECT seen_at AS "When", severity AS "How bad", ${happened} AS "What", subject AS "About", old AS "Before", new AS "Now"
FROM domain_events FINAL WHERE $__timeFilter(seen_at) AND ${scope('domain')} ORDER BY seen_at DESC LIMIT 200`,
      columns: {
        When: { width: 110, unit: 'time:MMM DD HH:mm' }, 'How bad': { pill: severity, width: 90 }, What: { minWidth: 230 },
        About: { width: 80 }, Before: { width: 120 }, Now: { width: 120 },
      },
    }),
    { section: 'Who sends', y: 29 },
    rows({
      title: 'Senders', at: [0, 30, 24, 9], empty: 'No sender is known yet',
      description: 'Everybody who sent in the window of the plan, forgers first. Undecided ones wait for a word of the owner: `ruad source approve` or `ruad source reject`.',
      sql: `SELECT class AS "Class", name AS "Sender", category AS "Kind", messages AS "Messages", share AS "Share",
    if(messages > 0, passed / messages, NULL) AS "Aligned", if(messages > 0, dkim_aligned / messages, NULL) AS "DKIM",
    if(messages > 0, spf_aligned / messages, NULL) AS "SPF", rejected + quarantined AS "Stopped", addresses AS "Addresses",
    first_day AS "First seen", last_day AS "Last seen"
FROM ${SENDERS} ORDER BY indexOf(['threat', 'undecided', 'needs_work', 'forwarder', 'aligned'], class), messages DESC LIMIT 500`,
      columns: {
        Class: { pill: classes, width: 110 }, Sender: { minWidth: 170, link: sourceLink('Sender') }, Kind: { width: 115 }, Messages: { width: 95 },
        Share: { width: 75, unit: 'percentunit', decimals: 1 },
        Aligned: { width: 150, unit: 'percentunit', decimals: 1, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.98) },
        DKIM: { width: 80, unit: 'percentunit', decimals: 1, as: 'text', steps: rising(0.5, 0.98) },
        SPF: { width: 80, unit: 'percentunit', decimals: 1, as: 'text', steps: rising(0.5, 0.98) },
        Stopped: { width: 85 }, Addresses: { width: 95 }, 'First seen': { width: 105, unit: 'time:YYYY-MM-DD' }, 'Last seen': { width: 105, unit: 'time:YYYY-MM-DD' },
      },
    }),
    rows({
      title: 'Addresses', at: [0, 39, 14, 9], empty: 'No reports in this time range',
      description: 'The 100 addresses that sent most in the time range. Click one to see it in all domains. The reporter chosen above does not narrow this.',
      sql: `SELECT ${address()} AS "Address", who AS "Who", reverse_name AS "Reverse name", country AS "Country", sent AS "Messages",
    aligned / sent AS "Aligned", stopped AS "Stopped"
FROM ${nested(known(`${ADDRESSES.trim()}\nHAVING sent > 0 ORDER BY sent DESC LIMIT 100`))} ORDER BY sent DESC`,
      columns: {
        Address: { width: 140, link: sourceLink('Address') }, Who: { minWidth: 140 }, 'Reverse name': { minWidth: 140 }, Country: { width: 80 },
        Messages: { width: 95 }, Stopped: { width: 80 },
        Aligned: { width: 125, unit: 'percentunit', decimals: 1, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.98) },
      },
    }),
    map({
      title: 'Countries', at: [14, 39, 10, 9], empty: 'No country is known for any address', colour: colours.plain, code: 'Country', value: 'Messages',
      description: 'Where the mail is sent from. A country you do not work with, with mail that is not aligned, is worth a look. The reporter chosen above does not narrow this.',
      sql: `SELECT country AS "Country", sum(sent) AS "Messages", sum(sent) - sum(aligned) AS "Not aligned"
FROM ${nested(known(ADDRESSES))} WHERE country != '' GROUP BY country ORDER BY "Messages" DESC LIMIT 60`,
    }),
    rows({
      title: 'Subdomains', at: [0, 48, 14, 8], empty: 'No reports in this time range',
      description: 'The domain people see as the author. One that is not yours, or that nobody knows, is forged; subdomains are covered by sp, else by p.',
      sql: `SELECT lower(r.header_from) AS "From", sum(r.count) AS "Messages", sumIf(r.count, r.dmarc_pass) / sum(r.count) AS "Aligned",
    sumIf(r.count, r.dkim_aligned) / sum(r.count) AS "DKIM", sumIf(r.count, r.spf_aligned) / sum(r.count) AS "SPF"
FROM aggregate_records AS r FINAL WHERE ${reports} GROUP BY "From" ORDER BY "Messages" DESC LIMIT 50`,
      columns: {
        From: { minWidth: 220 }, Messages: { width: 100 },
        Aligned: { width: 150, unit: 'percentunit', decimals: 1, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.98) },
        DKIM: { width: 90, unit: 'percentunit', decimals: 1, as: 'text', steps: rising(0.5, 0.98) },
        SPF: { width: 90, unit: 'percentunit', decimals: 1, as: 'text', steps: rising(0.5, 0.98) },
      },
    }),
    bars({
      title: 'Reporters', at: [14, 48, 10, 8], empty: 'No reports in this time range', min: 0,
      description: 'Who tells us of how many messages. A large one that is missing means that your customers’ mail to it is not seen.',
      sql: `SELECT reporter AS "Reporter", sum(d.messages) AS "Messages" FROM daily_domains AS d WHERE ${reports} GROUP BY reporter ORDER BY "Messages" DESC LIMIT 8`,
    }),
    { section: 'DNS', y: 56 },
    rows({
      title: 'State of each mechanism', at: [0, 57, 12, 14], empty: 'Not examined in the last two days of the time range',
      description: 'What the last examination found, worst first. docs/findings.md explains every code; `ruad check` shows it live.',
      sql: `SELECT last_status AS "Status", mechanism AS "Mechanism", arrayStringConcat(codes, ', ') AS "Findings", at AS "Examined"
FROM ${nested(examined({ last_status: 'status', codes: '`findings.code`', at: 'checked_at' }))}
ORDER BY indexOf(['error', 'warning', 'unknown', 'info', 'ok'], last_status), mechanism LIMIT 500`,
      columns: {
        Status: { pill: status, width: 105 }, Mechanism: { width: 110 }, Findings: { minWidth: 220 }, Examined: { width: 125, unit: 'time:MMM DD HH:mm' },
      },
    }),
    rows({
      title: 'Records', at: [12, 57, 12, 7], empty: 'No record was seen',
      description: 'Records that DNS has now, and since when. What was there before is in the table dns_records.',
      sql: `SELECT type AS "Type", name AS "Name", text AS "Record", toDateTime(min(r.first_seen), 'UTC') AS "Since" FROM dns_records AS r
WHERE ${scope('r.domain', 'r.group_name')} GROUP BY r.domain, name, type, text
HAVING max(r.last_seen) > $__toTime - INTERVAL 3 DAY ORDER BY indexOf(['TXT', 'MX', 'NS'], type) = 0, type DESC, name LIMIT 200`,
      columns: { Type: { width: 70 }, Name: { width: 190 }, Record: { minWidth: 220 }, Since: { width: 105, unit: 'time:YYYY-MM-DD' } },
    }),
    rows({
      title: 'DKIM keys', at: [12, 64, 12, 7], empty: 'No DKIM key was found',
      description: 'Keys that DNS has now. Replace those older than a year or shorter than 2048 bits: `ruad dkim new` makes one and says what to publish. A key without messages can go.',
      sql: `SELECT k.selector AS "Selector", k.kind AS "Kind", k.size AS "Bits", k.age AS "Age", u.verified AS "Messages", u.last_use AS "Last used"
FROM ${nested(keys())} AS k
LEFT JOIN (
    SELECT l.domain AS domain, l.selector AS selector, sum(l.messages) AS verified, max(l.last_day) AS last_use
    FROM dkim_selectors AS l FINAL WHERE ${scope('l.domain', 'l.group_name')} GROUP BY domain, selector
) AS u ON u.domain = k.domain AND u.selector = k.selector
ORDER BY k.age DESC LIMIT 100`,
      columns: {
        Selector: { minWidth: 90 }, Kind: { width: 65 }, Bits: { width: 70, unit: 'none', as: 'text', steps: rising(1024, 2048) },
        Age: { width: 150, unit: 'suffix: d', min: 0, max: 730, as: 'bar', steps: falling(180, 365) }, Messages: { width: 95 },
        'Last used': { width: 105, unit: 'time:YYYY-MM-DD' },
      },
    }),
  ],
});
