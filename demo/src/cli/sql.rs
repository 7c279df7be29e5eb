//! Every question the demo asks. Question marks would be parameters of the client; there are none.

/// Messages that have arrived at their end.
pub(super) const MESSAGES: &str = "SELECT uniqExact(segment, number) FROM messages";

/// Per domain: group, domain, latest policy, messages, aligned, quarantined, rejected. Forgeries are left
/// out.
pub(super) const DOMAINS: &str = "
    SELECT
        d.group_name AS group_name,
        d.policy_domain AS domain,
        ifNull(p.policy, '') AS policy,
        toUInt64(d.messages) AS messages,
        toUInt64(d.aligned) AS aligned,
        toUInt64(d.quarantined) AS quarantined,
        toUInt64(d.rejected) AS rejected
    FROM
    (
        SELECT
            toString(any(r.group_name)) AS group_name,
            r.policy_domain AS policy_domain,
            sum(r.messages) AS messages,
            sumIf(r.messages, r.dkim_aligned OR r.spf_aligned) AS aligned,
            sumIf(r.messages, r.disposition = 'quarantine') AS quarantined,
            sumIf(r.messages, r.disposition = 'reject') AS rejected
        FROM daily_domains AS r
        WHERE r.verdict != 'forged'
        GROUP BY policy_domain
    ) AS d
    LEFT JOIN
    (
        SELECT toString(r.policy_domain) AS policy_domain, toString(argMax(ifNull(r.p, ''), r.day)) AS policy
        FROM aggregate_reports AS r
        WHERE r.verdict != 'forged'
        GROUP BY policy_domain
    ) AS p ON p.policy_domain = d.policy_domain
    ORDER BY group_name = 'unassigned', group_name, domain";

/// Per domain: its three largest sources and their messages. A source is a service where it is known, else
/// the domain of the reverse name, else the address.
pub(super) const TOP_SOURCES: &str = "
    SELECT
        s.policy_domain AS policy_domain,
        multiIf(
            k.service != '', toString(k.service),
            k.reverse_name != '', cutToFirstSignificantSubdomain(k.reverse_name),
            replaceOne(toString(s.source_ip), '::ffff:', '')) AS source,
        toUInt64(sum(s.messages)) AS messages
    FROM daily_sources AS s
    LEFT JOIN (SELECT * FROM sources FINAL) AS k ON k.source_ip = s.source_ip
    WHERE s.verdict != 'forged'
    GROUP BY policy_domain, source
    ORDER BY policy_domain, messages DESC, source
    LIMIT 3 BY policy_domain";

/// Per domain: reports, rows, messages, aligned. From the rows themselves, not the rollups.
pub(super) const COUNTS: &str = "
    SELECT
        toString(r.policy_domain) AS domain,
        toString(any(r.group_name)) AS group_name,
        toUInt64(uniqExact(r.report_key, r.content_hash)) AS reports,
        toUInt64(count()) AS records,
        toUInt64(sum(r.count)) AS messages,
        toUInt64(sumIf(r.count, r.dmarc_pass)) AS aligned
    FROM aggregate_records AS r FINAL
    WHERE r.verdict != 'forged'
    GROUP BY domain";

/// Per domain and disposition: messages, from the rows.
pub(super) const DISPOSITIONS: &str = "
    SELECT
        toString(policy_domain) AS domain,
        toString(disposition) AS disposition,
        toUInt64(sum(count)) AS messages
    FROM aggregate_records FINAL
    WHERE verdict != 'forged'
    GROUP BY domain, disposition";

/// Of the forgeries: reports, rows, messages, aligned.
pub(super) const FORGED: &str = "
    SELECT
        toUInt64(uniqExact(report_key, content_hash)),
        toUInt64(count()),
        toUInt64(sum(count)),
        toUInt64(sumIf(count, dmarc_pass))
    FROM aggregate_records FINAL
    WHERE verdict = 'forged'";

/// Of the TLS reports: reports, successful and failed sessions.
pub(super) const TLS: &str = "
    SELECT
        toUInt64(uniqExact(report_key, content_hash)),
        toUInt64(sum(successful)),
        toUInt64(sum(failed))
    FROM tls_policies FINAL";

/// Failure reports.
pub(super) const FAILURES: &str = "SELECT toUInt64(count()) FROM failure_reports FINAL";

/// Deliveries of reports: decision, verdict, how many.
pub(super) const DELIVERIES: &str = "
    SELECT toString(decision) AS decision, toString(verdict) AS verdict, toUInt64(count()) AS deliveries
    FROM deliveries FINAL
    GROUP BY decision, verdict
    ORDER BY decision, verdict";

/// Messages without a report: outcome, code, how many.
pub(super) const LEFT_OUT: &str = "
    SELECT toString(outcome) AS outcome, toString(code) AS code, toUInt64(count()) AS messages
    FROM messages FINAL
    WHERE outcome NOT IN ('stored', 'duplicate')
    GROUP BY outcome, code
    ORDER BY messages DESC, outcome, code";

/// Questions a visitor may like to ask next, with what they are about.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        "the week of the attack on the shop",
        "SELECT day, sum(messages), sum(rejected), uniqExact(source_ip) FROM ruad.daily_sources \
         WHERE policy_domain = 'lumen-shop.example' GROUP BY day ORDER BY day",
    ),
    (
        "who fails for the alumni, who are about to ask for p=quarantine",
        "SELECT dkim_results.domain[1] AS signer, sum(count) FROM ruad.aggregate_records \
         WHERE policy_domain = 'oakfield-alumni.example' AND NOT dmarc_pass GROUP BY signer ORDER BY 2 DESC",
    ),
    (
        "mail servers that could not be reached over verified TLS",
        "SELECT policy_domain, day, result_type, sum(failed_sessions) FROM ruad.tls_failures \
         GROUP BY ALL ORDER BY ALL",
    ),
];
