#!/bin/sh
# Dump the database into a file that has been read back once, and name the file: backup-procedures.sh LABEL
#
# DATABASE_URL     the database; the one server it names is called with pg_dump and pg_restore of this machine, which
#                  must be no older than it
# BACKUP_THROUGH   a command that runs those programs beside the server instead, over its socket:
#                  "docker compose exec -T postgres"; then DATABASE_URL is not needed
# BACKUP_DIR       where dumps are kept; ./backups where it is not set
#
# A dump that was read back is whole. It is a backup once it has been restored.
set -eu

label=${1:?usage: backup-procedures.sh LABEL}
case $label in
  *[!A-Za-z0-9._-]* | [.-]*) echo "label: letters, digits, dot, dash and underscore, not dot or dash first" >&2; exit 2 ;;
esac

directory=${BACKUP_DIR:-backups}
file=$directory/medianest-$label-$(date -u +%Y%m%dT%H%M%SZ).dump
umask 077
mkdir -p "$directory"
[ ! -e "$file" ] || { echo "$file is there already" >&2; exit 1; }
trap 'rm -f "$file.partial"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "${BACKUP_THROUGH:-}" ]; then
  # shellcheck disable=SC2086 # a command and its arguments
  dump() { $BACKUP_THROUGH pg_dump --format=custom --no-owner --username=medianest --dbname=medianest; }
  # shellcheck disable=SC2086
  read_back() { $BACKUP_THROUGH pg_restore --file=/dev/null; }
else
  : "${DATABASE_URL:?set DATABASE_URL, or BACKUP_THROUGH}"
  # libpq reads the parts of the address from variables, so that the password stands in no command line.
  parts=$(node -e '
    const { hostname, port, username, password, pathname, searchParams } = new URL(process.env.DATABASE_URL);
    const parts = {
      HOST: hostname.replace(/^\[|\]$/g, ""),
      PORT: port || "5432",
      USER: decodeURIComponent(username),
      PASSWORD: decodeURIComponent(password),
      DATABASE: decodeURIComponent(pathname.slice(1)),
      SSLMODE: searchParams.get("sslmode") ?? "prefer",
    };
    const quoted = (text) => "\x27" + text.replaceAll("\x27", "\x27\\\x27\x27") + "\x27";
    for (const [name, value] of Object.entries(parts)) console.log(`export PG${name}=${quoted(value)}`);
  ')
  eval "$parts"
  dump() { pg_dump --format=custom --no-owner; }
  read_back() { pg_restore --file=/dev/null; }
fi

dump >"$file.partial"
# A listing succeeds on a truncated dump; only reading all of it does not.
read_back <"$file.partial"
# On the disk before it bears its name: neither a full disk nor a power cut leaves half a backup that looks whole.
sync "$file.partial"
mv "$file.partial" "$file"
sync "$directory"
echo "$file $(wc -c <"$file" | tr -d ' ') bytes"
