CREATE TABLE IF NOT EXISTS {database}.messages{local}{on_cluster}
(
    day Date COMMENT 'Day of arrival, UTC' CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the receiver answered 250' CODEC(DoubleDelta, ZSTD(1)),
    segment UUID COMMENT 'Spool segment the message arrived in; with number it identifies the message' CODEC(ZSTD(1)),
    number UInt32 COMMENT 'Position of the message in its segment, from 0' CODEC(Delta, ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the first report in the message; unassigned without one',
    outcome LowCardinality(String) COMMENT 'stored, duplicate, rejected (nothing in it was a report) or quarantined',
    code LowCardinality(String) COMMENT 'Why it was rejected or quarantined, as a code; empty otherwise',
    reason String COMMENT 'Why it was rejected or quarantined, as a sentence; empty otherwise' CODEC(ZSTD(1)),
    verdict LowCardinality(String) COMMENT 'genuine, authenticated, forged or unknown: of the first report, else of the message',
    from_domain LowCardinality(String) COMMENT 'Domain of the From header, lower case; empty when there is none',
    spf String COMMENT 'What SPF of the message gave: result, identity and domain' CODEC(ZSTD(1)),
    dkim String COMMENT 'What its signatures gave: result, domain and selector of each' CODEC(ZSTD(1)),
    dmarc LowCardinality(String) COMMENT 'What DMARC of its From domain gave, and why there is doubt',
    client_ip IPv6 COMMENT 'Address of the SMTP client; IPv4 is mapped' CODEC(ZSTD(1)),
    helo String COMMENT 'Name the SMTP client gave in HELO or EHLO' CODEC(ZSTD(1)),
    tls LowCardinality(String) COMMENT 'TLS version and cipher suite; empty for plain text',
    mail_from_domain LowCardinality(String) COMMENT 'Domain of the reverse-path; empty for the null reverse-path',
    rcpt_to Array(LowCardinality(String)) COMMENT 'Accepted recipients' CODEC(ZSTD(1)),
    size UInt64 COMMENT 'Size of the message in bytes' CODEC(T64, ZSTD(1)),
    reports UInt32 COMMENT 'Reports stored from it, conflicting ones included' CODEC(T64, ZSTD(1)),
    duplicates UInt32 COMMENT 'Reports in it that were stored before, with the same content' CODEC(T64, ZSTD(1)),
    conflicts UInt32 COMMENT 'Reports in it whose identity was stored before with other content' CODEC(T64, ZSTD(1)),
    records UInt64 COMMENT 'Records, policies and failure reports stored from it' CODEC(T64, ZSTD(1)),
    `refused.path` Array(String) COMMENT 'Parts that were not usable: where in the message, joined with a slash' CODEC(ZSTD(1)),
    `refused.code` Array(LowCardinality(String)) COMMENT 'Parts that were not usable: why, as a code' CODEC(ZSTD(1)),
    `refused.message` Array(String) COMMENT 'Parts that were not usable: why, as a sentence' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (day, segment, number)
{ttl}
SETTINGS {settings}
COMMENT 'Every accepted message and what became of it';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.messages{on_cluster} AS {database}.messages_local
ENGINE = Distributed('{cluster}', '{database}', 'messages_local', cityHash64(segment))
COMMENT 'Every accepted message and what became of it, on all shards';
