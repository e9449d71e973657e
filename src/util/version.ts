// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { inPackage } from './package-root.js'

/** The version of this package, which labels and manifests carry. */
export const TOOL_VERSION: string = (
  JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string }
).version
