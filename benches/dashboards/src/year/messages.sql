INSERT INTO messages (day, received_at, segment, number, group_name, outcome, code, reason, verdict, from_domain, spf, dkim, dmarc,
    client_ip, helo, tls, mail_from_domain, rcpt_to, size, reports, records)
WITH cityHash64(report_key) AS h,
    multiIf(h % 40 = 0, 'duplicate', h % 97 = 0, 'rejected', h % 331 = 0, 'quarantined', 'stored') AS what
SELECT toDate(received_at), received_at, segment, number, group_name, what,
    if(what IN ('stored', 'duplicate'), '', ['no_report', 'bad_zip', 'too_large', 'xml_syntax'][intDiv(h, 1000) % 4 + 1]),
    if(what IN ('stored', 'duplicate'), '', 'This could not be read.'),
    verdict, reporter, 'pass', 'pass', 'pass', toIPv6('192.0.2.9'), 'mx.example', 'TLSv1.3', reporter, ['rua@reports.example'],
    2000 + h % 90000, what = 'stored', records
FROM deliveries WHERE day >= toDate({first}) AND day < toDate({first}) + {days}
