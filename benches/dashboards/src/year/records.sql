INSERT INTO aggregate_records (policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, record, received_at,
    precedence, source_ip, count, disposition, dkim, spf, dkim_aligned, spf_aligned, dmarc_pass, subdomain, header_from, envelope_from, envelope_to,
    `reasons.type`, `reasons.comment`, `dkim_results.domain`, `dkim_results.selector`, `dkim_results.result`,
    `dkim_results.human_result`, `spf_results.domain`, `spf_results.scope`, `spf_results.result`, `spf_results.human_result`)
WITH
    -- The largest domain has a thousand records a day, half of them fewer than fifteen.
    intDiv(number, {days}) AS d, {first} + number % {days} AS t,
    arrayJoin(range(toUInt32(9 + 4000 / pow(d + 4, 0.9)))) AS k,
    cityHash64(d, t, k) AS h,
    concat('d', toString(d), '.example') AS name,
    ['google.com', 'enterprise outlook', 'yahoo', 'outlook.com', 'amazonses.com', 'mail.ru', 'comcast.net', 'fastmail pty ltd', 'gmx',
        'web.de', 'mimecast.org', 'zoho corporation'] AS large,
    bitShiftRight(h, 30) % 1000 AS draw,
    arrayFirstIndex(limit -> draw < limit, [350, 500, 600, 680, 740, 790, 830, 865, 895, 925, 950, 970]) AS place,
    if(place > 0, large[place], concat('isp', toString(draw % 20), '.example')) AS who,
    cityHash64(d, t, who) AS report,
    report % 1000 AS trust,
    -- Services, the domain's own servers, forwarders, and those who forge it.
    multiIf(bitShiftRight(h, 10) % 100 < 68, 0, bitShiftRight(h, 10) % 100 < 82, 1, bitShiftRight(h, 10) % 100 < 88, 2, 3) AS kind,
    cityHash64(d, bitShiftRight(h, 17) % (2 + d % 5)) % 40 AS service,
    if(service < 4, h % 4096, (cityHash64(d) % 8) * 64 + h % 64) AS host,
    toUInt32(multiIf(kind = 0, {services} + service * 4096 + host, kind = 1, {own} + d * 4 + h % 3,
        kind = 2, {forwarders} + h % 3000, {attackers} + 60000 * pow((h % 100000) / 100000, 2))) AS address,
    (bitShiftRight(h, 45) % 1000) / 1000 AS chance,
    -- A campaign lasts two days and hits a domain about twice a year.
    if(kind = 3 AND t % 7 < 2 AND cityHash64(d, intDiv(t, 7)) % 25 = 0, 40, 1) * if(toDayOfWeek(toDate(toUInt16(t))) > 5, 1, 2) AS weight,
    multiIf(kind = 0, cityHash64(d, service) % 10 < 8 AND h % 33 != 0, kind = 1, d % 4 != 0, kind = 2, h % 10 < 7, 0) AS signed,
    multiIf(kind = 0, cityHash64(d, service, 1) % 10 < 6, kind = 1, 1, 0) AS listed
SELECT name, toDate(toUInt16(t)), concat('customer-', toString(intDiv(d, 20))), who,
    multiIf(trust < 20, 'unknown', trust < 22, 'forged', trust < 200, 'authenticated', 'genuine'),
    multiIf(trust < 22, 'stranger', place > 0, 'known', trust < 200, 'stranger', 'established'),
    reinterpretAsUUID(sipHash128(report)), reinterpretAsUUID(sipHash128(report)), k,
    toDateTime64((t + 1) * 86400 + 14400 + trust * 20, 3, 'UTC'), 1, toIPv6(IPv4NumToString(address)),
    weight * (1 + toUInt64(1 / (chance + 0.01))),
    if(signed OR listed OR kind = 2, 'none', ['none', 'none', 'quarantine', 'reject'][d % 4 + 1]),
    if(signed, 'pass', 'fail'), if(listed, 'pass', 'fail'), signed, listed, signed OR listed, bitShiftRight(h, 41) % 7 = 0,
    if(bitShiftRight(h, 41) % 7 = 0, concat(['news.', 'shop.', 'info.'][d % 3 + 1], name), name),
    if(kind = 3, NULL, concat('bounce.', name)), '',
    if(kind = 2, ['forwarded'], []), if(kind = 2, [''], []),
    if(kind = 3, [], [name]), if(kind = 3, [], ['s1']), if(kind = 3, [], [if(signed, 'pass', 'fail')]), if(kind = 3, [], ['']),
    [if(listed, name, 'other.example')], ['mfrom'], [if(kind = 3, 'softfail', 'pass')], ['']
FROM numbers({domains} * {days})
