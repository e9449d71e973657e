// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { syntheticModule } from '../../../../bench/parts/growth.js'
import { parsePss } from '../../../../bench/parts/memory.js'
import { cachedName } from '../../../../bench/sizes.js'

test('the proportional set size is read in bytes', (t) => {
  t.is(parsePss('Rss:  9000 kB\nPss:                2500 kB\nPss_Dirty: 100 kB\n'), 2_560_000)
  t.throws(() => parsePss(''))
})

test('bytecode lies where CPython keeps it', (t) => {
  t.is(
    cachedName('/usr/lib/python3.11/json/__init__.py', 11),
    '/usr/lib/python3.11/json/__pycache__/__init__.cpython-311.pyc',
  )
})

test('no two synthetic modules are alike', (t) => {
  t.not(syntheticModule(1), syntheticModule(2))
  t.true(syntheticModule(1).length > 1500)
})
