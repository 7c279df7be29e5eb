-- Bodies never get here, and local parts are redacted before a row is formed.
CREATE TABLE IF NOT EXISTS {database}.failure_reports{local}{on_cluster}
(
    policy_domain LowCardinality(String) COMMENT 'First reported-domain, else header_from; lower case, without a final dot',
    day Date COMMENT 'UTC day of arrival_date, else of the arrival of the report' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when it arrived',
    reporter LowCardinality(String) COMMENT 'Domain of the From header of the report mail, lower case',
    verdict LowCardinality(String) COMMENT 'Is it from who it says: genuine, authenticated, forged or unknown',
    report_key UUID COMMENT 'Identity: the hash of what the report says' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Hash of what the report says' CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When its message arrived' CODEC(DoubleDelta, ZSTD(1)),
    segment UUID COMMENT 'Spool segment of its message' CODEC(ZSTD(1)),
    number UInt32 COMMENT 'Number of its message in the segment' CODEC(T64, ZSTD(1)),
    path Array(String) COMMENT 'Where in the message it was found: MIME parts' CODEC(ZSTD(1)),
    precedence UInt64 COMMENT 'Larger for an earlier segment: which copy stays when two receivers stored one report' CODEC(ZSTD(1)),
    feedback_type LowCardinality(Nullable(String)) COMMENT 'Feedback-Type as written',
    version LowCardinality(Nullable(String)) COMMENT 'Version as written',
    user_agent LowCardinality(Nullable(String)) COMMENT 'User-Agent as written',
    auth_failure Array(LowCardinality(String)) COMMENT 'Auth-Failure as written' CODEC(ZSTD(1)),
    reported_domain Array(LowCardinality(String)) COMMENT 'Reported-Domain as written' CODEC(ZSTD(1)),
    source_ip Nullable(IPv6) COMMENT 'Source-IP; IPv4 is mapped; NULL when missing or not an address' CODEC(ZSTD(1)),
    source_ip_text Nullable(String) COMMENT 'Source-IP as written' CODEC(ZSTD(1)),
    arrival_date Nullable(DateTime64(0, 'UTC')) COMMENT 'Arrival-Date of the reported message' CODEC(ZSTD(1)),
    incidents Nullable(UInt64) COMMENT 'Incidents: messages this report stands for; missing means 1' CODEC(ZSTD(1)),
    identity_alignment Array(LowCardinality(String)) COMMENT 'Identity-Alignment as written' CODEC(ZSTD(1)),
    delivery_result LowCardinality(Nullable(String)) COMMENT 'Delivery-Result as written',
    original_mail_from Nullable(String) COMMENT 'Original-Mail-From, redacted' CODEC(ZSTD(1)),
    original_rcpt_to Array(String) COMMENT 'Original-Rcpt-To, redacted' CODEC(ZSTD(1)),
    original_envelope_id Nullable(String) COMMENT 'Original-Envelope-Id as written' CODEC(ZSTD(1)),
    dkim_domain Nullable(String) COMMENT 'DKIM-Domain as written' CODEC(ZSTD(1)),
    dkim_selector Nullable(String) COMMENT 'DKIM-Selector as written' CODEC(ZSTD(1)),
    dkim_identity Nullable(String) COMMENT 'DKIM-Identity, redacted' CODEC(ZSTD(1)),
    spf_dns Array(String) COMMENT 'SPF-DNS as written' CODEC(ZSTD(1)),
    authentication_results Array(String) COMMENT 'Authentication-Results as written, redacted' CODEC(ZSTD(1)),
    reporting_mta Nullable(String) COMMENT 'Reporting-MTA as written' CODEC(ZSTD(1)),
    header_from Nullable(String) COMMENT 'From header of the reported message, redacted' CODEC(ZSTD(1)),
    subject Nullable(String) COMMENT 'Subject of the reported message, redacted' CODEC(ZSTD(1)),
    message_id Nullable(String) COMMENT 'Message-ID of the reported message, redacted' CODEC(ZSTD(1)),
    `warnings.code` Array(LowCardinality(String)) COMMENT 'What was repaired or skipped while reading, as a code' CODEC(ZSTD(1)),
    `warnings.at` Array(String) COMMENT 'Where in the report that was' CODEC(ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash)
{ttl}
SETTINGS {settings}
COMMENT 'DMARC failure reports (RFC 6591, RFC 9991), redacted, one row each';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.failure_reports{on_cluster} AS {database}.failure_reports_local
ENGINE = Distributed('{cluster}', '{database}', 'failure_reports_local', cityHash64(report_key))
COMMENT 'DMARC failure reports on all shards';
