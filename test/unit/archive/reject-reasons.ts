// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { MISS_SENTENCES, REJECT_SENTENCES } from '../../../src/archive/reject-reasons.js'

const GENERATOR = fileURLToPath(new URL('../../../scripts/gen-errors.mjs', import.meta.url))

test('the reasons in TypeScript and docs/errors.md are those of the native lists', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [GENERATOR, '--check'], { encoding: 'utf8' })
  t.is(status, 0, stderr)
})

test('every reason has a sentence', (t) => {
  const sentences = [...Object.values(REJECT_SENTENCES), ...Object.values(MISS_SENTENCES)]
  t.true(sentences.length > 10)
  t.true(sentences.every((sentence) => sentence.length > 0))
})
