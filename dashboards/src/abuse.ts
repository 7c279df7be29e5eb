import { colours } from './shared/colours.js';
import { falling, rising } from './shared/fields.js';
import { to } from './shared/links.js';
import { page } from './shared/page.js';
import { bars, graph, map, number, rows } from './shared/panels.js';
import { address, nested, network, numbers, origins, plans, reports, scope, sender, sources, today } from './shared/sql.js';

const FAILED = 'r.messages - r.passed';

/** Rows of which something failed: the others need not be read any further. */
const FAILING = `daily_sources AS r WHERE ${sources} AND r.messages != r.passed`;

/** Three weeks are enough to tell a burst from a usual day, and a year of addresses and days is more than a page can wait for. */
const RECENT = `r.day > ${today} - 21`;

/** Mail that passed neither way, by address, from those that are no known service, with the number of the network as `who`. */
const BY_ADDRESS = nested(`
    SELECT a.source_ip AS source_ip, a.failed AS failed, a.stopped AS stopped, ${network('a.source_ip')} AS who, s.asn AS asn, s.country AS country
    FROM (
        SELECT r.source_ip AS source_ip, sum(${FAILED}) AS failed, sum(r.rejected + r.quarantined) AS stopped
        FROM ${FAILING} GROUP BY source_ip HAVING failed > 0
    ) AS a ANY LEFT JOIN ${numbers} AS s ON s.source_ip = a.source_ip WHERE NOT s.is_service`);

/** The same by domain and day: there is little to add up, so each row is joined. */
const byDomain = (also = '1') => nested(`
    SELECT r.source_ip AS source_ip, r.policy_domain AS domain, r.day AS day, ${FAILED} AS failed, r.rejected + r.quarantined AS stopped,
        ${network('r.source_ip')} AS who, s.country AS country
    FROM daily_sources AS r GLOBAL ANY LEFT JOIN ${numbers} AS s ON s.source_ip = r.source_ip
    WHERE ${sources} AND ${also} AND r.messages != r.passed AND NOT s.is_service`);

const domainLink = { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) };
const NOTE = ' Mail of known services is left out; the reporter chosen above does not narrow this.';

