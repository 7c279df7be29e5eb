INSERT INTO dkim_selectors (domain, selector, received_at, group_name, first_day, last_day, messages, failed, computed_at)
WITH intDiv(number, {days} * 3) AS d, {first} + intDiv(number, 3) % {days} + 1 AS t
SELECT concat('d', toString(d), '.example'), concat('s', toString(number % 3 + 1)), toDate(toUInt16(t)), concat('customer-', toString(intDiv(d, 20))),
    toDate(toUInt16(t - 1)), toDate(toUInt16(t - 1)), 1 + cityHash64(number) % 400, 0, toDateTime((t + 1) * 86400)
FROM numbers({domains} * {days} * 3)
