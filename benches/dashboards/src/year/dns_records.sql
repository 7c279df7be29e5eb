INSERT INTO dns_records (domain, name, type, text, group_name, first_seen, last_seen)
WITH intDiv(number, 30) AS d, number % 30 AS p, concat('d', toString(d), '.example') AS name
SELECT name, if(p % 4 = 0, concat('_dmarc.', name), name), ['TXT', 'MX', 'NS', 'A'][p % 4 + 1], concat('v=spf1 ip4:192.0.2.', toString(p), ' -all'),
    concat('customer-', toString(intDiv(d, 20))), toDateTime({now} - 86400 * (1 + p * 10)), toDateTime({now} - if(p < 14, 3600, 86400 * (p - 10)))
FROM numbers({domains} * 30)
