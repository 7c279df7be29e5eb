INSERT INTO deliveries (report_key, content_hash, segment, number, part, decision, kind, received_at, policy_domain, day, group_name,
    reporter, verdict, standing, organization, report_id, records, messages)
SELECT report_key, content_hash, reinterpretAsUUID(sipHash128(intDiv(toUInt32(received_at), 600))), cityHash64(report_key) % 100000, 0,
    if(cityHash64(report_key) % 40 = 0, 'duplicate', 'stored'), 'aggregate', received_at, policy_domain, day, group_name, reporter, verdict,
    standing, reporter,
    toString(report_key), records, messages
FROM aggregate_reports WHERE day >= toDate({first}) AND day < toDate({first}) + {days}
