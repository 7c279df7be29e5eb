CREATE TABLE IF NOT EXISTS {database}.schema_migrations{local}{on_cluster}
(
    version UInt32 COMMENT 'Number of the migration',
    name String COMMENT 'Its name',
    applied_at DateTime('UTC') COMMENT 'When its last statement had run',
    program String COMMENT 'Version of the program that applied it'
)
ENGINE = {replicated}ReplacingMergeTree(applied_at)
ORDER BY version
SETTINGS {settings_without_ttl}
COMMENT 'Which changes of the schema this database has';

-- cluster
CREATE TABLE IF NOT EXISTS {database}.schema_migrations{on_cluster} AS {database}.schema_migrations_local
ENGINE = Distributed('{cluster}', '{database}', 'schema_migrations_local', 0)
COMMENT 'Which changes of the schema this database has, on all shards';
