-- Every change to what was stored: who made it, when and why. A report whose copy was taken out is not counted again when it
-- is delivered again, unless with better proof.
CREATE TABLE IF NOT EXISTS {database}.report_corrections{local}{on_cluster}
(
    report_key UUID COMMENT 'Identity of the report, as in deliveries' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Content of the report, as in deliveries' CODEC(ZSTD(1)),
    segment UUID COMMENT 'Spool segment whose copy of the report was changed' CODEC(ZSTD(1)),
    step UInt32 COMMENT 'Position among the changes to this copy, from 1' CODEC(T64, ZSTD(1)),
    batch UUID COMMENT 'Changes that were made together' CODEC(ZSTD(1)),
    state UInt32 COMMENT '1 begun, 2 done, 3 given up before anything was changed; the largest counts' CODEC(ZSTD(1)),
    action LowCardinality(String) COMMENT 'withdrawn or restored (by a person), superseded (another copy counts), refused (by ClickHouse)',
    changed_at DateTime('UTC') COMMENT 'When it was begun' CODEC(DoubleDelta, ZSTD(1)),
    changed_by LowCardinality(String) COMMENT 'Who: a user of the command line, or ruad',
    reason String COMMENT 'Why' CODEC(ZSTD(1)),
    number UInt32 COMMENT 'Number of the message in the segment' CODEC(T64, ZSTD(1)),
    kind LowCardinality(String) COMMENT 'aggregate, tls or failure',
    received_at DateTime64(3, 'UTC') COMMENT 'When the message of the copy arrived' CODEC(DoubleDelta, ZSTD(1)),
    policy_domain LowCardinality(String) COMMENT 'Policy domain, lower case; the first one of a TLS report',
    day Date COMMENT 'UTC day of the copy' CODEC(ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when the copy arrived',
    reporter LowCardinality(String) COMMENT 'Who reports, lower case',
    verdict LowCardinality(String) COMMENT 'Verdict on the copy: genuine, authenticated, forged or unknown',
    standing LowCardinality(String) COMMENT 'Standing of the copy, as in deliveries',
    precedence UInt64 COMMENT 'Precedence of the rows of the copy' CODEC(ZSTD(1)),
    report_id String COMMENT 'Report id as written; empty when missing' CODEC(ZSTD(1)),
    records UInt64 COMMENT 'Records, policies or failure reports in it' CODEC(T64, ZSTD(1)),
    messages UInt64 COMMENT 'Messages or sessions it counts' CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(state)
PARTITION BY toYYYYMM(received_at)
ORDER BY (report_key, content_hash, segment, step, batch)
{ttl}
SETTINGS index_granularity = 256, {settings}
COMMENT 'Changes to stored reports: withdrawn, restored, superseded by a better copy';

-- Rows of copies that were taken out. A row that comes here is taken out of the rollups by the views below, and one that goes
-- back to its table is added to them again.
CREATE TABLE IF NOT EXISTS {database}.withdrawn_aggregate_reports{local}{on_cluster} AS {database}.aggregate_reports{local}
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, precedence)
{ttl}
SETTINGS {settings}
COMMENT 'DMARC aggregate reports that do not count';

CREATE TABLE IF NOT EXISTS {database}.withdrawn_aggregate_records{local}{on_cluster} AS {database}.aggregate_records{local}
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, record, precedence)
{ttl}
SETTINGS {settings}
COMMENT 'Records of DMARC aggregate reports that do not count';

CREATE TABLE IF NOT EXISTS {database}.withdrawn_tls_policies{local}{on_cluster} AS {database}.tls_policies{local}
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, policy, precedence)
{ttl}
SETTINGS {settings}
COMMENT 'SMTP TLS reports that do not count';

CREATE TABLE IF NOT EXISTS {database}.withdrawn_tls_failures{local}{on_cluster} AS {database}.tls_failures{local}
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, policy, failure, precedence)
{ttl}
SETTINGS {settings}
COMMENT 'Failure details of SMTP TLS reports that do not count';

CREATE TABLE IF NOT EXISTS {database}.withdrawn_failure_reports{local}{on_cluster} AS {database}.failure_reports{local}
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (policy_domain, day, report_key, content_hash, precedence)
{ttl}
SETTINGS {settings}
COMMENT 'DMARC failure reports that do not count';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.withdrawn_domains_feed{on_cluster}
TO {database}.daily_domains{local}
(
    policy_domain LowCardinality(String) COMMENT 'See daily_domains',
    day Date COMMENT 'See daily_domains',
    group_name LowCardinality(String) COMMENT 'See daily_domains',
    reporter LowCardinality(String) COMMENT 'See daily_domains',
    verdict LowCardinality(String) COMMENT 'See daily_domains',
    disposition LowCardinality(String) COMMENT 'See daily_domains',
    dkim_aligned Bool COMMENT 'See daily_domains',
    spf_aligned Bool COMMENT 'See daily_domains',
    received_month Date COMMENT 'See daily_domains',
    messages Int64 COMMENT 'See daily_domains',
    records Int64 COMMENT 'See daily_domains'
)
AS SELECT
    policy_domain, day, group_name, reporter, verdict, disposition, dkim_aligned, spf_aligned,
    toStartOfMonth(received_at) AS received_month,
    -toInt64(sum(count)) AS messages,
    -toInt64(count()) AS records
