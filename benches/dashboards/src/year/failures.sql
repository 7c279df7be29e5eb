INSERT INTO failure_reports (policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, received_at, feedback_type, source_ip,
    delivery_result, header_from, subject)
WITH cityHash64(number, 5) % {domains} AS d, {first} + number % {days} AS t, cityHash64(number) AS h
SELECT concat('d', toString(d), '.example'), toDate(toUInt16(t)), concat('customer-', toString(intDiv(d, 20))), 'linkedin.com', 'genuine', 'known',
    reinterpretAsUUID(sipHash128(h)), reinterpretAsUUID(sipHash128(h)), toDateTime64(t * 86400 + h % 86400, 3, 'UTC'), 'auth-failure',
    toIPv6(IPv4NumToString(toUInt32({attackers} + h % 60000))), 'reject', concat('redacted@d', toString(d), '.example'), 'Invoice'
FROM numbers(30 * {days})
