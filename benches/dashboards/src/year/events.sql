INSERT INTO domain_events (domain, id, seen_at, confirmed_at, group_name, check, kind, severity, subject, old, new, text)
WITH intDiv(number, 25) AS d, cityHash64(number) AS h, {now} - h % ({days} * 86400) AS at
SELECT concat('d', toString(d), '.example'), reinterpretAsUUID(sipHash128(number)), toDateTime(at), toDateTime(at + 3600), concat('customer-', toString(intDiv(d, 20))),
    'spf', ['spf.record_changed', 'dmarc.policy_loosened', 'sender.new', 'dnsbl.listed'][intDiv(h, 7) % 4 + 1], ['info', 'warning', 'info', 'error'][intDiv(h, 7) % 4 + 1], '', 'before', 'after',
    'The record of this domain was changed.'
FROM numbers({domains} * 25)
