/** Parts of SQL that every dashboard uses. */

/**
 * The value of a variable as a literal of SQL. Grafana's formats for SQL double or escape quotes and leave the backslash as it is, which
 * ClickHouse takes for an escape: with `singlequote` and with `sqlstring` a value that ends in a backslash, or has one before a quote, ends its
 * literal, and anyone can put a value into a link. `percentencode` leaves letters, digits and `-_.~%` (RFC 3986), so nothing has to be escaped.
 */
export const encoded = (variable: string): string => `'\${${variable}:percentencode}'`;

/** The value of a variable as text. */
export const value = (variable: string): string => `decodeURLComponent(${encoded(variable)})`;

/** The values of a variable that may be several, which Grafana writes as `{a,b}`, without their braces. */
const listed = (variable: string): string => `trim(BOTH '{}' FROM ${value(variable)})`;

/** What the variables send for "All", which Grafana leaves unencoded: a chosen `*` arrives as `%2A`. */
export const ALL = '*';

/** Is everything chosen? No list of thousands of names is sent then, and ClickHouse folds the comparison into a constant. */
const everything = (variable: string): string => `${encoded(variable)} = '${ALL}'`;

/** Is the column, which holds names without commas, one of those chosen? The list is a constant, so the primary key serves. */
export function chosen(column: string, variable: string): string {
  return `(${everything(variable)} OR ${column} IN splitByChar(',', ${listed(variable)}))`;
}

/** Is the reporter one of those chosen? Names of organisations have commas ("Example, Inc."), so the list cannot be split. */
export function reportedBy(column = 'reporter'): string {
  return `(${everything('reporter')} OR position(concat(',', ${listed('reporter')}, ','), concat(',', ${column}, ',')) > 0)`;
}

/** Group and domain as chosen. */
export function scope(domain = 'policy_domain', group = 'group_name'): string {
  return `${chosen(domain, 'domain')} AND ${chosen(group, 'group')}`;
}

/** Reports of reporters who can be believed, which all decisions rest on; or strangers' too, as long as they are not proved to be forged. */
export const trusted = `(believed OR (${encoded('trust')} = 'all' AND verdict != 'forged'))`;

/** Rows of reports in the time range: by domain, group, reporter and whether the reporter is believed. */
export const reports = `$__dateFilter(day) AND ${scope()} AND ${reportedBy()} AND ${trusted}`;

/** The same for daily_sources, which does not know the reporter. */
export const sources = `$__dateFilter(day) AND ${scope()} AND ${trusted}`;

/** Domains of customers: anyone can have reports about any name sent here, and no number about the fleet follows them. */
export const assigned = `group_name != 'unassigned'`;

/** The last UTC day of the time range. */
export const today = `toDate($__toTime, 'UTC')`;

/** The first one. */
export const first = `toDate($__fromTime, 'UTC')`;

/** The last plan of each domain in the time range; `columns` maps a name to a column of domain_stages. */
export function plans(columns: Record<string, string>, where = '1'): string {
  const list = Object.entries(columns).map(([name, column]) => `argMax(s.${column}, s.day) AS ${name}`);
  return trim(`
    SELECT s.domain AS domain, ${list.join(', ')}
    FROM domain_stages AS s FINAL
    WHERE $__dateFilter(s.day) AND ${scope('s.domain', 's.group_name')} AND ${where}
    GROUP BY s.domain`);
}

/**
 * What the last examination of each mechanism said, looking back two days from the end of the time range. `columns` maps
 * a name to a column of dns_checks.
 */
export function examined(columns: Record<string, string>, where = '1'): string {
  const list = Object.entries(columns).map(([name, column]) => `argMax(c.${column}, c.checked_at) AS ${name}`);
  return trim(`
    SELECT c.domain AS domain, c.check AS mechanism, ${list.join(', ')}
    FROM dns_checks AS c
    WHERE c.checked_at > $__toTime - INTERVAL 2 DAY AND c.checked_at <= $__toTime
        AND ${scope('c.domain', 'c.group_name')} AND ${where}
    GROUP BY c.domain, c.check`);
}

/**
 * DKIM keys that DNS still has, with their age in days; `last_seen` is exact to the day. Numbers are made plain ones: the data
 * source takes an aggregate's type for JSON.
 */
export function keys(): string {
  return trim(`
    SELECT k.domain AS domain, k.selector AS selector, any(k.group_name) AS customer, toString(max(k.type)) AS kind, toUInt32(max(k.bits)) AS size,
        min(k.first_seen) AS since, toInt32(dateDiff('day', min(k.first_seen), $__toTime)) AS age
    FROM dkim_sightings AS k
    WHERE ${scope('k.domain', 'k.group_name')}
    GROUP BY k.domain, k.selector, k.fingerprint
    HAVING max(k.last_seen) > $__toTime - INTERVAL 3 DAY AND min(k.first_seen) <= $__toTime`);
}

/** What happened, without the name of the domain, which has a column of its own, and without parentheses around what it is about. */
export const happened = `replaceRegexpOne(replaceRegexpOne(substring(text, length(domain) + 1), '^:? ', ''), '^[(]([^)]*)[)]', '\\\\1')`;

/** Puts a statement inside another one. */
export const nested = (text: string): string => `(\n${trim(text).replace(/^/gm, '    ')}\n)`;

/** An address as people write it. */
export function address(column = 'source_ip'): string {
  return `replaceRegexpOne(toString(${column}), '^::ffff:', '')`;
}

/** The dimension of addresses with the name people know each by: its service, else its network; named once, not for each row. */
export const origins = `(
    SELECT source_ip, service, category, asn, country, reverse_name,
        multiIf(service != '', toString(service), as_name != '', toString(as_name), asn != 0, concat('AS', toString(asn)), '') AS name
    FROM sources FINAL
)`;

/** Who sends from an address, when the dimension is joined as `s`: an address nobody knows is its own name. */
export const sender = (ip: string): string => `if(s.name = '', ${address(ip)}, s.name)`;

/**
 * The dimension with a number in place of the name, 0 where there is none. Rows in their hundred thousands are joined to it and added up by
 * `network`; names are looked up for the few that are shown, by any address of each.
 */
export const numbers = `(
    SELECT source_ip, service != '' AS is_service, asn, country, if(name = '', 0, cityHash64(name)) AS network
    FROM ${nested(origins.slice(1, -1))}
)`;

/** The number of who sends from an address, when `numbers` is joined as `s`: the same for those of one name. */
export const network = (ip: string): string => `if(s.network = 0, cityHash64(${ip}), s.network)`;

/** Takes the common indentation out of a statement. */
export function trim(text: string): string {
  const lines = text.replace(/^\n+|\s+$/g, '').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(Math.min(least, line.length - line.trimStart().length)).trimEnd()).join('\n');
}
