-- Since when senders have sent in the names of some domains, of those that were there before a day.
SELECT
    toUInt16(transform(a.policy_domain, ?, arrayEnumerate(?), 0)) AS place,
    if(n.sender_key = 0, cityHash64(bitShiftRight(toUInt128(a.source_ip),
        if(a.source_ip BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'), 8, 80))), n.sender_key) AS sender_key,
    toUInt16(min(a.day)) AS first, uniq(a.source_ip) AS addresses
FROM daily_sources AS a
GLOBAL LEFT ANY JOIN (SELECT source_ip, sender_key FROM sources FINAL) AS n ON n.source_ip = a.source_ip
WHERE a.policy_domain IN ? AND a.day < toDate(?) AND a.believed
GROUP BY place, sender_key
