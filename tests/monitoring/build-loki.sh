#!/bin/sh
# Build Loki from the Go module proxy, outside the repository, and print where its program lies; needs `go`.
# A build that was stopped goes on from Go's own cache. It takes a quarter of an hour on two idle cores.
set -eu
version=v3.4.2  # as in examples/medianest/monitoring/docker-compose.yml
place=${XDG_CACHE_HOME:-$HOME/.cache}/gonogo-tests/loki-$version
command -v go >/dev/null || { echo "building Loki needs Go: install it (https://go.dev/doc/install)" >&2; exit 2; }
if [ ! -x "$place/loki" ]; then
  mkdir -p "$place"
  rm -rf "$place/source"
  module=$(go mod download -json "github.com/grafana/loki/v3@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  cp -R "$module" "$place/source"
  chmod -R u+w "$place/source"
  cd "$place/source"
  # `go install …@version` refuses a module that replaces others; this one names a directory that its archive lacks.
  go mod edit -dropreplace=github.com/grafana/loki/pkg/push
  CGO_ENABLED=0 go build -mod=mod -p "${LOKI_JOBS:-1}" -gcflags=all="-N -l" -ldflags="-s -w" -o "$place/loki" ./cmd/loki >&2
  rm -rf "$place/source"
fi
echo "$place/loki"
