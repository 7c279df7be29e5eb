-- What reports show of the policies of some domains, day by day. A copy that two receivers stored does not change what most
-- reports say, so there is no need for FINAL.
SELECT
    domain, arrayMap(entry -> entry.1, sorted) AS days, arrayMap(entry -> entry.2, sorted) AS policies,
    arrayMap(entry -> entry.3, sorted) AS messages
FROM (
    SELECT domain, arraySort(groupArray((its_day, policy, total))) AS sorted
    FROM (
        SELECT
            domain, its_day, if(countIf(shown != 3) = 0, toUInt8(3), argMaxIf(shown, reports, shown != 3)) AS policy,
            sum(part) AS total
        FROM (
            SELECT
                toString(policy_domain) AS domain, toUInt16(day) AS its_day,
                toUInt8(transform(lower(toString(ifNull(p, ''))), ['none', 'quarantine', 'reject'], [0, 1, 2], 3)) AS shown,
                count() AS reports, sum(messages) AS part
            FROM aggregate_reports
            WHERE policy_domain IN ? AND believed AND day <= toDate(?)
            GROUP BY policy_domain, day, shown
        )
        GROUP BY domain, its_day
    )
    GROUP BY domain
)
