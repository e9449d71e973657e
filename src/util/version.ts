// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

/** The version of this package, which labels and manifests carry. */
export const TOOL_VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
