#!/usr/bin/env bash
# lint.sh: everything that is checked without running it. Wants what setup.sh installs.
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$(dirname "$0")/.."

say "gofmt"
unformatted=$(deploy/env.sh gofmt -l .)
[ -z "$unformatted" ] || die "not formatted; 'make format' does it:
$unformatted"

say "go vet"
deploy/env.sh go vet ./...

say "staticcheck"
deploy/env.sh go tool staticcheck ./...

# Building the compiler takes a while: where nobody changed a schema there need be none.
if deploy/flatc.sh --find >/dev/null; then
  say "generated code"
  deploy/schema.sh --check
fi

say "shellcheck"
find . -name '*.sh' -not -path './.git/*' -print0 | xargs -0 shellcheck .ci/run deploy/deb/{postinst,prerm,postrm}
