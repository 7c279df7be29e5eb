INSERT INTO dkim_sightings (domain, selector, fingerprint, group_name, type, bits, first_seen, last_seen)
WITH intDiv(number, 5) AS d, cityHash64(number) AS h
SELECT concat('d', toString(d), '.example'), concat('s', toString(number % 5 + 1)), hex(sipHash128(number)), concat('customer-', toString(intDiv(d, 20))), 'rsa',
    if(h % 5 = 0, 1024, 2048), toDateTime({now} - 86400 * (10 + h % 700)), toDateTime({now} - if(number % 5 < 3, 3600, 86400 * 60))
FROM numbers({domains} * 5)
