CREATE TABLE IF NOT EXISTS {database}.domain_stages{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    day Date COMMENT 'UTC day',
    computed_at DateTime('UTC') COMMENT 'When the plan was drawn; the last one of a day stays' CODEC(DoubleDelta, ZSTD(1)),
    digest UInt64 COMMENT 'Hash of what the row says: a row is written when that is another, and once a day' CODEC(ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the domain at that time',
    stage LowCardinality(String) COMMENT 'unprotected, monitoring, aligning, quarantine, reject or maintained',
    stage_since DateTime('UTC') COMMENT 'Since when it is at this stage' CODEC(DoubleDelta, ZSTD(1)),
    progress Float32 COMMENT 'How much of the way lies behind it, from 0 to 1' CODEC(ZSTD(1)),
    score Nullable(Float32) COMMENT 'Score by DNS and by what reports tell, from 0 to 5; NULL while something was never told' CODEC(ZSTD(1)),
    perfect_since Nullable(DateTime('UTC')) COMMENT 'Since when score and policy are what a certificate asks for' CODEC(ZSTD(1)),
    policy LowCardinality(String) COMMENT 'DMARC policy in force: none, quarantine or reject; empty without one',
    parked Bool COMMENT 'It sends no mail and is to say so',
    ready_for LowCardinality(String) COMMENT 'Policy it can be raised to now; empty when it cannot, or need not, be',
    window_from Date COMMENT 'First day of the reports the plan rests on' CODEC(ZSTD(1)),
    window_to Date COMMENT 'Last day of them' CODEC(ZSTD(1)),
    messages UInt64 COMMENT 'Messages in that window' CODEC(T64, ZSTD(1)),
    legitimate UInt64 COMMENT 'Of these: from senders that are the owner''s' CODEC(T64, ZSTD(1)),
    legitimate_passed UInt64 COMMENT 'Of these: aligned DKIM or aligned SPF passed' CODEC(T64, ZSTD(1)),
    threats UInt64 COMMENT 'Messages in that window from senders that forge the domain' CODEC(T64, ZSTD(1)),
    open_steps UInt32 COMMENT 'Steps that somebody has to do now' CODEC(T64, ZSTD(1)),
    `gates.name` Array(LowCardinality(String)) COMMENT 'Conditions for raising the policy: name' CODEC(ZSTD(1)),
    `gates.subject` Array(String) COMMENT 'Conditions for raising the policy: which sender' CODEC(ZSTD(1)),
    `gates.wanted` Array(Float64) COMMENT 'Conditions for raising the policy: what there must be, in days, messages or as a share' CODEC(ZSTD(1)),
    `gates.found` Array(Float64) COMMENT 'Conditions for raising the policy: what there is' CODEC(ZSTD(1)),
    `gates.met` Array(Bool) COMMENT 'Conditions for raising the policy: whether that is enough' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(day)
ORDER BY (domain, day)
{day_ttl}
SETTINGS {settings}
COMMENT 'How far each domain was on each day; read it with FINAL';

CREATE TABLE IF NOT EXISTS {database}.domain_steps{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    code LowCardinality(String) COMMENT 'Which step; docs/steps.md explains each',
    subject String COMMENT 'What it is about within the domain: a sender, a selector, a term of SPF; empty for the domain itself' CODEC(ZSTD(1)),
    computed_at DateTime('UTC') COMMENT 'When this was found; a later row replaces an earlier one' CODEC(DoubleDelta, ZSTD(1)),
    digest UInt64 COMMENT 'Hash of what the row says: a row is written when that is another, and once a day' CODEC(ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the domain at that time',
    position UInt32 COMMENT 'Place in the order in which steps are best done, from 0' CODEC(T64, ZSTD(1)),
    state LowCardinality(String) COMMENT 'open, later, undone (was done and is not any more), done or moot',
    opened_at DateTime('UTC') COMMENT 'When it became a step' CODEC(DoubleDelta, ZSTD(1)),
    done_at Nullable(DateTime('UTC')) COMMENT 'When it was found done the last time' CODEC(ZSTD(1)),
    who LowCardinality(String) COMMENT 'Who has to do it: dns, sender, operator or owner',
    effort LowCardinality(String) COMMENT 'minutes, hours or days',
    risk LowCardinality(String) COMMENT 'none, low or medium',
    title String COMMENT 'What is to be done, in English' CODEC(ZSTD(1)),
    why String COMMENT 'Why, in English' CODEC(ZSTD(1)),
    how String COMMENT 'How, in English, with the exact records and settings' CODEC(ZSTD(1)),
    instructions String COMMENT 'The exact records and settings as JSON' CODEC(ZSTD(1)),
    `values` Map(LowCardinality(String), String) COMMENT 'What the placeholders of the texts stand for' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(computed_at)
ORDER BY (domain, code, subject)
{computed_ttl}
SETTINGS {settings_without_ttl}
COMMENT 'What is to be done, and what was done, for each domain; read it with FINAL';

CREATE TABLE IF NOT EXISTS {database}.domain_senders{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    sender String COMMENT 'Who sends: service:<id>, or net:<network>' CODEC(ZSTD(1)),
    computed_at DateTime('UTC') COMMENT 'When this was found; a later row replaces an earlier one' CODEC(DoubleDelta, ZSTD(1)),
    digest UInt64 COMMENT 'Hash of what the row says: a row is written when that is another, and once a day' CODEC(ZSTD(1)),
    group_name LowCardinality(String) COMMENT 'Group (customer) of the domain at that time',
    name String COMMENT 'What people call the sender' CODEC(ZSTD(1)),
    category LowCardinality(String) COMMENT 'What the service does; empty when it is not a known one',
    class LowCardinality(String) COMMENT 'aligned, needs_work, forwarder, threat or undecided',
    rule LowCardinality(String) COMMENT 'What made it so; docs/senders.md explains each',
    decision LowCardinality(String) COMMENT 'What the owner said: approved or rejected; empty for nothing',
    messages UInt64 COMMENT 'Messages in the window of the domain; 0 once it has sent nothing in it' CODEC(T64, ZSTD(1)),
    passed UInt64 COMMENT 'Of these: aligned DKIM or aligned SPF passed' CODEC(T64, ZSTD(1)),
    spf_aligned UInt64 COMMENT 'Of these: aligned SPF passed' CODEC(T64, ZSTD(1)),
    dkim_aligned UInt64 COMMENT 'Of these: aligned DKIM passed' CODEC(T64, ZSTD(1)),
    forwarded UInt64 COMMENT 'Of these: forwarded or from a mailing list, by the reasons of the receiver or by ARC' CODEC(T64, ZSTD(1)),
    foreign_spf UInt64 COMMENT 'Of these: aligned DKIM passed and SPF passed for the domain of somebody else' CODEC(T64, ZSTD(1)),
    quarantined UInt64 COMMENT 'Of these: disposition quarantine' CODEC(T64, ZSTD(1)),
    rejected UInt64 COMMENT 'Of these: disposition reject' CODEC(T64, ZSTD(1)),
    share Float64 COMMENT 'Part of the messages of the domain in the window, from 0 to 1' CODEC(ZSTD(1)),
    addresses UInt64 COMMENT 'Addresses it sent from' CODEC(T64, ZSTD(1)),
    active_days UInt32 COMMENT 'Days in the window on which it sent' CODEC(T64, ZSTD(1)),
    first_day Date COMMENT 'First day it was ever seen' CODEC(ZSTD(1)),
    last_day Date COMMENT 'Last day it was seen' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(computed_at)
ORDER BY (domain, sender)
{computed_ttl}
SETTINGS {settings_without_ttl}
COMMENT 'Who sends as each domain, and what is thought of it; read it with FINAL';

CREATE TABLE IF NOT EXISTS {database}.sender_decisions{local}{on_cluster}
(
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    sender String COMMENT 'Who sends: service:<id>, or net:<network>' CODEC(ZSTD(1)),
    decision LowCardinality(String) COMMENT 'approved, rejected, or empty when it was taken back',
    decided_at DateTime('UTC') COMMENT 'When; a later row replaces an earlier one' CODEC(DoubleDelta, ZSTD(1)),
    decided_by String COMMENT 'Who said so: the user of the command line' CODEC(ZSTD(1)),
    note String COMMENT 'Why' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(decided_at)
ORDER BY (domain, sender)
SETTINGS {settings_without_ttl}
COMMENT 'What owners said of senders with ruad source; the registry comes before it';

CREATE TABLE IF NOT EXISTS {database}.certificates{local}{on_cluster}
(
    serial String COMMENT 'Number of the certificate' CODEC(ZSTD(1)),
    domain LowCardinality(String) COMMENT 'Domain, lower case, without a final dot',
    group_name LowCardinality(String) COMMENT 'Group (customer) of the domain when it was issued',
    issued_at DateTime('UTC') COMMENT 'When it was issued' CODEC(DoubleDelta, ZSTD(1)),
    statement String COMMENT 'What it says and what is signed, as it is in the document' CODEC(ZSTD(1)),
    signature String COMMENT 'Ed25519 signature of the statement, in base64' CODEC(ZSTD(1)),
    public_key String COMMENT 'Key that verifies it, in base64' CODEC(ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(issued_at)
ORDER BY serial
SETTINGS {settings_without_ttl}
COMMENT 'Certificates that were issued; whether one still holds is the live state of its domain';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.domain_stages{on_cluster} AS {database}.domain_stages_local
ENGINE = Distributed('{cluster}', '{database}', 'domain_stages_local', cityHash64(domain))
COMMENT 'How far each domain was on each day, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.domain_steps{on_cluster} AS {database}.domain_steps_local
ENGINE = Distributed('{cluster}', '{database}', 'domain_steps_local', cityHash64(domain))
COMMENT 'What is to be done for each domain, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.domain_senders{on_cluster} AS {database}.domain_senders_local
ENGINE = Distributed('{cluster}', '{database}', 'domain_senders_local', cityHash64(domain))
COMMENT 'Who sends as each domain, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.sender_decisions{on_cluster} AS {database}.sender_decisions_local
ENGINE = Distributed('{cluster}', '{database}', 'sender_decisions_local', cityHash64(domain))
COMMENT 'What owners said of senders, on all shards';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.certificates{on_cluster} AS {database}.certificates_local
ENGINE = Distributed('{cluster}', '{database}', 'certificates_local', cityHash64(serial))
COMMENT 'Certificates that were issued, on all shards';
