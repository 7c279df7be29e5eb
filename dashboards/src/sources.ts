import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';

import { classes, colours } from './shared/colours.js';
import { rising } from './shared/fields.js';
import { to } from './shared/links.js';
import { page } from './shared/page.js';
import { bars, graph, number, rows } from './shared/panels.js';
import { address, chosen, encoded, nested, network, numbers, origins as dimension, scope, sender, sources, value } from './shared/sql.js';

/** Addresses of the sources that were asked for; all without a question. */
const ASKED = `(
    ${encoded('source')} = ''
    OR r.source_ip IN (
        SELECT s.source_ip FROM sources AS s FINAL
        WHERE positionCaseInsensitive(concat(s.service, ' ', replaceAll(s.service, '_', ' '), ' ', s.as_name, ' AS', toString(s.asn), ' ', s.reverse_name, ' ', ${address('s.source_ip')}), ${value('source')}) > 0)
    OR ${address('r.source_ip')} = ${value('source')})`;

const TRAFFIC = `daily_sources AS r WHERE ${sources} AND ${ASKED}`;

/** Sums of each address; panels about addresses join only the few that are left. */
const ADDRESSES = `
SELECT r.source_ip AS source_ip, sum(r.messages) AS sent, sum(r.passed) AS aligned
FROM ${TRAFFIC} GROUP BY r.source_ip HAVING sent > 0 ORDER BY sent DESC LIMIT 200`;

/** Every row with who it is from: grouping by address and day first would leave nearly as many. */
const ROWS = `daily_sources AS r GLOBAL ANY LEFT JOIN ${numbers} AS s ON s.source_ip = r.source_ip WHERE ${sources} AND ${ASKED}`;

const share = { unit: 'percentunit', decimals: 1, min: 0, max: 1, as: 'bar', steps: rising(0.5, 0.98) } as const;
const plainShare = { width: 85, unit: 'percentunit', decimals: 1, as: 'text', steps: rising(0.5, 0.98) } as const;
const narrow = (column: string) => ({ title: 'Only this source', url: to('sources', { source: column }) });
const REPORTER = ' The reporter chosen above does not narrow this.';

const question = new dashboard.TextBoxVariableBuilder('source')
  .label('Source')
  .description('Part of a service, network, reverse name or address; empty for all.')
  .defaultValue('');