export const abuse = () => page('abuse', {
  description: 'Who forges the domains, from where, and whether it is stopped.',
  events: ['error'],
  panels: [
    number({
      title: 'Not aligned', at: [0, 0, 5, 4], empty: 'No reports', colour: colours.bad,
      description: `Messages that passed neither DKIM nor SPF, from sources that are no known service: most are forged.${NOTE}`,
      sql: `SELECT sum(failed) AS "Messages" FROM ${BY_ADDRESS}`,
    }),
    number({
      title: 'Stopped', at: [5, 0, 5, 4], empty: 'Nothing was forged', unit: 'percentunit', decimals: 1, steps: rising(0.5, 0.9),
      description: `Share of it that receivers rejected or put aside. Raise the policy of the domains below to raise it.${NOTE}`,
      sql: `SELECT if(sum(failed) > 0, least(sum(stopped) / sum(failed), 1), NULL) AS "Stopped" FROM ${BY_ADDRESS}`,
    }),
    number({
      title: 'Domains forged', at: [10, 0, 4, 4], empty: 'None', description: `Domains with such mail.${NOTE}`, colour: colours.plain,
      sql: `SELECT uniqExact(r.policy_domain) AS "Domains"
FROM ${FAILING} AND r.source_ip GLOBAL NOT IN (SELECT k.source_ip FROM sources AS k FINAL WHERE k.service != '')`,
    }),
    number({
      title: 'Networks', at: [14, 0, 5, 4], empty: 'None', description: `Networks it came from.${NOTE}`,
      sql: `SELECT uniqExact(who) AS "Networks" FROM ${BY_ADDRESS}`,
    }),
    number({
      title: 'Failure reports', at: [19, 0, 5, 4], empty: 'None',
      description: 'Samples of single messages that receivers sent. Few receivers send them; the list below has the last ones.',
      sql: `SELECT sum(ifNull(f.incidents, 1)) AS "Reports" FROM failure_reports AS f FINAL WHERE $__dateFilter(day) AND ${scope()}`,
    }),
    graph({
      title: 'Not aligned, and what became of it', at: [0, 4, 14, 9], empty: 'No message failed in this time range', draw: 'bars',
      description: 'Messages that passed neither way, by UTC day and disposition, known services too. What is delivered at a policy of reject was let through by the receiver.',
      sql: `
        SELECT day AS time,
            sumIf(d.messages, lower(d.disposition) IN ('none', 'pass')) AS "Delivered",
            sumIf(d.messages, lower(d.disposition) = 'quarantine') AS "Quarantined",
            sumIf(d.messages, lower(d.disposition) = 'reject') AS "Rejected"
        FROM daily_domains AS d WHERE ${reports} AND NOT d.dkim_aligned AND NOT d.spf_aligned GROUP BY day ORDER BY day`,
    }),
    map({
      title: 'Countries', at: [14, 4, 10, 9], empty: 'No country is known for any address', colour: colours.bad, code: 'Country', value: 'Messages',
      description: `Where it came from.${NOTE}`,
      sql: `SELECT country AS "Country", sum(failed) AS "Messages" FROM ${BY_ADDRESS} WHERE country != '' GROUP BY country ORDER BY "Messages" DESC LIMIT 60`,
    }),
    rows({
      title: 'Campaigns', at: [0, 13, 24, 9], empty: 'No burst: nothing stands out from the days around it',
      description: `In the last three weeks of the time range: a network that on one day sent in a domain's name at least 50 messages that failed, and five times its usual day. Tell the customer; a domain that delivers them needs a stricter policy.${NOTE}`,
      // What sent fewer than 50 in all is gone before its days are looked at: that is nearly everything.
      sql: `SELECT c.peak AS "Day", c.domain AS "Domain", ${sender('c.example')} AS "Network", s.country AS "Country", c.most AS "That day", c.usual AS "Usual day",
    c.total AS "In all", c.addresses AS "Addresses", if(c.total > 0, least(c.halted / c.total, 1), NULL) AS "Stopped", c.trend AS "Course"
FROM (
    SELECT domain, who, any(one) AS example, argMax(day, day_failed) AS peak, max(day_failed) AS most, sum(day_failed) AS total,
        toInt64(sum(day_failed) - max(day_failed)) / greatest(count() - 1, 1) AS usual, sum(day_stopped) AS halted, max(day_addresses) AS addresses,
        groupArray(day_failed) AS trend
    FROM (
        SELECT domain, who, any(entry.4) AS one, entry.1 AS day, sum(entry.2) AS day_failed, sum(entry.3) AS day_stopped, uniq(entry.4) AS day_addresses
        FROM (
            SELECT domain, who, groupArray((day, failed, stopped, source_ip)) AS entries
            FROM ${byDomain(RECENT)} GROUP BY domain, who HAVING sum(failed) >= 50
        ) ARRAY JOIN entries AS entry GROUP BY domain, who, day HAVING day_failed > 0 ORDER BY day
    ) GROUP BY domain, who HAVING most >= 50 AND most >= 5 * usual ORDER BY most DESC, domain, who LIMIT 100
) AS c LEFT JOIN ${origins} AS s ON s.source_ip = c.example ORDER BY c.most DESC, c.domain`,
      columns: {
        Day: { width: 105, unit: 'time:YYYY-MM-DD' }, Domain: { minWidth: 170, link: domainLink }, Network: { minWidth: 150 }, Country: { width: 85 },
        'That day': { width: 95, as: 'text', colour: colours.bad }, 'Usual day': { width: 100, decimals: 0 }, 'In all': { width: 90 }, Addresses: { width: 100 },
        Stopped: { width: 140, unit: 'percentunit', decimals: 0, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.9) },
        Course: { width: 150, as: 'spark', colour: colours.bad },
      },
    }),
    bars({
      title: 'By network', at: [0, 22, 8, 9], empty: 'No message failed in this time range', min: 0, colour: colours.bad,
      description: `The networks that sent most. One at the top for weeks is worth a mail to its abuse desk.${NOTE}`,
      sql: `SELECT if(n.asn = 0, ${sender('n.example')}, concat(${sender('n.example')}, ' (AS', toString(n.asn), ')')) AS "Network", n.sent AS "Messages"
FROM (SELECT who, asn, any(source_ip) AS example, sum(failed) AS sent FROM ${BY_ADDRESS} GROUP BY who, asn ORDER BY sent DESC LIMIT 9) AS n
LEFT JOIN ${origins} AS s ON s.source_ip = n.example ORDER BY "Messages" DESC`,
    }),
    rows({
      title: 'Domains that are forged', at: [8, 22, 16, 9], empty: 'No message failed in this time range',
      description: `Domains with forged mail, and how much of it was stopped. Red with a policy of none: nothing stops it.${NOTE}`,
      sql: `SELECT k.domain AS "Domain", p.customer AS "Customer", p.policy AS "Policy", k.messages AS "Messages", least(k.halted / k.messages, 1) AS "Stopped",
    k.networks AS "Networks", k.addresses AS "Addresses"
FROM (
    SELECT domain, sum(failed) AS messages, sum(stopped) AS halted, uniq(who) AS networks, uniq(cityHash64(source_ip)) AS addresses
    FROM ${byDomain()} GROUP BY domain HAVING messages > 0 ORDER BY messages DESC, domain LIMIT 200
) AS k
LEFT JOIN ${nested(plans({ customer: 'group_name', policy: 'policy' }))} AS p ON p.domain = k.domain ORDER BY k.messages DESC, k.domain`,
      columns: {
        Domain: { minWidth: 170, link: domainLink }, Customer: { width: 142 }, Policy: { width: 95 }, Messages: { width: 95 },
        Stopped: { width: 140, unit: 'percentunit', decimals: 0, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.9) }, Networks: { width: 90 }, Addresses: { width: 95 },
      },
    }),
    rows({
      title: 'Samples: failure reports', at: [0, 31, 16, 8], empty: 'No receiver sent a failure report',
      description: 'Single messages that failed, as receivers saw them, without local parts and bodies. They show what a campaign says.',
      sql: `SELECT f.received_at AS "When", f.policy_domain AS "Domain", ifNull(f.header_from, '') AS "From", ifNull(f.subject, '') AS "Subject",
    if(f.source_ip IS NULL, '', ${address('f.source_ip')}) AS "Address", ifNull(f.delivery_result, '') AS "Result", f.reporter AS "Reporter"
FROM failure_reports AS f FINAL WHERE $__dateFilter(day) AND ${scope('f.policy_domain', 'f.group_name')} ORDER BY f.received_at DESC LIMIT 100`,
      columns: {
        When: { width: 110, unit: 'time:MMM DD HH:mm' }, Domain: { width: 185, link: domainLink }, From: { width: 215 }, Subject: { minWidth: 140 },
        Address: { width: 125 }, Result: { width: 85 }, Reporter: { width: 120 },
      },
    }),
    rows({
      title: 'Addresses', at: [16, 31, 8, 8], empty: 'No message failed in this time range',
      description: `The 100 addresses that sent most.${NOTE}`,
      sql: `SELECT ${address('source_ip')} AS "Address", any(country) AS "Country", sum(failed) AS "Messages", uniq(domain) AS "Domains"
FROM ${byDomain()} GROUP BY source_ip ORDER BY "Messages" DESC LIMIT 100`,
      columns: {
        Address: { minWidth: 130, link: { title: 'This source in all domains', url: to('sources', { source: 'Address' }) } }, Country: { width: 80 },
        Messages: { width: 95 }, Domains: { width: 80, as: 'text', steps: falling(2, 5) },
      },
    }),
  ],
});
