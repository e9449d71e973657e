// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { TestedPackage } from '../../../conformance/suites/package-list.js'
import { chooseParts, once } from '../../../conformance/suites/packages.js'
import { temporary } from '../../helpers/temporary.js'

const ALL: readonly TestedPackage[] = [
  { name: 'attrs', version: '1', tests: 'sdist', parts: ['tests'] },
  { name: 'numpy', version: '2', tests: 'installed', parts: ['numpy.lib', 'numpy.ma'] },
]

const namesOf = (names: readonly string[]) =>
  chooseParts(ALL, names).map(({ one, chosenFiles }) => [one.name, ...chosenFiles])

test('the name of a package stands for all its parts, and that of a part for itself', (t) => {
  t.deepEqual(namesOf([]), [
    ['attrs', 'attrs/tests'],
    ['numpy', 'numpy.lib', 'numpy.ma'],
  ])
  t.deepEqual(namesOf(['numpy']), [['numpy', 'numpy.lib', 'numpy.ma']])
  t.deepEqual(namesOf(['numpy.ma', 'attrs/tests']), [
    ['attrs', 'attrs/tests'],
    ['numpy', 'numpy.ma'],
  ])
})

test('what is neither a package nor a part of one is refused', (t) => {
  t.throws(() => namesOf(['attrs', 'numpy.fft', 'tests']), {
    message: /no package numpy\.fft, tests, .*attrs, numpy/,
  })
})

test('a folder of the cache that two runs make at once is whole, and what fails leaves nothing', async (t) => {
  const cache = join(temporary(t), 'cache')
  const folder = join(cache, 'attrs-1')
  let begun = 0
  const make = async (part: string) => {
    writeFileSync(join(part, 'a'), 'a')
    begun++
    while (begun < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    t.true(existsSync(join(part, 'a')))
    writeFileSync(join(part, 'b'), 'b')
  }
  await Promise.all([once(folder, make), once(folder, make)])
  t.deepEqual(readdirSync(cache), ['attrs-1'])
  t.is(readFileSync(join(folder, 'b'), 'utf8'), 'b')
  await once(folder, () => t.fail() as never)
  const fail = async (part: string) => {
    mkdirSync(join(part, 'half'))
    throw new Error('no network')
  }
  await t.throwsAsync(once(join(cache, 'wrapt-1'), fail), { message: 'no network' })
  t.deepEqual(readdirSync(cache), ['attrs-1'])
})
