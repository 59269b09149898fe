#!/bin/sh
# The conventions of the image that this one stands in for: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB (each also as
# ..._FILE), POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA, and files in /docker-entrypoint-initdb.d.
set -eu

read_from_file() {
  eval "file=\${${1}_FILE:-}"
  [ -z "$file" ] || { eval "$1=\$(cat \"\$file\")"; export "${1?}"; }
}

become_postgres() {
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  chmod 2775 /var/run/postgresql
  exec su postgres -s /bin/sh -c 'exec "$0" "$@"' -- "$0" "$@"
}

run_file() {
  case $1 in
    *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
    *.sql) psql -X -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -f "$1" ;;
    *.sql.gz) gunzip -c "$1" | psql -X -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" ;;
  esac
}

create_cluster() {
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo "Error: no database yet, and POSTGRES_PASSWORD is not set" >&2
    exit 1
  fi
  words=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >"$words"
  # shellcheck disable=SC2086
  initdb --username="$POSTGRES_USER" --pwfile="$words" --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
  rm -f "$words"
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  # On the socket only: nobody may take the server of this phase for the one to come.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  [ "$POSTGRES_DB" = postgres ] ||
    echo 'CREATE DATABASE :"name";' | psql -X -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v name="$POSTGRES_DB"
  for file in /docker-entrypoint-initdb.d/*; do [ ! -e "$file" ] || run_file "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
}

case ${1-} in -*) set -- postgres "$@" ;; esac
if [ "${1-}" = postgres ]; then
  if [ "$(id -u)" -eq 0 ]; then become_postgres "$@"; fi
  for name in POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB; do read_from_file "$name"; done
  : "${POSTGRES_USER:=postgres}"
  : "${POSTGRES_DB:=$POSTGRES_USER}"
  [ -s "$PGDATA/PG_VERSION" ] || create_cluster
fi
exec "$@"
