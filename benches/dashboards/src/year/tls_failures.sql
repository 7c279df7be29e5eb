INSERT INTO tls_failures (policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, policy, failure, received_at, policy_type,
    result_type, sending_mta_ip, receiving_mx_hostname, failed_sessions, failure_reason_code)
WITH cityHash64(p.report_key) AS h
SELECT policy_domain, day, group_name, reporter, verdict, standing, report_key, content_hash, 0, number, received_at, policy_type,
    ['certificate-expired', 'starttls-not-supported', 'validation-failure', 'certificate-host-mismatch', 'sts-policy-fetch-error'][(h + number) % 5 + 1],
    concat('192.0.2.', toString(h % 200)), concat('mx', toString(number + 1), '.', policy_domain), failed, ''
FROM tls_policies AS p ARRAY JOIN [0, 1] AS number WHERE failed > 0 AND day >= toDate({first}) AND day < toDate({first}) + {days}
