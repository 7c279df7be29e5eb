INSERT INTO domain_steps (domain, code, subject, computed_at, group_name, position, state, opened_at, who, effort, risk, title, why, how, instructions)
WITH intDiv(number, 12) AS d, number % 12 AS p
SELECT concat('d', toString(d), '.example'), concat('step_', toString(p)), '', toDateTime({now} - 3600), concat('customer-', toString(intDiv(d, 20))), p,
    ['open', 'blocked', 'done', 'obsolete', 'regressed', 'done'][cityHash64(number) % 6 + 1], toDateTime({now} - 86400 * (p * 7)), ['dns', 'sender', 'operator', 'owner'][number % 4 + 1],
    ['minutes', 'hours', 'days'][number % 3 + 1], ['none', 'low', 'medium'][number % 3 + 1], 'Sign the mail of this service with your own domain',
    repeat('Because it is so. ', 12), repeat('Publish this record. ', 20), '{}'
FROM numbers({domains} * 12)
