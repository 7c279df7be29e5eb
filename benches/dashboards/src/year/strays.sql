-- Reports of the last month about domains that no customer has.
INSERT INTO aggregate_records (policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, record, received_at,
    precedence, source_ip, count, disposition, header_from)
WITH cityHash64(number, 9) AS h, toUInt16(intDiv({now}, 86400) - 1 - number % 28) AS t
SELECT concat('stray', toString(h % 50), '.example'), toDate(t), 'unassigned', if(number % 3 = 0, 'google.com', concat('isp', toString(h % 9), '.example')),
    if(number % 3 = 0, 'genuine', 'unknown'), if(number % 3 = 0, 'known', 'stranger'), reinterpretAsUUID(sipHash128(h)), reinterpretAsUUID(sipHash128(h)), 0,
    toDateTime64((t + 1) * 86400 + 14400, 3, 'UTC'), 1, toIPv6(IPv4NumToString(toUInt32({attackers} + h % 60000))), 1 + h % 40, 'none',
    concat('stray', toString(h % 50), '.example')
FROM numbers(2000)
