// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { APPLICATIONS } from '../../../bench/applications.js'
import { cookbookPages } from '../../helpers/cookbook.js'

test('every page of the cookbook is an application', (t) => {
  const names = APPLICATIONS.map(({ name }) => name)
  for (const page of cookbookPages()) t.true(names.includes(page), page)
})