FROM {database}.withdrawn_aggregate_records{local}
GROUP BY policy_domain, day, group_name, reporter, verdict, disposition, dkim_aligned, spf_aligned, received_month
COMMENT 'Takes what is withdrawn out of daily_domains';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.withdrawn_sources_feed{on_cluster}
TO {database}.daily_sources{local}
(
    policy_domain LowCardinality(String) COMMENT 'See daily_sources',
    day Date COMMENT 'See daily_sources',
    group_name LowCardinality(String) COMMENT 'See daily_sources',
    source_ip IPv6 COMMENT 'See daily_sources',
    verdict LowCardinality(String) COMMENT 'See daily_sources',
    received_month Date COMMENT 'See daily_sources',
    messages Int64 COMMENT 'See daily_sources',
    passed Int64 COMMENT 'See daily_sources',
    dkim_aligned Int64 COMMENT 'See daily_sources',
    spf_aligned Int64 COMMENT 'See daily_sources',
    quarantined Int64 COMMENT 'See daily_sources',
    rejected Int64 COMMENT 'See daily_sources',
    forwarded Int64 COMMENT 'See daily_sources',
    foreign_spf Int64 COMMENT 'See daily_sources',
    subdomain Int64 COMMENT 'See daily_sources',
    subdomain_passed Int64 COMMENT 'See daily_sources',
    records Int64 COMMENT 'See daily_sources'
)
AS SELECT
    policy_domain, day, group_name, source_ip, verdict,
    toStartOfMonth(received_at) AS received_month,
    -toInt64(sum(count)) AS messages,
    -toInt64(sumIf(count, dmarc_pass)) AS passed,
    -toInt64(sumIf(count, r.dkim_aligned)) AS dkim_aligned,
    -toInt64(sumIf(count, r.spf_aligned)) AS spf_aligned,
    -toInt64(sumIf(count, disposition = 'quarantine')) AS quarantined,
    -toInt64(sumIf(count, disposition = 'reject')) AS rejected,
    -toInt64(sumIf(count, arrayExists((type, comment) -> lower(type) IN ('forwarded', 'trusted_forwarder', 'mailing_list')
        OR match(lower(comment), '(^|[^a-z])arc[^a-z]*pass'), reasons.type, reasons.comment))) AS forwarded,
    -toInt64(sumIf(count, r.dkim_aligned AND NOT r.spf_aligned
        AND arrayExists(result -> lower(result) = 'pass', spf_results.result))) AS foreign_spf,
    -toInt64(sumIf(count, endsWith(lower(header_from), concat('.', policy_domain)))) AS subdomain,
    -toInt64(sumIf(count, dmarc_pass AND endsWith(lower(header_from), concat('.', policy_domain)))) AS subdomain_passed,
    -toInt64(count()) AS records
FROM {database}.withdrawn_aggregate_records{local} AS r
GROUP BY policy_domain, day, group_name, source_ip, verdict, received_month
COMMENT 'Takes what is withdrawn out of daily_sources';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.report_corrections{on_cluster} AS {database}.report_corrections_local
ENGINE = Distributed('{cluster}', '{database}', 'report_corrections_local', cityHash64(report_key))
COMMENT 'Changes to stored reports on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.withdrawn_aggregate_reports{on_cluster} AS {database}.withdrawn_aggregate_reports_local
ENGINE = Distributed('{cluster}', '{database}', 'withdrawn_aggregate_reports_local', cityHash64(report_key))
COMMENT 'DMARC aggregate reports that do not count, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.withdrawn_aggregate_records{on_cluster} AS {database}.withdrawn_aggregate_records_local
ENGINE = Distributed('{cluster}', '{database}', 'withdrawn_aggregate_records_local', cityHash64(report_key))
COMMENT 'Records of DMARC aggregate reports that do not count, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.withdrawn_tls_policies{on_cluster} AS {database}.withdrawn_tls_policies_local
ENGINE = Distributed('{cluster}', '{database}', 'withdrawn_tls_policies_local', cityHash64(report_key))
COMMENT 'SMTP TLS reports that do not count, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.withdrawn_tls_failures{on_cluster} AS {database}.withdrawn_tls_failures_local
ENGINE = Distributed('{cluster}', '{database}', 'withdrawn_tls_failures_local', cityHash64(report_key))
COMMENT 'Failure details of SMTP TLS reports that do not count, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.withdrawn_failure_reports{on_cluster} AS {database}.withdrawn_failure_reports_local
ENGINE = Distributed('{cluster}', '{database}', 'withdrawn_failure_reports_local', cityHash64(report_key))
COMMENT 'DMARC failure reports that do not count, on all shards';
