// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import type { TestedPackage } from '../../../conformance/suites/package-list.js'
import { chooseParts } from '../../../conformance/suites/packages.js'

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
