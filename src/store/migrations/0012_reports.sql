-- Of rows that are there already it is what daily_sources_feed found then, so that what is taken out of the rollups for
-- them is what was put in.
ALTER TABLE {database}.aggregate_records{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS subdomain Bool DEFAULT endsWith(lower(header_from), concat('.', policy_domain))
        COMMENT 'header_from is below the policy domain, however it is written';

ALTER TABLE {database}.withdrawn_aggregate_records{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS subdomain Bool DEFAULT endsWith(lower(header_from), concat('.', policy_domain))
        COMMENT 'header_from is below the policy domain, however it is written';

ALTER TABLE {database}.tls_policies{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS domain Nullable(String)
        COMMENT 'policy-domain as written; for DANE it may be the mail host' CODEC(ZSTD(1));

ALTER TABLE {database}.withdrawn_tls_policies{local}{on_cluster}
    ADD COLUMN IF NOT EXISTS domain Nullable(String)
        COMMENT 'policy-domain as written; for DANE it may be the mail host' CODEC(ZSTD(1));

-- cluster
ALTER TABLE {database}.aggregate_records{on_cluster}
    ADD COLUMN IF NOT EXISTS subdomain Bool COMMENT 'header_from is below the policy domain, however it is written';

-- cluster
ALTER TABLE {database}.withdrawn_aggregate_records{on_cluster}
    ADD COLUMN IF NOT EXISTS subdomain Bool COMMENT 'header_from is below the policy domain, however it is written';

-- cluster
ALTER TABLE {database}.tls_policies{on_cluster}
    ADD COLUMN IF NOT EXISTS domain Nullable(String) COMMENT 'policy-domain as written; for DANE it may be the mail host';

-- cluster
ALTER TABLE {database}.withdrawn_tls_policies{on_cluster}
    ADD COLUMN IF NOT EXISTS domain Nullable(String) COMMENT 'policy-domain as written; for DANE it may be the mail host';

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
    toInt64(sumIf(count, r.subdomain)) AS subdomain,
    toInt64(sumIf(count, dmarc_pass AND r.subdomain)) AS subdomain_passed,
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
    -toInt64(sumIf(count, r.subdomain)) AS subdomain,
    -toInt64(sumIf(count, dmarc_pass AND r.subdomain)) AS subdomain_passed,
    -toInt64(count()) AS records
FROM {database}.withdrawn_aggregate_records{local} AS r
GROUP BY policy_domain, day, group_name, source_ip, verdict, standing, received_month;

-- Databases of before CAA and RPKI were examined.
ALTER TABLE {database}.dns_checks{local}{on_cluster}
    COMMENT COLUMN IF EXISTS check 'What was examined: dmarc, spf, dkim, mx, mta_sts, tls_rpt, dnssec, dane, ns, dnsbl, reverse, bimi, caa or rpki';

-- cluster
ALTER TABLE {database}.dns_checks{on_cluster}
    COMMENT COLUMN IF EXISTS check 'What was examined: dmarc, spf, dkim, mx, mta_sts, tls_rpt, dnssec, dane, ns, dnsbl, reverse, bimi, caa or rpki';
