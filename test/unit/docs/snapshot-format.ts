// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ROOT } from '../../helpers/repository.js'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('the number of the snapshot format is that of its ledger and of its page', (t) => {
  const header = read('native/snapshot/format.h')
  const [, number] = /^#define SNAPSHOT_FORMAT (\d+)u$/m.exec(header) ?? []
  const ledger = [...header.matchAll(/^ \*\s+(\d+)\s+\d{4}-\d{2}\s/gm)].map(([, one]) => one)
  t.truthy(number)
  t.is(ledger.at(-1), number)
  t.regex(read('docs/snapshot-format.md'), new RegExp(`^# The snapshot file, version ${number}$`, 'm'))
})

test('every letter of a mapping is given one meaning', (t) => {
  const letters = [...read('native/snapshot/vma.def').matchAll(/^VMA(?:_ADVISED)?\((\w\w),/gm)].map(
    ([, one]) => one,
  )
  t.true(letters.length > 20)
  t.is(new Set(letters).size, letters.length)
})
