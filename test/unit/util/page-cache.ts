// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { pageCache } from '../../../src/util/page-cache.js'

test('the page cache of another machine is out of reach', async (t) => {
  t.regex((await pageCache.refusal('tcp://10.0.0.1:2376')) ?? '', /tcp:\/\/10\.0\.0\.1:2376.*another machine/)
  t.regex((await pageCache.refusal('ssh://host')) ?? '', /another machine/)
})

test('containers without an engine read through the page cache of this machine', async (t) => {
  t.notRegex((await pageCache.refusal('this machine: runc 1.1.5')) ?? '', /another machine/)
})
