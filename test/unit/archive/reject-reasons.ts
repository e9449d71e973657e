// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import test from 'ava'
import { MISS_SENTENCES, REJECT_SENTENCES } from '../../../src/archive/reject-reasons.js'
import { inRepository } from '../../helpers/repository.js'

const GENERATOR = inRepository('scripts/gen-errors.mjs')

test('the reasons in TypeScript and docs/errors.md are those of the native lists', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [GENERATOR, '--check'], { encoding: 'utf8' })
  t.is(status, 0, stderr)
})

test('every reason has a sentence', (t) => {
  const sentences = [...Object.values(REJECT_SENTENCES), ...Object.values(MISS_SENTENCES)]
  t.true(sentences.length > 10)
  t.true(sentences.every((sentence) => sentence.length > 0))
})