export const origins = () => page('sources', {
  description: 'One service, network or address in all domains, or all of them ranked.',
  extra: [question],
  panels: [
    number({
      title: 'Messages', at: [0, 0, 4, 4], empty: 'No reports', description: `Messages from these sources in the time range.${REPORTER}`,
      sql: `SELECT sum(r.messages) AS "Messages" FROM ${TRAFFIC}`,
    }),
    number({
      title: 'Aligned', at: [4, 0, 4, 4], empty: 'No reports', unit: 'percentunit', decimals: 1, steps: rising(0.9, 0.98),
      description: `Share that passed DMARC. Low for a service that customers use? Set it up in their domains, listed below.${REPORTER}`,
      sql: `SELECT sum(r.passed) / sum(r.messages) AS "Aligned" FROM ${TRAFFIC}`,
    }),
    number({
      title: 'Domains', at: [8, 0, 4, 4], empty: 'No reports', description: `Domains in whose name these sources sent.${REPORTER}`,
      sql: `SELECT uniqExact(r.policy_domain) AS "Domains" FROM ${TRAFFIC}`,
    }),
    number({
      title: 'Addresses', at: [12, 0, 4, 4], empty: 'No reports', description: `Addresses that sent.${REPORTER}`,
      sql: `SELECT uniq(cityHash64(r.source_ip)) AS "Addresses" FROM ${TRAFFIC}`,
    }),
    number({
      title: 'First seen', at: [16, 0, 4, 4], empty: 'No reports', unit: 'time:YYYY-MM-DD', field: '/^First seen$/',
      description: `First day in the time range on which a report tells of these sources. Choose a longer range to look further back.${REPORTER}`,
      sql: `SELECT min(r.day) AS "First seen" FROM ${TRAFFIC}`,
    }),
    number({
      title: 'Undecided senders', at: [20, 0, 4, 4], empty: 'No plan yet', steps: [[null, colours.good], [1, colours.warning]],
      description: 'Senders of which nobody has said whether they are the owner’s. The list below has them; ask the customer.',
      sql: `SELECT count() AS "Senders" FROM domain_senders FINAL WHERE ${scope('domain')} AND class = 'undecided' AND messages > 0`,
    }),
    graph({
      title: 'Messages by source', at: [0, 4, 14, 9], empty: 'No reports in this time range', draw: 'bars', named: 'Source', legend: 'right',
      calcs: ['sum'],
      description: `The eight largest sources, by UTC day. A new colour that stays is a new service; one that comes and goes is a campaign.${REPORTER}`,
      sql: `
        SELECT t.day AS time, if(t.which = 0, 'All others', ${sender('t.example')}) AS Source, sum(t.sent) AS Messages
        FROM (
            SELECT day, if(place <= 8, who, 0) AS which, any(one) AS example, sum(day_sent) AS sent
            FROM (
                SELECT day, who, one, day_sent, dense_rank() OVER (ORDER BY in_all DESC, who) AS place
                FROM (
                    SELECT day, who, one, day_sent, sum(day_sent) OVER (PARTITION BY who) AS in_all
                    FROM (SELECT r.day AS day, ${network('r.source_ip')} AS who, any(r.source_ip) AS one, sum(r.messages) AS day_sent FROM ${ROWS} GROUP BY day, who)
                )
            )
            GROUP BY day, which
        ) AS t LEFT JOIN ${dimension} AS s ON s.source_ip = t.example
        GROUP BY time, Source ORDER BY time, Source`,
    }),
    rows({
      title: 'Unknown senders by volume', at: [14, 4, 10, 9], empty: 'Every sender is known or was decided on',
      description: 'Senders that wait for a word of the owner: `ruad source approve DOMAIN SENDER` or `ruad source reject`. Those with aligned mail are likely theirs.',
      sql: `SELECT name AS "Sender", domain AS "Domain", messages AS "Messages", if(messages > 0, passed / messages, NULL) AS "Aligned", first_day AS "First seen"
FROM domain_senders FINAL WHERE ${scope('domain')} AND class = 'undecided' AND messages > 0 ORDER BY messages DESC LIMIT 200`,
      columns: {
        Sender: { minWidth: 130, link: narrow('Sender') }, Domain: { width: 150, link: { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) } },
        Messages: { width: 90 }, Aligned: { ...plainShare, width: 80 }, 'First seen': { width: 100, unit: 'time:YYYY-MM-DD' },
      },
    }),
    rows({
      title: 'Sources', at: [0, 13, 24, 11], empty: 'No reports in this time range',
      description: `Services and networks with all their addresses, the largest first. Click one to see it alone, and the domains it sends for.${REPORTER}`,
      sql: `SELECT ${sender('n.example')} AS "Source", s.category AS "Kind", n.sent AS "Messages", n.aligned / n.sent AS "Aligned", n.dkim / n.sent AS "DKIM", n.spf / n.sent AS "SPF",
    n.stopped AS "Stopped", n.addresses AS "Addresses", n.first_day AS "First seen", n.last_day AS "Last seen"
FROM (
    SELECT ${network('a.source_ip')} AS who, any(a.source_ip) AS example, sum(a.sent) AS sent, sum(a.aligned) AS aligned, sum(a.dkim) AS dkim, sum(a.spf) AS spf,
        sum(a.stopped) AS stopped, toUInt64(count()) AS addresses, min(a.first_day) AS first_day, max(a.last_day) AS last_day
    FROM (
        SELECT r.source_ip AS source_ip, sum(r.messages) AS sent, sum(r.passed) AS aligned, sum(r.dkim_aligned) AS dkim, sum(r.spf_aligned) AS spf,
            sum(r.rejected + r.quarantined) AS stopped, min(r.day) AS first_day, max(r.day) AS last_day
        FROM ${TRAFFIC} GROUP BY r.source_ip HAVING sent > 0
    ) AS a GLOBAL ANY LEFT JOIN ${numbers} AS s ON s.source_ip = a.source_ip
    GROUP BY who ORDER BY sent DESC LIMIT 500
) AS n LEFT JOIN ${dimension} AS s ON s.source_ip = n.example ORDER BY "Messages" DESC`,
      columns: {
        Source: { minWidth: 190, link: narrow('Source') }, Kind: { width: 125 }, Messages: { width: 100 }, Aligned: { width: 150, ...share },
        DKIM: plainShare, SPF: plainShare, Stopped: { width: 90 }, Addresses: { width: 100 },
        'First seen': { width: 110, unit: 'time:YYYY-MM-DD' }, 'Last seen': { width: 110, unit: 'time:YYYY-MM-DD' },
      },
    }),
    rows({
      title: 'In which domains', at: [0, 24, 12, 9], empty: 'No reports in this time range',
      description: `Domains in whose name these sources sent. Low alignment in one domain alone: it is not set up there.${REPORTER}`,
      sql: `SELECT r.policy_domain AS "Domain", any(r.group_name) AS "Customer", sum(r.messages) AS "Messages", sum(r.passed) / sum(r.messages) AS "Aligned",
    sum(r.dkim_aligned) / sum(r.messages) AS "DKIM", sum(r.spf_aligned) / sum(r.messages) AS "SPF"
FROM ${TRAFFIC} GROUP BY "Domain" HAVING "Messages" > 0 ORDER BY "Messages" DESC LIMIT 500`,
      columns: {
        Domain: { minWidth: 150, link: { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) } }, Customer: { width: 142 },
        Messages: { width: 90 }, Aligned: { width: 125, ...share }, DKIM: { ...plainShare, width: 78 }, SPF: { ...plainShare, width: 78 },
      },
    }),
    rows({
      title: 'Addresses', at: [12, 24, 12, 9], empty: 'No reports in this time range',
      description: `The 200 addresses that sent most.${REPORTER}`,
      sql: `SELECT ${address('a.source_ip')} AS "Address", s.reverse_name AS "Reverse name", s.country AS "Country", a.sent AS "Messages",
    a.aligned / a.sent AS "Aligned"
FROM ${nested(ADDRESSES)} AS a
LEFT JOIN ${dimension} AS s ON s.source_ip = a.source_ip ORDER BY a.sent DESC`,
      columns: {
        Address: { width: 130, link: narrow('Address') }, 'Reverse name': { minWidth: 170 }, Country: { width: 80 }, Messages: { width: 90 },
        Aligned: { width: 125, ...share },
      },
    }),
    bars({
      title: 'What is thought of the senders', at: [0, 33, 8, 7], empty: 'No plan yet', min: 0,
      description: 'Senders of all domains by class. Undecided ones wait for the owner, those that need work for the service’s settings.',
      sql: `SELECT transform(toString(class), [${Object.keys(classes).map((one) => `'${one}'`).join(', ')}], [${Object.values(classes).map(({ text }) => `'${text}'`).join(', ')}], 'Other') AS "Class",
    count() AS "Senders"
FROM domain_senders FINAL WHERE ${scope('domain')} AND messages > 0 GROUP BY "Class" ORDER BY "Senders" DESC`,
    }),
    rows({
      title: 'Senders that need work', at: [8, 33, 16, 7], empty: 'Every sender of the owners is aligned',
      description: 'Senders of the owners whose mail does not pass in full. The steps of the domain say what to change at the service.',
      sql: `SELECT name AS "Sender", domain AS "Domain", group_name AS "Customer", messages AS "Messages", messages - passed AS "Failed",
    if(messages > 0, dkim_aligned / messages, NULL) AS "DKIM", if(messages > 0, spf_aligned / messages, NULL) AS "SPF"
FROM domain_senders FINAL WHERE ${chosen('domain', 'domain')} AND ${chosen('group_name', 'group')} AND class = 'needs_work' ORDER BY "Failed" DESC LIMIT 200`,
      columns: {
        Sender: { minWidth: 150, link: narrow('Sender') }, Domain: { minWidth: 150, link: { title: 'Open this domain', url: to('domain', { domain: 'Domain' }) } },
        Customer: { width: 142 }, Messages: { width: 90 }, Failed: { width: 85, as: 'text', colour: colours.bad }, DKIM: plainShare, SPF: plainShare,
      },
    }),
  ],
});
