-- Messages that are alike in everything that decides what becomes of them. From the inside out: what a record says, what
-- decides of it, whose address it is.
--
-- HELO is only looked at when nothing is said of MAIL FROM, which is what DMARC goes by (RFC 9989 section 4.4.2). Relaxed
-- alignment is the same name, or both at or below the organizational domain of the domain that is asked about.
WITH
    name -> lower(trimRight(trimBoth(name), '.')) AS normal,
    word -> lower(trimBoth(word)) AS plain,
    name -> name = ? OR endsWith(name, concat('.', ?)) AS is_ours
SELECT
    if(n.known = '', t.network, n.known) AS sender, subdomain,
    dkim_said, spf_said, dkim_relaxed, dkim_strict, spf_relaxed, spf_strict, excused, disposition,
    sum(t.part) AS messages
FROM (
    SELECT
        source_ip, subdomain, dkim_said, spf_said, disposition,
        toBool(has(signers, author)) AS dkim_strict,
        toBool(dkim_strict OR is_within AND arrayExists(name -> is_ours(name), signers)) AS dkim_relaxed,
        toBool(has(paths, author)) AS spf_strict,
        toBool(spf_strict OR is_within AND arrayExists(name -> is_ours(name), paths)) AS spf_relaxed,
        toBool(hasAny(reasons, ['forwarded', 'mailing_list', 'trusted_forwarder', 'local_policy'])) AS excused,
        concat('net:', if(startsWith(toString(source_ip), '::ffff:'),
            concat(replaceOne(toString(tupleElement(IPv6CIDRToRange(source_ip, 120), 1)), '::ffff:', ''), '/24'),
            concat(toString(tupleElement(IPv6CIDRToRange(source_ip, 48), 1)), '/48'))) AS network,
        sum(count) AS part
    FROM (
        SELECT
            source_ip, count, dkim_aligned AS dkim_said, spf_aligned AS spf_said,
            if(normal(header_from) = '', policy_domain, normal(header_from)) AS author,
            r.subdomain OR endsWith(author, concat('.', policy_domain)) AS is_below,
            multiIf(NOT is_below, '', has(?, author), author, '*') AS subdomain,
            is_below OR is_ours(author) AS is_within,
            arrayMap(reason -> plain(reason), reasons.type) AS reasons,
            arrayMap(name -> normal(name), arrayFilter(
                (name, result) -> plain(result) = 'pass', dkim_results.domain, dkim_results.result)) AS signers,
            arrayExists(scope -> plain(scope) != 'helo', spf_results.scope) AS has_mail_from,
            arrayMap(name -> normal(name), arrayFilter(
                (name, scope, result) -> plain(result) = 'pass' AND (plain(scope) != 'helo' OR NOT has_mail_from),
                spf_results.domain, spf_results.scope, spf_results.result)) AS paths,
            if(plain(r.disposition) IN ('none', 'pass', 'quarantine', 'reject'), plain(r.disposition), '') AS disposition
        FROM aggregate_records AS r FINAL
        WHERE policy_domain = ? AND day BETWEEN toDate(?) AND toDate(?) AND believed
    )
    GROUP BY
        source_ip, subdomain, dkim_said, spf_said, dkim_relaxed, dkim_strict, spf_relaxed, spf_strict, excused,
        disposition
) AS t LEFT ANY JOIN (
    SELECT source_ip, sender AS known
    FROM sources FINAL
    WHERE source_ip GLOBAL IN (
        SELECT source_ip FROM aggregate_records WHERE policy_domain = ? AND day BETWEEN toDate(?) AND toDate(?)
    )
) AS n ON n.source_ip = t.source_ip
GROUP BY
    sender, subdomain, dkim_said, spf_said, dkim_relaxed, dkim_strict, spf_relaxed, spf_strict, excused, disposition
ORDER BY sum(messages) OVER (PARTITION BY sender) DESC, sender, messages DESC
