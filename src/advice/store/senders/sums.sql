-- Who sent in the names of some domains. A domain stands for its place in the list and a sender for a hash while rows are
-- added up: both are smaller than their names. A report arrives after the day it tells of, so months of arrival before
-- that day hold nothing.
SELECT
    place, sender, any(its_category) AS category, any(its_network) AS network, groupArray(sender_key) AS keys,
    sum(s_messages) AS messages, sum(s_passed) AS passed, sum(s_dkim) AS dkim_aligned, sum(s_spf) AS spf_aligned,
    sum(s_quarantined) AS quarantined, sum(s_rejected) AS rejected, sum(s_forwarded) AS forwarded,
    sum(s_foreign) AS foreign_spf, sum(r_messages) AS recent_messages, sum(r_passed) AS recent_passed,
    sum(r_dkim) AS recent_dkim_aligned, sum(r_foreign) AS recent_foreign_spf, sum(s_subdomain) AS subdomain, sum(s_subdomain_passed) AS subdomain_passed,
    sum(n_window) AS addresses, sum(n_own) AS own, sum(n_servers) AS mail_servers,
    if(sender = 'net:others', [], any(some)) AS sample,
    toUInt16(max(last_day)) AS last,
    sumMap(series.1, series.2).1 AS days, sumMap(series.1, series.2).2 AS counts
FROM (
    SELECT *, if(row_number() OVER (
            PARTITION BY place ORDER BY id IN ? DESC, is_special DESC, length(series.1) * s_messages DESC, id
        ) > ?, 'net:others', id) AS sender
    FROM (
        WITH toDate(?) AS window_from, toDate(?) AS recent_from
        SELECT
            if(n.sender_key = 0, cityHash64(bitShiftRight(toUInt128(a.source_ip), 
                if(a.source_ip BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'), 8, 80))), n.sender_key) AS sender_key,
            toUInt16(transform(a.policy_domain, ?, arrayEnumerate(?), 0)) AS place,
            any(n.sender) AS found, any(a.source_ip) AS one, if(found != '', found,
                concat('net:', if(startsWith(toString(one), '::ffff:'),
                    concat(replaceOne(toString(tupleElement(IPv6CIDRToRange(one, 120), 1)), '::ffff:', ''), '/24'),
                    concat(toString(tupleElement(IPv6CIDRToRange(one, 48), 1)), '/48')))) AS id, any(n.category) AS its_category, any(n.as_name) AS its_network,
            sumIf(a.messages, a.day >= window_from) AS s_messages, sumIf(a.passed, a.day >= window_from) AS s_passed,
            sumIf(a.dkim_aligned, a.day >= window_from) AS s_dkim, sumIf(a.spf_aligned, a.day >= window_from) AS s_spf,
            sumIf(a.quarantined, a.day >= window_from) AS s_quarantined,
            sumIf(a.rejected, a.day >= window_from) AS s_rejected,
            sumIf(a.forwarded, a.day >= window_from) AS s_forwarded,
            sumIf(a.foreign_spf, a.day >= window_from) AS s_foreign,
            sumIf(a.messages, a.day >= recent_from) AS r_messages, sumIf(a.passed, a.day >= recent_from) AS r_passed,
            sumIf(a.dkim_aligned, a.day >= recent_from) AS r_dkim,
            sumIf(a.foreign_spf, a.day >= recent_from) AS r_foreign,
            sumIf(a.subdomain, a.day >= window_from) AS s_subdomain,
            sumIf(a.subdomain_passed, a.day >= window_from) AS s_subdomain_passed,
            uniqExactIf(a.source_ip, a.day >= window_from) AS n_window,
            uniqExactIf(a.source_ip, a.day >= window_from AND n.reverse != ''
                AND endsWith(concat('.', n.reverse), concat('.', a.policy_domain))) AS n_own,
            uniqExactIf(a.source_ip, a.day >= window_from AND n.mail_server) AS n_servers,
            max(a.day) AS last_day,
            groupUniqArrayIf(64)(toUInt128(a.source_ip), a.day >= window_from) AS some,
            sumMap([toUInt16(a.day)], [a.messages]) AS series,
            startsWith(id, 'service:') OR s_passed > 0 OR s_forwarded > 0 OR n_own > 0 OR n_servers > 0 AS is_special
        FROM (
            SELECT *
            FROM daily_sources
            WHERE policy_domain IN ? AND day BETWEEN toDate(?) AND toDate(?)
                AND received_month >= toStartOfMonth(toDate(?)) AND believed
        ) AS a LEFT ANY JOIN (
            SELECT source_ip, sender, sender_key, mail_server, toString(category) AS category,
                toString(as_name) AS as_name,
                if(reverse_confirmed, reverse_name, '') AS reverse
            FROM sources FINAL
            WHERE source_ip GLOBAL IN (
                SELECT source_ip FROM daily_sources
                WHERE policy_domain IN ? AND day BETWEEN toDate(?) AND toDate(?)
                    AND received_month >= toStartOfMonth(toDate(?))
            )
        ) AS n ON n.source_ip = a.source_ip
        GROUP BY place, sender_key
        HAVING s_messages > 0
    )
)
GROUP BY place, sender
ORDER BY place, messages DESC, sender
