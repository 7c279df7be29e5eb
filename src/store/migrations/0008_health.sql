CREATE TABLE IF NOT EXISTS {database}.dns_checks{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    check LowCardinality(String) COMMENT 'What was examined: dmarc, spf, dkim, mx, mta_sts, tls_rpt, dnssec, dane, ns, dnsbl, reverse, bimi, caa or rpki',
    checked_at DateTime('UTC') COMMENT 'When the examination began' CODEC(DoubleDelta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the domain at that time',
    status LowCardinality(String) COMMENT 'ok, info, warning, error, or unknown (a question was not answered; the last known state holds)',
    `findings.code` Array(LowCardinality(String)) COMMENT 'What is wrong, as a code; docs/findings.md explains each' CODEC(ZSTD(1)),
    `findings.severity` Array(LowCardinality(String)) COMMENT 'How bad it is: info, warning or error' CODEC(ZSTD(1)),
    `findings.detail` Array(String) COMMENT 'What is wrong, as a sentence with the values of this case' CODEC(ZSTD(1)),
    `findings.name` Array(String) COMMENT 'Name that was asked for' CODEC(ZSTD(1)),
    `unknown.name` Array(String) COMMENT 'Names about which there was no answer' CODEC(ZSTD(1)),
    `unknown.trouble` Array(LowCardinality(String)) COMMENT 'Why there was none: timeout, server_failure, refused, bad_name, network, ...' CODEC(ZSTD(1)),
    settled Bool COMMENT 'It is certain that facts which are not listed are not there',
    `facts.name` Array(LowCardinality(String)) COMMENT 'Facts that two examinations agreed on: name' CODEC(ZSTD(1)),
    `facts.value` Array(String) COMMENT 'Facts that two examinations agreed on: value' CODEC(ZSTD(1)),
    `facts.absent` Array(Bool) COMMENT 'Facts that two examinations agreed on: that there is none' CODEC(ZSTD(1)),
    `facts.since` Array(DateTime('UTC')) COMMENT 'Facts that two examinations agreed on: when the first of them saw it' CODEC(ZSTD(1)),
    spf_lookups Nullable(UInt32) COMMENT 'DNS lookups that evaluating SPF takes; for the check spf alone' CODEC(ZSTD(1)),
    score Nullable(Float32) COMMENT 'Score of the whole domain at that time, from 0 to 5' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(checked_at)
ORDER BY (domain, check, checked_at)
{check_ttl}
SETTINGS {settings}
COMMENT 'What every examination of a domain found, one row for each mechanism';

-- first_seen and last_seen are aggregates, so a row that is written again changes nothing.
CREATE TABLE IF NOT EXISTS {database}.dns_records{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain that was examined, lower case, without a final dot',
    name String COMMENT 'Name that was asked for' CODEC(ZSTD(1)),
    type LowCardinality(String) COMMENT 'Type of the record: TXT, MX, TLSA, ...',
    text String COMMENT 'Data of the record, the strings of a TXT record joined' CODEC(ZSTD(1)),
    group_name SimpleAggregateFunction(anyLast, LowCardinality(String)) COMMENT 'Group (customer) of the domain when it was seen last',
    first_seen SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'When it was seen first; read it with min()' CODEC(ZSTD(1)),
    last_seen SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'When it was seen last, to the day while it stays; read it with max()' CODEC(ZSTD(1))
)
ENGINE = {replicated}AggregatingMergeTree
PRIMARY KEY (domain, name, type)
ORDER BY (domain, name, type, text)
{seen_ttl}
SETTINGS {settings_without_ttl}
COMMENT 'History of DNS records: each distinct text once';

CREATE TABLE IF NOT EXISTS {database}.dkim_sightings{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain that signs, lower case, without a final dot',
    selector String COMMENT 'Selector, lower case' CODEC(ZSTD(1)),
    fingerprint String COMMENT 'First half of the SHA-256 of the public key, in hexadecimal' CODEC(ZSTD(1)),
    group_name SimpleAggregateFunction(anyLast, LowCardinality(String)) COMMENT 'Group (customer) of the domain when it was seen last',
    type SimpleAggregateFunction(max, LowCardinality(String)) COMMENT 'Kind of the key: rsa or ed25519; empty when not known',
    bits SimpleAggregateFunction(max, UInt32) COMMENT 'Size of the key; 0 when not known' CODEC(ZSTD(1)),
    first_seen SimpleAggregateFunction(min, DateTime('UTC')) COMMENT 'When DNS had it first' CODEC(ZSTD(1)),
    last_seen SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'When DNS had it last, to the day while it stays' CODEC(ZSTD(1))
)
ENGINE = {replicated}AggregatingMergeTree
ORDER BY (domain, selector, fingerprint)
{seen_ttl}
SETTINGS {settings_without_ttl}
COMMENT 'DKIM keys as DNS had them; dkim_keys reads it';

CREATE TABLE IF NOT EXISTS {database}.dkim_selectors{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain that signs, lower case, without a final dot',
    selector String COMMENT 'Selector, lower case' CODEC(ZSTD(1)),
    received_at Date COMMENT 'UTC day the reports arrived' CODEC(ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain',
    first_day Date COMMENT 'First day on which these reports have signatures that verified; 1970-01-01 for none' CODEC(ZSTD(1)),
    last_day Date COMMENT 'Last day on which these reports have signatures, verified or not' CODEC(ZSTD(1)),
    messages UInt64 COMMENT 'Messages with signatures that verified' CODEC(T64, ZSTD(1)),
    failed UInt64 COMMENT 'Messages with signatures that did not; anybody can send such' CODEC(T64, ZSTD(1)),
    computed_at DateTime('UTC') COMMENT 'When these reports were added up; a later row replaces an earlier one' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(received_at)
ORDER BY (domain, selector, received_at)
{ttl}
SETTINGS {settings}
COMMENT 'DKIM selectors that reports tell of, by day of arrival; read it with FINAL';

CREATE TABLE IF NOT EXISTS {database}.domain_events{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    id UUID COMMENT 'Identity: the same change has the same one, however often it is noticed' CODEC(ZSTD(1)),
    seen_at DateTime('UTC') COMMENT 'When the new state was seen first' CODEC(DoubleDelta, ZSTD(1)),
    confirmed_at DateTime('UTC') COMMENT 'When a second examination agreed' CODEC(DoubleDelta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the domain at that time',
    check LowCardinality(String) COMMENT 'Mechanism it is about: dmarc, spf, dkim, ...',
    kind LowCardinality(String) COMMENT 'What happened; docs/events.md explains each',
    severity LowCardinality(String) COMMENT 'How bad it is: info, warning or error',
    subject String COMMENT 'What it is about within the domain: a selector, a host, a list and an address; empty for the domain itself' CODEC(ZSTD(1)),
    old Nullable(String) COMMENT 'What was there before; NULL for nothing' CODEC(ZSTD(1)),
    new Nullable(String) COMMENT 'What is there now; NULL for nothing' CODEC(ZSTD(1)),
    text String COMMENT 'One sentence' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(confirmed_at)
PARTITION BY toYYYYMM(seen_at)
ORDER BY (domain, id)
{event_ttl}
SETTINGS {settings}
COMMENT 'What has changed about domains, each change seen by two examinations in a row';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.dns_checks{on_cluster} AS {database}.dns_checks_local
ENGINE = Distributed('{cluster}', '{database}', 'dns_checks_local', cityHash64(domain))
COMMENT 'What every examination of a domain found, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.dns_records{on_cluster} AS {database}.dns_records_local
ENGINE = Distributed('{cluster}', '{database}', 'dns_records_local', cityHash64(domain))
COMMENT 'History of DNS records on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.dkim_sightings{on_cluster} AS {database}.dkim_sightings_local
ENGINE = Distributed('{cluster}', '{database}', 'dkim_sightings_local', cityHash64(domain))
COMMENT 'DKIM keys as DNS had them, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.dkim_selectors{on_cluster} AS {database}.dkim_selectors_local
ENGINE = Distributed('{cluster}', '{database}', 'dkim_selectors_local', cityHash64(domain))
COMMENT 'DKIM selectors that reports tell of, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.domain_events{on_cluster} AS {database}.domain_events_local
ENGINE = Distributed('{cluster}', '{database}', 'domain_events_local', cityHash64(domain))
COMMENT 'What has changed about domains, on all shards';

CREATE VIEW IF NOT EXISTS {database}.dkim_keys{on_cluster}
(
    domain String COMMENT 'Domain that signs',
    selector String COMMENT 'Selector',
    fingerprint String COMMENT 'First half of the SHA-256 of the public key, in hexadecimal; empty when DNS never had one',
    group_name String COMMENT 'Group (customer) of the domain',
    type String COMMENT 'Kind of the key: rsa or ed25519; empty when not known',
    bits UInt32 COMMENT 'Size of the key; 0 when not known',
    first_seen Nullable(DateTime('UTC')) COMMENT 'When DNS had this key first; NULL for never',
    last_seen Nullable(DateTime('UTC')) COMMENT 'When DNS had this key last; NULL for never',
    first_day Nullable(Date) COMMENT 'First day on which reports have signatures of the selector that verified, with whatever key; NULL for none',
    last_day Nullable(Date) COMMENT 'Last day on which reports have signatures of the selector, with whatever key; NULL for none',
    messages UInt64 COMMENT 'Messages with signatures of the selector that verified, with whatever key'
)
AS SELECT
    if(k.d = '', s.d, k.d) AS domain,
    if(k.d = '', s.s, k.s) AS selector,
    k.f AS fingerprint,
    if(k.d = '', s.g, k.g) AS group_name,
    k.t AS type,
    k.b AS bits,
    if(k.d = '', NULL, k.first) AS first_seen,
    if(k.d = '', NULL, k.last) AS last_seen,
    if(s.d = '', NULL, s.first) AS first_day,
    if(s.d = '', NULL, s.last) AS last_day,
    s.m AS messages
FROM (
    SELECT toString(domain) AS d, selector AS s, fingerprint AS f, toString(anyLast(group_name)) AS g,
        toString(max(type)) AS t, max(bits) AS b, min(first_seen) AS first, max(last_seen) AS last
    FROM {database}.dkim_sightings GROUP BY d, s, f
) AS k FULL JOIN (
    SELECT toString(domain) AS d, selector AS s, toString(anyLast(group_name)) AS g,
        minIf(first_day, messages > 0) AS first, max(last_day) AS last, sum(messages) AS m
    FROM {database}.dkim_selectors FINAL GROUP BY d, s HAVING m > 0
) AS s ON k.d = s.d AND k.s = s.s
SETTINGS join_use_nulls = 0
COMMENT 'DKIM keys: as DNS had them, and what reports tell of their selectors';
