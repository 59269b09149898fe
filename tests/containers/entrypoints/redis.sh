#!/bin/sh
# Options alone go to the server. Debian builds it with protected mode on, which refuses every other container.
set -e
case ${1-} in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "${1-}" = redis-server ]; then
  case " $* " in *" --protected-mode "*) ;; *) set -- "$@" --protected-mode no ;; esac
  if [ "$(id -u)" -eq 0 ]; then
    chown -R redis:redis .
    exec su redis -s /bin/sh -c 'exec "$0" "$@"' -- "$@"
  fi
fi
exec "$@"
