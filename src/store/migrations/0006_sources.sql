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
    recheck_at DateTime('UTC') COMMENT 'When to find it out again' CODEC(DoubleDelta, ZSTD(1)),
    sender String MATERIALIZED multiIf(
        service != '' AND category NOT IN ('hosting', 'isp', 'university'), concat('service:', service),
        asn != 0 AND reverse_confirmed AND reverse_name != '',
            concat('net:AS', toString(asn), '/', cutToFirstSignificantSubdomain(reverse_name)),
        asn != 0, concat('net:AS', toString(asn)),
        reverse_confirmed AND reverse_name != '', concat('net:', cutToFirstSignificantSubdomain(reverse_name)),
        startsWith(toString(source_ip), '::ffff:'),
            concat('net:', replaceOne(toString(tupleElement(IPv6CIDRToRange(source_ip, 120), 1)), '::ffff:', ''), '/24'),
        concat('net:', toString(tupleElement(IPv6CIDRToRange(source_ip, 48), 1)), '/48'))
        COMMENT 'Who sends from it: service:<id>, or net:<network> with the end of its reverse name' CODEC(ZSTD(1)),
    sender_key UInt64 MATERIALIZED cityHash64(sender) COMMENT 'Hash of sender, to group by' CODEC(ZSTD(1)),
    mail_server Bool MATERIALIZED reverse_confirmed AND match(reverse_name,
        '^(mail|mx|smtp|mta|relay|out|mout|post|exchange|filter|gate|list|send)[a-z-]*[0-9]{0,3}[a-z]{0,3}[.-][a-z]')
        COMMENT 'Its confirmed reverse name is like that of a mail server'
)
ENGINE = {replicated}ReplacingMergeTree(checked_at)
ORDER BY source_ip
SETTINGS {settings_without_ttl}
COMMENT 'Who an address is: a dimension filled beside the stream, joined at read time';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.sources{on_cluster} AS {database}.sources_local
ENGINE = Distributed('{cluster}', '{database}', 'sources_local', cityHash64(source_ip))
COMMENT 'Who an address is, on all shards';
