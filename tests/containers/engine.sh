#!/usr/bin/env bash
# A Docker engine with Compose v2 and buildx on a Debian machine: installs what is missing, starts what is not running.
# Run as root; the second run changes nothing. An engine that is there already, of whatever version, is left alone.
set -euo pipefail

NEWER=trixie
LOG=${DOCKERD_LOG:-/var/log/dockerd.log}
START_WITHIN_SECONDS=60

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
has_plugin() { docker "$1" version >/dev/null 2>&1; }

# Debian 12 has no Compose v2, and its engine knows no `start_interval`. The next suite's packages run on it as they
# are. Pinned below everything else, that suite gives nothing but what is asked of it by name.
add_newer_suite() {
  local suites=/etc/apt/sources.list.d/gonogo-$NEWER.sources mirror
  grep -rqsE "^(Suites: |deb [^#]*)$NEWER( |$)" /etc/apt/sources.list /etc/apt/sources.list.d && return
  mirror=$({ cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true; } |
    sed -nE '/^(URIs:|deb )/{s/^(URIs:|deb( \[[^]]*\])?) *([^ ]+).*/\3/p;q}')
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "${mirror:?no Debian mirror in /etc/apt}" "$NEWER" >"$suites"
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$NEWER" >"/etc/apt/preferences.d/gonogo-$NEWER"
}

install_missing() {
  local wanted=()
  command -v dockerd >/dev/null || wanted+=(docker.io docker-cli iptables ca-certificates)
  has_plugin compose || wanted+=(docker-compose)
  has_plugin buildx || wanted+=(docker-buildx)
  [ "${#wanted[@]}" -gt 0 ] || return 0
  # shellcheck disable=SC1091
  if [ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" = bookworm ]; then
    add_newer_suite
    # `name/suite`, never `-t suite`: that would take other packages along.
    wanted=("${wanted[@]/%//$NEWER}")
    wanted=("${wanted[@]/#iptables*/iptables}")
    wanted=("${wanted[@]/#ca-certificates*/ca-certificates}")
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"
}

start() {
  answers && return
  mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup || true
  setsid nohup dockerd >>"$LOG" 2>&1 </dev/null &
  local deadline=$((SECONDS + START_WITHIN_SECONDS))
  until answers; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "engine.sh: dockerd does not answer:" >&2; tail -n 20 "$LOG" >&2; return 1; }
    sleep 0.2
  done
}

if answers && has_plugin compose && has_plugin buildx; then exit 0; fi
[ "$(id -u)" -eq 0 ] || { echo "engine.sh: run it as root" >&2; exit 2; }
install_missing
start
has_plugin compose
docker version --format 'client {{.Client.Version}}, engine {{.Server.Version}}, API {{.Server.APIVersion}}'
