// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { parseOptions } from '../../../conformance/options.js'
import { chooseFiles, unknownFiles } from '../../../conformance/suites/suite.js'

test("without options it is CPython's suite with an archive, all files of it", (t) => {
  t.like(parseOptions([]), { suite: 'cpython', python: undefined, kind: 'archive', quick: false, files: [] })
  t.is(parseOptions(['--with', 'snapshot']).kind, 'snapshot')
})

test('files may be named as modules or as files', (t) => {
  t.deepEqual(parseOptions(['test.test_re', 'test_os.py', 'test_asyncio.test_events']).files, [
    ...['test_re', 'test_os', 'test_asyncio.test_events'],
  ])
})

test('each file has the time of its suite, or what is asked for', (t) => {
  t.is(parseOptions([]).limitSeconds, undefined)
  t.is(parseOptions(['--limit', '5']).limitSeconds, 300)
})

test('what there is not is refused with the reason', (t) => {
  t.throws(() => parseOptions(['--suite', 'ruby']), { message: /one of cpython, packages/ })
  t.throws(() => parseOptions(['--python', 'three']), { message: /not a version/ })
  t.throws(() => parseOptions(['--with', 'luck']), { message: /one of archive, snapshot/ })
  t.throws(() => parseOptions(['--quick', 'test_re']), { message: /name none/ })
  t.throws(() => parseOptions(['--quick', '--resume']), { message: /saves no results/ })
  t.throws(() => parseOptions(['--limit', '0']), { message: /not a number of minutes/ })
  t.throws(() => parseOptions(['--quick', '--suite', 'packages']), { message: /about CPython/ })
  t.throws(() => parseOptions(['--write-docs', '--python', '3.13']), { message: /all saved results/ })
  t.throws(() => parseOptions(['--write-docs', 'test_re']), { message: /all saved results/ })
  t.throws(() => parseOptions(['--fast']), { message: /--fast/ })
})

const ALL = ['test_asyncio.test_events', 'test_asyncio.test_tasks', 'test_async', 'test_re']

test('the name of a package of tests stands for its parts, and for nothing that begins alike', (t) => {
  t.deepEqual(chooseFiles(ALL, ['test_re', 'test_asyncio', 'test_re']), [
    ...['test_re', 'test_asyncio.test_events', 'test_asyncio.test_tasks'],
  ])
  t.deepEqual(unknownFiles(ALL, ['test_async', 'test_syncio', 'test_asyncio']), ['test_syncio'])
})
