INSERT INTO tls_policies (policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, policy, received_at, organization_name,
    policy_type, successful, failed)
WITH intDiv(number, {days} * 3) AS d, intDiv(number, 3) % {days} + {first} AS t, cityHash64(d, t, number % 3) AS h
SELECT concat('d', toString(d), '.example'), toDate(toUInt16(t)), concat('customer-', toString(intDiv(d, 20))),
    ['google inc.', 'microsoft corporation', 'comcast'][number % 3 + 1], 'genuine', 'known', reinterpretAsUUID(sipHash128(h)),
    reinterpretAsUUID(sipHash128(h)), 0, toDateTime64((t + 1) * 86400 + 20000, 3, 'UTC'), 'Google Inc.',
    ['sts', 'sts', 'tlsa', 'no-policy-found'][h % 4 + 1], 20 + intDiv(h, 8) % 900, if(h % 10 = 0, intDiv(h, 80) % 40, 0)
FROM numbers(toUInt64({domains} / 3) * {days} * 3)
