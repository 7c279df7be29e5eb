INSERT INTO domain_stages (domain, day, computed_at, group_name, stage, stage_since, progress, score, policy, parked, ready_for, window_from, window_to,
    messages, legitimate, legitimate_passed, threats, open_steps, `gates.name`, `gates.subject`, `gates.wanted`, `gates.found`, `gates.met`)
WITH ['unprotected', 'monitoring', 'aligning', 'quarantine', 'reject', 'maintained'] AS stages, ['', 'none', 'none', 'quarantine', 'reject', 'reject'] AS policies,
    intDiv(number, {days}) AS d, {first} + number % {days} + 1 AS t, 1 + cityHash64(d) % 6 AS last,
    toUInt8(greatest(1, toInt64(last) - if(cityHash64(d, 1) % 365 > number % {days}, 1, 0) - if(d % 60 = 0 AND t + 4 > {first} + {days}, 1, 0))) AS s
SELECT concat('d', toString(d), '.example'), toDate(toUInt16(t)), toDateTime(t * 86400 + 18000), concat('customer-', toString(intDiv(d, 20))), stages[s],
    toDateTime({now} - 86400 * 100), s / 6, 2 + cityHash64(d, 2) % 30 / 10, policies[s], d % 50 = 0, if(d % 9 = 0, ['', '', 'quarantine', 'reject', '', ''][s], ''),
    toDate(toUInt16(t - 30)), toDate(toUInt16(t - 1)), 5000 + d, 4000 + d, 3900 + d, 300, d % 7,
    ['days_observed', 'legitimate_aligned', 'sender_aligned'], ['', '', 'Mailchimp'], [30, 0.98, 0.95], [30, 0.97, 0.6], [1, 0, 0]
FROM numbers({domains} * {days})
