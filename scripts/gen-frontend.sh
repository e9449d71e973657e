#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Generates src/frontend/gen from src/frontend/proto. Only whoever changes a .proto file needs it, so its
# two tools are fetched here and are no dependencies of the project.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The generator must be of the version of the runtime library in package.json.
readonly ES=2.17.0 BUF=1.75.0

cd "$ROOT/src/frontend/proto"
npm exec --yes --package="@bufbuild/buf@$BUF" --package="@bufbuild/protoc-gen-es@$ES" -- buf generate . --template \
  '{"version":"v2","clean":true,"plugins":[{"local":"protoc-gen-es","out":"../gen","opt":["target=ts","import_extension=js"]}]}'
