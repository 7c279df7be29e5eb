INSERT INTO sources (source_ip, reverse_name, reverse_confirmed, asn, as_name, country, service, category, checked_at, recheck_at)
WITH ['US', 'NL', 'DE', 'IE', 'FR', 'GB', 'CN', 'VN', 'BR', 'RU', 'IN', 'ID'] AS countries
SELECT toIPv6(IPv4NumToString(toUInt32(ip))), name, name != '', asn, concat('Network ', toString(asn)), countries[asn % 12 + 1],
    if(which > 0, concat('service-', toString(which)), ''), if(which > 0, ['mailbox', 'marketing', 'crm'][which % 3 + 1], ''), toDateTime({now} - 86400), toDateTime({now} + 86400000)
FROM (
    SELECT {services} + number AS ip, concat('out', toString(number), '.service', toString(intDiv(number, 4096)), '.example') AS name,
        64500 + intDiv(number, 4096) AS asn, intDiv(number, 4096) + 1 AS which
    FROM numbers(40 * 4096) WHERE number < 4 * 4096 OR number % 4096 < 512
    UNION ALL SELECT {own} + number, concat('mail.d', toString(intDiv(number, 4)), '.example'), 64600 + number % 60, 0 FROM numbers({domains} * 4)
    UNION ALL SELECT {forwarders} + number, concat('fwd', toString(number), '.forwarder.example'), 64700 + number % 90, 0 FROM numbers(3000)
    UNION ALL SELECT {attackers} + number, if(number % 3 = 0, concat('host', toString(number), '.dsl.example'), ''), 65000 + number % 500, 0
        FROM numbers(60001)
)
