-- Small granules behind a key that starts with the report: "has this report been stored?" reads one short granule a
-- part. A bloom filter beside it was measured to cost ten times more than the reading it saves.
CREATE TABLE IF NOT EXISTS {database}.deliveries{local}{on_cluster}
(
    report_key UUID COMMENT 'Identity of the report' CODEC(ZSTD(1)),
    content_hash UUID COMMENT 'Hash of what the report says' CODEC(ZSTD(1)),
    segment UUID COMMENT 'Spool segment it was delivered in' CODEC(ZSTD(1)),
    number UInt32 COMMENT 'Number of its message in the segment' CODEC(T64, ZSTD(1)),
    part UInt32 COMMENT 'Position among the reports of its message, from 0' CODEC(T64, ZSTD(1)),
    path Array(String) COMMENT 'Where in the message it was found: MIME part, archive entry, ...' CODEC(ZSTD(1)),
    decision LowCardinality(String) COMMENT 'stored, duplicate (same content is there) or conflict (other content is there; stored too)',
    kind LowCardinality(String) COMMENT 'aggregate, tls or failure',
    received_at DateTime64(3, 'UTC') COMMENT 'When its message arrived' CODEC(DoubleDelta, ZSTD(1)),
    policy_domain LowCardinality(String) COMMENT 'Policy domain, lower case; the first one of a TLS report',
    day Date COMMENT 'UTC day in the middle of the range the reporter gave' CODEC(ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the policy domain when it arrived',
    reporter LowCardinality(String) COMMENT 'Who reports, lower case',
    verdict LowCardinality(String) COMMENT 'Is it from who it says: genuine, authenticated, forged or unknown',
    report_id String COMMENT 'Report id as written; empty when missing' CODEC(ZSTD(1)),
    records UInt64 COMMENT 'Records, policies or failure reports in it' CODEC(T64, ZSTD(1)),
    messages UInt64 COMMENT 'Messages or sessions it counts' CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (report_key, segment, number, part)
{ttl}
SETTINGS index_granularity = 256, {settings}
COMMENT 'The ledger: every delivery of a report and whether it was stored';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.deliveries{on_cluster} AS {database}.deliveries_local
ENGINE = Distributed('{cluster}', '{database}', 'deliveries_local', cityHash64(report_key))
COMMENT 'The ledger on all shards';
