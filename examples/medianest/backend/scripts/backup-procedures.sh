#!/bin/sh
# Dump the database into a file that has been read back once: backup-procedures.sh LABEL
# Needs DATABASE_URL, and pg_dump and pg_restore no older than the server. BACKUP_DIR defaults to ./backups.
set -eu

label=${1:?usage: backup-procedures.sh LABEL}
: "${DATABASE_URL:?DATABASE_URL is not set}"
case $label in *[!A-Za-z0-9._-]*) echo "label: letters, digits, dot, dash and underscore only" >&2; exit 2 ;; esac

directory=${BACKUP_DIR:-backups}
file=$directory/medianest-$label-$(date -u +%Y%m%dT%H%M%SZ).dump
umask 077
mkdir -p "$directory"
trap 'rm -f "$file.partial"' EXIT

pg_dump --format=custom --no-owner --dbname="$DATABASE_URL" --file="$file.partial"
# A listing succeeds on a truncated dump; only reading all of it does not.
pg_restore --file=/dev/null "$file.partial"
mv "$file.partial" "$file"
echo "$file $(wc -c <"$file" | tr -d ' ') bytes"
