INSERT INTO aggregate_reports (policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, received_at, begin, end,
    org_name, p, records, messages, date_suspect)
SELECT policy_domain, day, any(r.group_name), any(r.reporter), any(r.verdict), any(r.standing), r.report_key, any(r.content_hash), any(r.received_at),
    toDateTime64(day, 0, 'UTC'), toDateTime64(day + 1, 0, 'UTC') - 1, any(r.reporter), 'none', count(), sum(r.count), cityHash64(r.report_key) % 500 = 0
FROM aggregate_records AS r WHERE day >= toDate({first}) AND day < toDate({first}) + {days}
GROUP BY policy_domain, day, r.report_key
