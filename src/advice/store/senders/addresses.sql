-- Every address from which mail came in the names of some domains, and the last day of it.
SELECT
    toUInt16(transform(policy_domain, ?, arrayEnumerate(?), 0)) AS place, toUInt128(source_ip) AS address,
    toUInt16(max(day)) AS last
FROM daily_sources
WHERE policy_domain IN ? AND day BETWEEN toDate(?) AND toDate(?)
    AND received_month >= toStartOfMonth(toDate(?)) AND believed
GROUP BY place, source_ip
