CREATE TABLE IF NOT EXISTS {database}.tls_policies{local}{on_cluster}
(
    policy_domain LowCardinality(String) COMMENT 'policy-domain, lower case, without a final dot; empty when missing',
    day Date COMMENT 'UTC day in the middle of the range the reporter gave' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when it arrived',
    reporter LowCardinality(String) COMMENT 'Who reports: organization-name, lower case',
    verdict LowCardinality(String) COMMENT 'Is it from who it says: genuine, authenticated, forged or unknown',
    report_key UUID COMMENT 'Identity: hash of reporter, report id, begin and end' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Hash of what the report says' CODEC(ZSTD(1)),
    policy UInt32 COMMENT 'Position among the policies of the report, from 0' CODEC(T64, ZSTD(1)),
    conflict Bool COMMENT 'The same identity was stored before with other content',
    date_suspect Bool COMMENT 'The range is missing, reversed, longer than 35 days, or not near the arrival',
    received_at DateTime64(3, 'UTC') COMMENT 'When its message arrived' CODEC(DoubleDelta, ZSTD(1)),
    segment UUID COMMENT 'Spool segment of its message' CODEC(ZSTD(1)),
    number UInt32 COMMENT 'Number of its message in the segment' CODEC(T64, ZSTD(1)),
    path Array(String) COMMENT 'Where in the message it was found: MIME part, archive entry, ...' CODEC(ZSTD(1)),
    precedence UInt64 COMMENT 'Larger for an earlier segment: which copy stays when two receivers stored one report' CODEC(ZSTD(1)),
    organization_name LowCardinality(Nullable(String)) COMMENT 'organization-name as written',
    contact_info LowCardinality(Nullable(String)) COMMENT 'contact-info as written',
    report_id Nullable(String) COMMENT 'report-id as written' CODEC(ZSTD(1)),
    begin Nullable(DateTime64(0, 'UTC')) COMMENT 'start-datetime of the range' CODEC(ZSTD(1)),
    end Nullable(DateTime64(0, 'UTC')) COMMENT 'end-datetime of the range' CODEC(ZSTD(1)),
    policy_type LowCardinality(Nullable(String)) COMMENT 'sts, tlsa, no-policy-found, or what was written',
    policy_string Array(String) COMMENT 'policy-string as written' CODEC(ZSTD(1)),
    mx_host Array(String) COMMENT 'mx-host as written' CODEC(ZSTD(1)),
    successful UInt64 COMMENT 'total-successful-session-count; 0 when missing' CODEC(T64, ZSTD(1)),
    failed UInt64 COMMENT 'total-failure-session-count; 0 when missing' CODEC(T64, ZSTD(1)),
    `warnings.code` Array(LowCardinality(String)) COMMENT 'What was repaired or skipped in the report, as a code' CODEC(ZSTD(1)),
    `warnings.at` Array(String) COMMENT 'Where in the document that was' CODEC(ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, policy)
{ttl}
SETTINGS {settings}
COMMENT 'SMTP TLS reports (RFC 8460), one row a policy';

CREATE TABLE IF NOT EXISTS {database}.tls_failures{local}{on_cluster}
(
    policy_domain LowCardinality(String) COMMENT 'policy-domain, lower case, without a final dot; empty when missing',
    day Date COMMENT 'UTC day in the middle of the range the reporter gave' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when it arrived',
    reporter LowCardinality(String) COMMENT 'Who reports: organization-name, lower case',
    verdict LowCardinality(String) COMMENT 'Is the report from who it says: genuine, authenticated, forged or unknown',
    report_key UUID COMMENT 'Identity of the report, as in tls_policies' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Content of the report, as in tls_policies' CODEC(ZSTD(1)),
    policy UInt32 COMMENT 'Position of the policy in the report, as in tls_policies' CODEC(T64, ZSTD(1)),
    failure UInt32 COMMENT 'Position among the failure details of the policy, from 0' CODEC(T64, ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the message with the report arrived' CODEC(DoubleDelta, ZSTD(1)),
    precedence UInt64 COMMENT 'Larger for an earlier segment: which copy stays when two receivers stored one report' CODEC(ZSTD(1)),
    policy_type LowCardinality(String) COMMENT 'policy-type of the policy as written; empty when missing',
    result_type LowCardinality(String) COMMENT 'result-type as written; empty when missing',
    sending_mta_ip LowCardinality(String) COMMENT 'sending-mta-ip as written; empty when missing',
    receiving_mx_hostname LowCardinality(String) COMMENT 'receiving-mx-hostname as written; empty when missing',
    receiving_mx_helo LowCardinality(String) COMMENT 'receiving-mx-helo as written; empty when missing',
    receiving_ip LowCardinality(String) COMMENT 'receiving-ip as written; empty when missing',
    failed_sessions UInt64 COMMENT 'failed-session-count; 0 when missing' CODEC(T64, ZSTD(1)),
    additional_information String COMMENT 'additional-information as written; empty when missing' CODEC(ZSTD(1)),
    failure_reason_code String COMMENT 'failure-reason-code as written; empty when missing' CODEC(ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, policy, failure)
{ttl}
SETTINGS {settings}
COMMENT 'Failure details of SMTP TLS reports';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.tls_policies{on_cluster} AS {database}.tls_policies_local
ENGINE = Distributed('{cluster}', '{database}', 'tls_policies_local', cityHash64(report_key))
COMMENT 'SMTP TLS reports on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.tls_failures{on_cluster} AS {database}.tls_failures_local
ENGINE = Distributed('{cluster}', '{database}', 'tls_failures_local', cityHash64(report_key))
COMMENT 'Failure details of SMTP TLS reports on all shards';
