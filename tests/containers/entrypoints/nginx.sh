#!/bin/sh
# Every template becomes a file of configuration, with the variables of this container filled in.
set -e
for template in /etc/nginx/templates/*.template; do
  [ -e "$template" ] || continue
  known=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/$\1/p' | tr '\n' ' ')
  envsubst "$known" <"$template" >"/etc/nginx/conf.d/$(basename "$template" .template)"
done
exec "$@"
