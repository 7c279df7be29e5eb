CREATE TABLE IF NOT EXISTS {database}.aggregate_reports{local}{on_cluster}
(
    policy_domain LowCardinality(String) COMMENT 'Domain whose policy was applied, lower case, without a final dot',
    day Date COMMENT 'UTC day in the middle of the range the reporter gave' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when it arrived',
    reporter LowCardinality(String) COMMENT 'Who reports: org_name, else the domain of email; lower case',
    verdict LowCardinality(String) COMMENT 'Is it from who it says: genuine, authenticated, forged or unknown',
    report_key UUID COMMENT 'Identity: hash of reporter, policy domain, report id, begin and end' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Hash of what the report says, independent of the order of its records' CODEC(ZSTD(1)),
    conflict Bool COMMENT 'The same identity was stored before with other content',
    date_suspect Bool COMMENT 'The range is missing, reversed, longer than 35 days, or not near the arrival',
    received_at DateTime64(3, 'UTC') COMMENT 'When its message arrived' CODEC(DoubleDelta, ZSTD(1)),
    segment UUID COMMENT 'Spool segment of its message' CODEC(ZSTD(1)),
    number UInt32 COMMENT 'Number of its message in the segment' CODEC(T64, ZSTD(1)),
    path Array(String) COMMENT 'Where in the message it was found: MIME part, archive entry, ...' CODEC(ZSTD(1)),
    precedence UInt64 COMMENT 'Larger for an earlier segment: which copy stays when two receivers stored one report' CODEC(ZSTD(1)),
    format LowCardinality(String) COMMENT 'rfc7489 or rfc9990, by its content',
    namespace LowCardinality(Nullable(String)) COMMENT 'XML namespace as written',
    version Nullable(String) COMMENT 'version as written' CODEC(ZSTD(1)),
    org_name LowCardinality(Nullable(String)) COMMENT 'org_name as written',
    email LowCardinality(Nullable(String)) COMMENT 'email as written: contact of the reporter',
    extra_contact_info LowCardinality(Nullable(String)) COMMENT 'extra_contact_info as written',
    report_id Nullable(String) COMMENT 'report_id as written' CODEC(ZSTD(1)),
    begin Nullable(DateTime64(0, 'UTC')) COMMENT 'Begin of the range as the reporter gave it' CODEC(ZSTD(1)),
    end Nullable(DateTime64(0, 'UTC')) COMMENT 'End of the range as the reporter gave it' CODEC(ZSTD(1)),
    errors Array(String) COMMENT 'error elements as written' CODEC(ZSTD(1)),
    generator LowCardinality(Nullable(String)) COMMENT 'generator as written',
    domain Nullable(String) COMMENT 'policy_published/domain as written' CODEC(ZSTD(1)),
    p LowCardinality(Nullable(String)) COMMENT 'policy_published/p as written',
    sp LowCardinality(Nullable(String)) COMMENT 'policy_published/sp as written; missing means the value of p',
    np LowCardinality(Nullable(String)) COMMENT 'policy_published/np as written; missing means the value of sp',
    adkim LowCardinality(Nullable(String)) COMMENT 'policy_published/adkim as written',
    aspf LowCardinality(Nullable(String)) COMMENT 'policy_published/aspf as written',
    pct Nullable(Int64) COMMENT 'policy_published/pct' CODEC(ZSTD(1)),
    fo LowCardinality(Nullable(String)) COMMENT 'policy_published/fo as written',
    testing LowCardinality(Nullable(String)) COMMENT 'policy_published/testing as written',
    discovery_method LowCardinality(Nullable(String)) COMMENT 'policy_published/discovery_method as written',
    extensions Array(String) COMMENT 'Names of the extension elements in it' CODEC(ZSTD(1)),
    records UInt64 COMMENT 'Usable records in it' CODEC(T64, ZSTD(1)),
    messages UInt64 COMMENT 'Sum of the counts of its records' CODEC(T64, ZSTD(1)),
    `warnings.code` Array(LowCardinality(String)) COMMENT 'What was repaired or skipped while reading, as a code' CODEC(ZSTD(1)),
    `warnings.at` Array(String) COMMENT 'Where in the document that was' CODEC(ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash)
{ttl}
SETTINGS {settings}
COMMENT 'DMARC aggregate reports, one row each, without their records';

CREATE TABLE IF NOT EXISTS {database}.aggregate_records{local}{on_cluster}
(
    policy_domain String COMMENT 'Domain whose policy was applied, lower case, without a final dot' CODEC(ZSTD(1)),
    day Date COMMENT 'UTC day in the middle of the range the reporter gave' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when it arrived' CODEC(ZSTD(1)),
    reporter LowCardinality(String) COMMENT 'Who reports: org_name, else the domain of email; lower case' CODEC(ZSTD(1)),
    verdict LowCardinality(String) COMMENT 'Is the report from who it says: genuine, authenticated, forged or unknown' CODEC(ZSTD(1)),
    report_key UUID COMMENT 'Identity of the report, as in aggregate_reports' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Content of the report, as in aggregate_reports' CODEC(ZSTD(1)),
    record UInt32 COMMENT 'Position among the usable records of the report, from 0' CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the message with the report arrived' CODEC(DoubleDelta, ZSTD(1)),
    precedence UInt64 COMMENT 'Larger for an earlier segment: which copy stays when two receivers stored one report' CODEC(ZSTD(1)),
    source_ip IPv6 COMMENT 'Address that sent the mail; IPv4 is mapped' CODEC(ZSTD(1)),
    count UInt64 COMMENT 'Messages this record stands for' CODEC(T64, ZSTD(1)),
    disposition LowCardinality(String) COMMENT 'policy_evaluated/disposition as written; empty when missing' CODEC(ZSTD(1)),
    dkim LowCardinality(String) COMMENT 'policy_evaluated/dkim as written; empty when missing' CODEC(ZSTD(1)),
    spf LowCardinality(String) COMMENT 'policy_evaluated/spf as written; empty when missing' CODEC(ZSTD(1)),
    dkim_aligned Bool COMMENT 'policy_evaluated/dkim says pass',
    spf_aligned Bool COMMENT 'policy_evaluated/spf says pass',
    dmarc_pass Bool COMMENT 'dkim_aligned or spf_aligned',
    header_from String COMMENT 'identifiers/header_from as written; empty when missing' CODEC(ZSTD(1)),
    envelope_from Nullable(String) COMMENT 'identifiers/envelope_from as written; empty is the null reverse-path' CODEC(ZSTD(1)),
    envelope_to String COMMENT 'identifiers/envelope_to as written; empty when missing' CODEC(ZSTD(1)),
    `reasons.type` Array(String) COMMENT 'Why the policy was not applied: type as written' CODEC(ZSTD(1)),
    `reasons.comment` Array(String) COMMENT 'Why the policy was not applied: comment as written' CODEC(ZSTD(1)),
    `dkim_results.domain` Array(String) COMMENT 'Signatures: signing domain (d=) as written' CODEC(ZSTD(1)),
    `dkim_results.selector` Array(String) COMMENT 'Signatures: selector (s=) as written' CODEC(ZSTD(1)),
    `dkim_results.result` Array(String) COMMENT 'Signatures: result as written' CODEC(ZSTD(1)),
    `dkim_results.human_result` Array(String) COMMENT 'Signatures: human_result as written' CODEC(ZSTD(1)),
    `spf_results.domain` Array(String) COMMENT 'SPF checks: domain as written' CODEC(ZSTD(1)),
    `spf_results.scope` Array(String) COMMENT 'SPF checks: scope as written' CODEC(ZSTD(1)),
    `spf_results.result` Array(String) COMMENT 'SPF checks: result as written' CODEC(ZSTD(1)),
    `spf_results.human_result` Array(String) COMMENT 'SPF checks: human_result as written' CODEC(ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, record)
{ttl}
SETTINGS {settings}
COMMENT 'Records of DMARC aggregate reports; sum(count) is a number of messages';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.aggregate_reports{on_cluster} AS {database}.aggregate_reports_local
ENGINE = Distributed('{cluster}', '{database}', 'aggregate_reports_local', cityHash64(report_key))
COMMENT 'DMARC aggregate reports on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.aggregate_records{on_cluster} AS {database}.aggregate_records_local
ENGINE = Distributed('{cluster}', '{database}', 'aggregate_records_local', cityHash64(report_key))
COMMENT 'Records of DMARC aggregate reports on all shards';
