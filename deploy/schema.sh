#!/usr/bin/env bash
# schema.sh: generates Go code and reflection data from the FlatBuffers schemas in model/graph/schema.
# schema.sh --check: fails if what is in the repository is not what would be generated.
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$(dirname "$0")/.."

flatc=$(deploy/flatc.sh)
source=$(deploy/env.sh go list -m -f '{{.Dir}}' github.com/google/flatbuffers)
internal=model/graph/internal
scratch

# generate SCHEMA PACKAGE FLAG...: the Go code of a schema, a package of its own.
generate() {
  local schema=$1 package=$2
  shift 2
  mkdir "$tmp/$package"
  "$flatc" --go --gen-onefile --go-namespace "$package" "$@" -o "$tmp/$package" "$schema"
}

for name in tflite metadata; do
  generate "model/graph/schema/$name.fbs" "$name" --gen-object-api
  "$flatc" --binary --schema -o "$tmp/$name" "model/graph/schema/$name.fbs"
done
# The schema of what --schema writes, as FlatBuffers publishes it.
generate "$source/reflection/reflection.fbs" reflection
deploy/env.sh gofmt -w "$tmp"

if [ "${1-}" = --check ]; then
  for file in "$tmp"/*/*; do
    cmp "$file" "$internal/${file#"$tmp/"}" ||
      die "$internal/${file#"$tmp/"} is not what model/graph/schema and flatc give; 'make schema' makes it anew"
  done
else
  for package in tflite metadata reflection; do
    mkdir -p "$internal/$package"
    cp "$tmp/$package"/* "$internal/$package/"
  done
fi
