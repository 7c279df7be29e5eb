#!/bin/bash
# A user of ClickHouse for Grafana's dashboards of operators: it reads everything and changes nothing.
set -e
clickhouse-client --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD" --multiquery <<SQL
CREATE USER IF NOT EXISTS reader IDENTIFIED WITH sha256_password BY '$CLICKHOUSE_READER_PASSWORD'
    SETTINGS readonly = 2 CONST, max_execution_time = 60 MIN 1 MAX 120, max_memory_usage = 8000000000 CONST;
GRANT SELECT ON ruad.* TO reader;
SQL
