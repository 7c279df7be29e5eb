-- How far the reporter of a report can be believed. What was stored before has an empty standing, and is believed when its verdict
-- is genuine. `believed` is the one place that says which rows decisions may rest on. A column of a sort key can have no default.
ALTER TABLE {database}.aggregate_reports{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.withdrawn_aggregate_reports{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.aggregate_records{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked'
        CODEC(ZSTD(1)) AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.withdrawn_aggregate_records{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked'
        CODEC(ZSTD(1)) AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.tls_policies{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.withdrawn_tls_policies{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.tls_failures{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.withdrawn_tls_failures{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.failure_reports{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.withdrawn_failure_reports{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.deliveries{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can it be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing,
    ADD COLUMN IF NOT EXISTS organization LowCardinality(String)
        COMMENT 'Organizational domain of the From header, when DMARC passes; empty otherwise' AFTER reporter;

ALTER TABLE {database}.daily_domains{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    MODIFY ORDER BY (policy_domain, day, group_name, reporter, verdict, disposition, dkim_aligned, spf_aligned, standing);

ALTER TABLE {database}.daily_domains{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN received_month - 800 AND received_month + 33)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.daily_sources{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    MODIFY ORDER BY (policy_domain, day, source_ip, group_name, verdict, standing);

ALTER TABLE {database}.daily_sources{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN received_month - 800 AND received_month + 33)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

ALTER TABLE {database}.daily_domains_feed{on_cluster} MODIFY QUERY
SELECT
    policy_domain, day, group_name, reporter, verdict, standing, disposition, dkim_aligned, spf_aligned,
    toStartOfMonth(received_at) AS received_month,
    toInt64(sum(count)) AS messages,
    toInt64(count()) AS records
FROM {database}.aggregate_records{local}
GROUP BY policy_domain, day, group_name, reporter, verdict, standing, disposition, dkim_aligned, spf_aligned, received_month;

ALTER TABLE {database}.withdrawn_domains_feed{on_cluster} MODIFY QUERY
SELECT
    policy_domain, day, group_name, reporter, verdict, standing, disposition, dkim_aligned, spf_aligned,
    toStartOfMonth(received_at) AS received_month,
    -toInt64(sum(count)) AS messages,
    -toInt64(count()) AS records
FROM {database}.withdrawn_aggregate_records{local}
GROUP BY policy_domain, day, group_name, reporter, verdict, standing, disposition, dkim_aligned, spf_aligned, received_month;

ALTER TABLE {database}.daily_sources_feed{on_cluster} MODIFY QUERY
SELECT
    policy_domain, day, group_name, source_ip, verdict, standing,
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
GROUP BY policy_domain, day, group_name, source_ip, verdict, standing, received_month;

ALTER TABLE {database}.withdrawn_sources_feed{on_cluster} MODIFY QUERY
SELECT
    policy_domain, day, group_name, source_ip, verdict, standing,
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
GROUP BY policy_domain, day, group_name, source_ip, verdict, standing, received_month;

ALTER TABLE {database}.dkim_selectors{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS claimed UInt64
        COMMENT 'Messages with signatures by reports that are not believed; the other columns leave them out' CODEC(T64, ZSTD(1)) AFTER failed;

-- cluster
ALTER TABLE {database}.aggregate_reports{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.withdrawn_aggregate_reports{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.aggregate_records{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.withdrawn_aggregate_records{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.tls_policies{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.withdrawn_tls_policies{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND NOT date_suspect)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.tls_failures{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.withdrawn_tls_failures{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.failure_reports{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.withdrawn_failure_reports{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.deliveries{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN toDate(received_at) - 800 AND toDate(received_at) + 2)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing,
    ADD COLUMN IF NOT EXISTS organization LowCardinality(String)
        COMMENT 'Organizational domain of the From header, when DMARC passes; empty otherwise' AFTER reporter;

-- cluster
ALTER TABLE {database}.daily_domains{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN received_month - 800 AND received_month + 33)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.daily_sources{on_cluster}
    ADD COLUMN IF NOT EXISTS standing LowCardinality(String)
        COMMENT 'Can the report be believed: known, established, unchecked, stranger or suspect; empty: from before that was asked' AFTER verdict,
    ADD COLUMN IF NOT EXISTS believed Bool ALIAS standing IN ('known', 'established', 'unchecked')
            OR (standing = '' AND verdict = 'genuine' AND day BETWEEN received_month - 800 AND received_month + 33)
        COMMENT 'Whether decisions may rest on it, by its standing' AFTER standing;

-- cluster
ALTER TABLE {database}.dkim_selectors{on_cluster}
    ADD COLUMN IF NOT EXISTS claimed UInt64
        COMMENT 'Messages with signatures by reports that are not believed; the other columns leave them out' AFTER failed;
