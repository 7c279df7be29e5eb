INSERT INTO domain_senders (domain, sender, computed_at, group_name, name, category, class, rule, messages, passed, spf_aligned, dkim_aligned, quarantined,
    rejected, share, addresses, active_days, first_day, last_day)
WITH intDiv(number, 60) AS d, number % 60 AS p, cityHash64(number) AS h
SELECT concat('d', toString(d), '.example'), if(p < 5, concat('service:s', toString(h % 40)), concat('net:AS', toString(65000 + p))), toDateTime({now} - 3600),
    concat('customer-', toString(intDiv(d, 20))), if(p < 5, concat('Service ', toString(h % 40)), concat('Network ', toString(65000 + p))), if(p < 5, 'marketing', ''),
    multiIf(p < 3, 'aligned', p < 5, 'needs_work', p < 8, 'undecided', p < 12, 'forwarder', 'threat'), 'rule', 10 + h % 5000,
    if(p < 5, h % 5000 / 2, 0), 0, if(p < 5, h % 5000 / 3, 0), 0, 0, 0.1, 1 + h % 50, 20, toDate(toUInt16({first})), toDate(toUInt16({first} + {days} - 1))
FROM numbers({domains} * 60)
