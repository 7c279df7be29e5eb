-- Every six hours in the last two months, as the daemon does; once a week before that, since no panel looks so far back.
INSERT INTO dns_checks (domain, check, checked_at, group_name, status, `findings.code`, `findings.severity`, `findings.detail`, `findings.name`,
    settled, `facts.name`, `facts.value`, `facts.absent`, `facts.since`, spf_lookups)
WITH ['dmarc', 'spf', 'dkim', 'mx', 'mta_sts', 'tls_rpt', 'dnssec', 'dane', 'ns', 'dnsbl', 'reverse', 'bimi',
        'caa', 'rpki'] AS checks,
    ['dmarc.policy_none', 'spf.too_many_lookups', 'dkim.key_old', 'mx.single', 'mta_sts.missing', 'tls_rpt.missing', 'dnssec.unsigned', 'dane.missing',
        'ns.one_network', 'dnsbl.address_listed', 'reverse.no_name', 'bimi.declined', 'caa.missing', 'rpki.mx_missing'] AS codes,
    ['warning', 'error', 'warning', 'info', 'info', 'info', 'info', 'info', 'warning', 'error', 'warning', 'info', 'info', 'info'] AS severities,
    intDiv(number, 14) % {domains} AS d, number % 14 + 1 AS m, concat('d', toString(d), '.example') AS name,
    cityHash64(d, m) % 3 = 0 AND (severities[m] != 'error' OR cityHash64(d, m) % 30 = 0) AS faulty,
    if(m = 1 AND d % 37 = 0, 'dmarc.not_authorized', codes[m]) AS code,
    multiIf(m = 5, [('mode', ['enforce', 'testing', 'none'][d % 3 + 1])], m = 6, [('record', 'v=TLSRPTv1; rua=mailto:tls@reports.example')],
        m = 7, [('secure', if(d % 2 = 0, 'yes', 'no'))], m = 8 AND d % 5 = 0, [('tlsa:mx1', '3 1 1 ab12')],
        m = 1, [('policy', ['none', 'none', 'quarantine', 'reject'][d % 4 + 1]), ('record', 'v=DMARC1; p=none; rua=mailto:rua@reports.example'), ('reports_to_us', 'yes')],
        m = 2, [('record', 'v=spf1 include:_spf.google.example include:spf.example -all'), ('all', 'fail')], CAST([] AS Array(Tuple(String, String)))) AS facts
SELECT name, checks[m], toDateTime(at + d), concat('customer-', toString(intDiv(d, 20))), multiIf(faulty, severities[m], d % 90 = m, 'unknown', 'ok'),
    if(faulty, [code], []), if(faulty, [severities[m]], []), if(faulty, ['What is wrong is said here with the values of this case.'], []),
    if(faulty, [name], []), 1, facts.1, facts.2, arrayMap(one -> false, facts), arrayMap(one -> toDateTime({now} - 86400 * 90), facts), if(m = 2, d % 14, NULL)
FROM numbers(14 * {domains}) AS n CROSS JOIN (
    SELECT {now} - 3000 - 21600 * number AS at FROM numbers(4 * 62)
    UNION ALL SELECT {now} - 3000 - 604800 * (9 + number) FROM numbers(43)
) AS times
