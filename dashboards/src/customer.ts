import { colours, severity, type Words } from './shared/colours.js';
import { rising } from './shared/fields.js';
import { page } from './shared/page.js';
import { bars, graph, number, rows, words } from './shared/panels.js';
import { happened, nested, origins, plans, reports, scope, sender, sources } from './shared/sql.js';

const protection: Words = {
  no: { text: 'Not protected', colour: colours.bad },
  partly: { text: 'On the way', colour: colours.warning },
  yes: { text: 'Protected', colour: colours.good },
};

const HOW = `multiIf(policy = 'reject', 'yes', policy = 'quarantine', 'partly', stage IN ('monitoring', 'aligning'), 'partly', 'no')`;

export const customer = () => page('customer', {
  description: 'One customer in plain language: is our name safe, does our mail arrive, what is being done.',
  panels: [
    words({
      title: 'Is our name safe?', description: 'What this page is. Choose one customer above before you show it; row policies in ClickHouse can limit it to that customer.', at: [0, 0, 24, 4],
      text: 'Anybody can write an e-mail in your name, unless the receiving side is told to **refuse what does not come from you**. '
        + 'This page shows how well each of your domains is protected, whether your own mail passes the check, and how many forged messages were seen. '
        + 'The figures come from the daily reports of Google, Microsoft, Yahoo and other receivers.',
    }),
    number({
      title: 'Domains that are protected', at: [0, 4, 6, 5], empty: 'No plan yet', unit: 'percentunit', decimals: 0, steps: rising(0.5, 0.9),
      description: 'Share of the domains for which receivers are asked to refuse forged mail (policy reject). The goal is all of them.',
      sql: `SELECT if(count() > 0, countIf(policy = 'reject') / count(), NULL) AS "Protected" FROM ${nested(plans({ policy: 'policy' }))}`,
    }),
    number({
      title: 'Your mail that passes the check', at: [6, 4, 6, 5], empty: 'No reports yet', unit: 'percentunit', decimals: 1, steps: rising(0.9, 0.98),
      description: 'Share of the mail of your own senders that receivers can tell to be yours. What is missing is being set up, see the steps.',
      sql: `SELECT if(sum(all_mail) > 0, sum(good) / sum(all_mail), NULL) AS "Passes" FROM ${nested(plans({ all_mail: 'legitimate', good: 'legitimate_passed' }))}`,
    }),
    number({
      title: 'Messages checked', at: [12, 4, 6, 5], empty: 'No reports yet', description: 'Messages in your name that receivers told us of in this time range.',
      sql: `SELECT sum(d.messages) AS "Messages" FROM daily_domains AS d WHERE ${reports}`,
    }),
    number({
      title: 'Forged messages', at: [18, 4, 6, 5], empty: 'No plan yet', colour: colours.bad,
      description: 'Messages that others sent in your name in the last weeks. You cannot keep them from trying, only from getting through.',
      sql: `SELECT sum(threats) AS "Messages" FROM ${nested(plans({ threats: 'threats' }))}`,
    }),
    rows({
      title: 'Your domains', at: [0, 9, 14, 9], empty: 'No plan yet',
      description: 'How far each domain is. “On the way” means that we watch and set up; nothing of yours is refused until it is safe.',
      sql: `SELECT ${HOW} AS "Protection", domain AS "Domain", progress AS "Progress", messages AS "Messages",
    if(legitimate > 0, passed / legitimate, NULL) AS "Your mail passes", threats AS "Forged", steps AS "Steps left"
FROM ${nested(plans({
        policy: 'policy', stage: 'stage', progress: 'progress', messages: 'messages', legitimate: 'legitimate', passed: 'legitimate_passed',
        threats: 'threats', steps: 'open_steps',
      }))} ORDER BY indexOf(['no', 'partly', 'yes'], "Protection"), messages DESC LIMIT 500`,
      columns: {
        Protection: { pill: protection, width: 125 }, Domain: { minWidth: 150 },
        Progress: { width: 150, unit: 'percentunit', decimals: 0, min: 0, max: 1, as: 'bar', colour: colours.plain },
        Messages: { width: 95 }, 'Your mail passes': { width: 140, unit: 'percentunit', decimals: 1, as: 'text', steps: rising(0.9, 0.98) },
        Forged: { width: 85 }, 'Steps left': { width: 95 },
      },
    }),
    rows({
      title: 'What is being done', at: [14, 9, 10, 9], empty: 'Everything is done',
      description: 'The next steps, and who has them. “owner” is you.',
      sql: `SELECT title AS "Step", domain AS "Domain", transform(toString(who), ['dns', 'sender', 'operator', 'owner'], ['DNS', 'the service', 'we', 'you'], toString(who)) AS "Who", effort AS "Takes"
FROM domain_steps FINAL WHERE ${scope('domain')} AND state IN ('open', 'regressed') ORDER BY position, domain LIMIT 100`,
      columns: { Step: { minWidth: 190 }, Domain: { width: 175 }, Who: { width: 95 }, Takes: { width: 80 } },
    }),
    graph({
      title: 'Your mail, day by day', at: [0, 18, 14, 9], empty: 'No reports in this time range', draw: 'bars',
      description: 'Messages in your name, by UTC day. The red part did not pass: forged, or a service that is not set up yet.',
      colours: { 'Passed the check': colours.good, 'Did not pass': colours.bad },
      sql: `SELECT day AS time, sumIf(d.messages, d.dkim_aligned OR d.spf_aligned) AS "Passed the check", sumIf(d.messages, NOT d.dkim_aligned AND NOT d.spf_aligned) AS "Did not pass"
FROM daily_domains AS d WHERE ${reports} GROUP BY day ORDER BY day`,
    }),
    bars({
      title: 'Who sends for you', at: [14, 18, 10, 9], empty: 'No sender is known yet', min: 0, colour: colours.good,
      description: 'Services and servers that send your mail. Is one missing, or one too many? Tell us.',
      sql: `SELECT name AS "Sender", sum(messages) AS "Messages" FROM domain_senders FINAL WHERE ${scope('domain')} AND class IN ('aligned', 'needs_work') AND messages > 0
GROUP BY name ORDER BY "Messages" DESC LIMIT 9`,
    }),
    graph({
      title: 'Forged mail: delivered or stopped', at: [0, 27, 14, 8], empty: 'Nothing was forged in this time range', draw: 'bars',
      description: 'Messages that passed neither check, by what receivers did. With the policy at reject, blue should be gone.',
      sql: `
        SELECT day AS time, sumIf(d.messages, lower(d.disposition) IN ('none', 'pass')) AS "Delivered",
            sumIf(d.messages, lower(d.disposition) = 'quarantine') AS "Quarantined", sumIf(d.messages, lower(d.disposition) = 'reject') AS "Rejected"
        FROM daily_domains AS d WHERE ${reports} AND NOT d.dkim_aligned AND NOT d.spf_aligned GROUP BY day ORDER BY day`,
    }),
    bars({
      title: 'Where it came from', at: [14, 27, 10, 8], empty: 'Nothing was forged in this time range', min: 0, colour: colours.bad,
      description: 'Networks that sent most of the mail that passed neither check, known services left out.',
      sql: `SELECT if(s.country = '', ${sender('a.source_ip')}, concat(${sender('a.source_ip')}, ', ', s.country)) AS "From", sum(a.failed) AS "Messages"
FROM (
    SELECT r.source_ip AS source_ip, sum(r.messages) - sum(r.passed) AS failed FROM daily_sources AS r WHERE ${sources} AND r.messages != r.passed
    GROUP BY source_ip HAVING failed > 0
) AS a LEFT JOIN ${origins} AS s ON s.source_ip = a.source_ip
WHERE s.service = '' GROUP BY "From" ORDER BY "Messages" DESC LIMIT 7`,
    }),
    rows({
      title: 'What happened', at: [0, 35, 24, 7], empty: 'Nothing has changed in this time range',
      description: 'Changes of your domains that we noticed. Tell us when one was not meant.',
      sql: `SELECT seen_at AS "When", severity AS "How bad", domain AS "Domain", ${happened} AS "What" FROM domain_events FINAL
WHERE $__timeFilter(seen_at) AND ${scope('domain')} ORDER BY seen_at DESC LIMIT 50`,
      columns: { When: { width: 130, unit: 'time:MMM DD HH:mm' }, 'How bad': { pill: severity, width: 100 }, Domain: { width: 220 }, What: { minWidth: 300 } },
    }),
  ],
});

