#!/bin/sh
# Publish the pages of docs/ to the branch gh-pages, named after the commit they were built from.
set -eu
cd "$(dirname "$0")/.."
mkdocs gh-deploy --strict --message "docs: publish {sha}"
