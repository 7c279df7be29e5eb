-- Sums are signed: when two receivers stored the same report, the copy that lost is taken out by rows of negative sums.
CREATE TABLE IF NOT EXISTS {database}.daily_domains{local}{on_cluster}
(
    policy_domain LowCardinality(String) COMMENT 'Domain whose policy was applied, lower case',
    day Date COMMENT 'UTC day of the report' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when the report arrived',
    reporter LowCardinality(String) COMMENT 'Who reports, lower case',
    verdict LowCardinality(String) COMMENT 'Is the report from who it says: genuine, authenticated, forged or unknown',
    disposition LowCardinality(String) COMMENT 'disposition as written; empty when missing',
    dkim_aligned Bool COMMENT 'policy_evaluated/dkim says pass',
    spf_aligned Bool COMMENT 'policy_evaluated/spf says pass',
    received_month Date COMMENT 'First day of the month of arrival; what retention goes by' CODEC(Delta, ZSTD(1)),
    messages Int64 COMMENT 'Messages; add them up, rows may still be unmerged' CODEC(T64, ZSTD(1)),
    records Int64 COMMENT 'Records those messages were reported in; add them up' CODEC(T64, ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}SummingMergeTree((messages, records))
PARTITION BY received_month
ORDER BY (policy_domain, day, group_name, reporter, verdict, disposition, dkim_aligned, spf_aligned)
{rollup_ttl}
SETTINGS min_bytes_for_wide_part = 67108864, {settings}
COMMENT 'Messages per domain, day, reporter and result; always read it with sum()';

CREATE TABLE IF NOT EXISTS {database}.daily_sources{local}{on_cluster}
(
    policy_domain LowCardinality(String) COMMENT 'Domain whose policy was applied, lower case',
    day Date COMMENT 'UTC day of the report' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when the report arrived',
    source_ip IPv6 COMMENT 'Address that sent the mail; IPv4 is mapped' CODEC(ZSTD(1)),
    verdict LowCardinality(String) COMMENT 'Is the report from who it says: genuine, authenticated, forged or unknown',
    received_month Date COMMENT 'First day of the month of arrival; what retention goes by' CODEC(Delta, ZSTD(1)),
    messages Int64 COMMENT 'Messages; add them up, rows may still be unmerged' CODEC(T64, ZSTD(1)),
    passed Int64 COMMENT 'Of these: aligned DKIM or aligned SPF passed' CODEC(T64, ZSTD(1)),
    dkim_aligned Int64 COMMENT 'Of these: aligned DKIM passed' CODEC(T64, ZSTD(1)),
    spf_aligned Int64 COMMENT 'Of these: aligned SPF passed' CODEC(T64, ZSTD(1)),
    quarantined Int64 COMMENT 'Of these: disposition quarantine' CODEC(T64, ZSTD(1)),
    rejected Int64 COMMENT 'Of these: disposition reject' CODEC(T64, ZSTD(1)),
    forwarded Int64 COMMENT 'Of these: forwarded or from a mailing list, by the reasons of the receiver or by ARC' CODEC(T64, ZSTD(1)),
    foreign_spf Int64 COMMENT 'Of these: aligned DKIM passed, aligned SPF did not, and SPF passed for the domain of somebody else' CODEC(T64, ZSTD(1)),
    subdomain Int64 COMMENT 'Of these: the author is at a subdomain' CODEC(T64, ZSTD(1)),
    subdomain_passed Int64 COMMENT 'Of those at a subdomain: aligned DKIM or aligned SPF passed' CODEC(T64, ZSTD(1)),
    records Int64 COMMENT 'Records those messages were reported in; add them up' CODEC(T64, ZSTD(1)),
    INDEX day_range day TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}SummingMergeTree((messages, passed, dkim_aligned, spf_aligned, quarantined, rejected, forwarded, foreign_spf, subdomain,
    subdomain_passed, records))
PARTITION BY received_month
ORDER BY (policy_domain, day, source_ip, group_name, verdict)
{rollup_ttl}
SETTINGS min_bytes_for_wide_part = 67108864, {settings}
COMMENT 'Messages per domain, day and sending address; min(day) and max(day) say first and last seen';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.daily_domains_feed{on_cluster}
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
    toInt64(sum(count)) AS messages,
    toInt64(count()) AS records
FROM {database}.aggregate_records{local}
GROUP BY policy_domain, day, group_name, reporter, verdict, disposition, dkim_aligned, spf_aligned, received_month
COMMENT 'Feeds daily_domains';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.daily_sources_feed{on_cluster}
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
    toInt64(sum(count)) AS messages,
    toInt64(sumIf(count, dmarc_pass)) AS passed,
    toInt64(sumIf(count, r.dkim_aligned)) AS dkim_aligned,
    toInt64(sumIf(count, r.spf_aligned)) AS spf_aligned,
    toInt64(sumIf(count, disposition = 'quarantine')) AS quarantined,
    toInt64(sumIf(count, disposition = 'reject')) AS rejected,
    toInt64(sumIf(count, arrayExists((type, comment) -> lower(type) IN ('forwarded', 'trusted_forwarder', 'mailing_list')
        OR match(lower(comment), '(^|[^a-z])arc[^a-z]*pass'), reasons.type, reasons.comment))) AS forwarded,
    toInt64(sumIf(count, r.dkim_aligned AND NOT r.spf_aligned
        AND arrayExists(result -> lower(result) = 'pass', spf_results.result))) AS foreign_spf,
    toInt64(sumIf(count, endsWith(lower(header_from), concat('.', policy_domain)))) AS subdomain,
    toInt64(sumIf(count, dmarc_pass AND endsWith(lower(header_from), concat('.', policy_domain)))) AS subdomain_passed,
    toInt64(count()) AS records
FROM {database}.aggregate_records{local} AS r
GROUP BY policy_domain, day, group_name, source_ip, verdict, received_month
COMMENT 'Feeds daily_sources';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.daily_domains{on_cluster} AS {database}.daily_domains_local
ENGINE = Distributed('{cluster}', '{database}', 'daily_domains_local', cityHash64(policy_domain))
COMMENT 'Messages per domain, day, reporter and result, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.daily_sources{on_cluster} AS {database}.daily_sources_local
ENGINE = Distributed('{cluster}', '{database}', 'daily_sources_local', cityHash64(policy_domain))
COMMENT 'Messages per domain, day and sending address, on all shards';
