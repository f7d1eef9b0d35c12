#!/bin/bash
# When the data folder is made: the extension in the first database, and the role that Grafana and the exporter read with.
set -euo pipefail
sql() { psql -Xq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" "$@"; }
sql -c 'CREATE EXTENSION dbperf'
if [ -n "${DBPERF_READER_PASSWORD:-}" ]; then
    sql -f /usr/local/share/dbperf/reader_role.sql
fi
