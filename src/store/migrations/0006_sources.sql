CREATE TABLE IF NOT EXISTS {database}.sources{local}{on_cluster}
(
    source_ip IPv6 COMMENT 'Address; IPv4 is mapped' CODEC(ZSTD(1)),
    reverse_name String COMMENT 'Reverse name, lower case; empty when there is none' CODEC(ZSTD(1)),
    reverse_confirmed Bool COMMENT 'The reverse name leads back to the address',
    asn UInt32 COMMENT 'Number of the autonomous system that announces it; 0 when not known' CODEC(T64, ZSTD(1)),
    as_name LowCardinality(String) COMMENT 'Name of that autonomous system; empty when not known',
    country LowCardinality(String) COMMENT 'ISO 3166-1 code of the country, upper case; empty when not known',
    service LowCardinality(String) COMMENT 'Id of the known service it belongs to; empty when not known',
    category LowCardinality(String) COMMENT 'Category of that service; empty when not known',
    checked_at DateTime('UTC') COMMENT 'When this was found out; a later row replaces an earlier one' CODEC(DoubleDelta, ZSTD(1)),
    recheck_at DateTime('UTC') COMMENT 'When to find it out again' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(checked_at)
ORDER BY source_ip
SETTINGS {settings_without_ttl}
COMMENT 'Who an address is: a dimension filled beside the stream, joined at read time';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.sources{on_cluster} AS {database}.sources_local
ENGINE = Distributed('{cluster}', '{database}', 'sources_local', cityHash64(source_ip))
COMMENT 'Who an address is, on all shards';
