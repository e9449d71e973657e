// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import {
  ARCHITECTURES,
  findArchitecture,
  imageArchitecture,
  nodeArchitecture,
} from '../../../src/image/architecture.js'

const image = (os: string, architecture: string) => ({ reference: 'app', os, architecture })

test('images for linux/amd64 and linux/arm64 have native parts', (t) => {
  t.is(nodeArchitecture(image('linux', 'amd64')), 'x64')
  t.is(nodeArchitecture(image('linux', 'arm64')), 'arm64')
})

test('each architecture is found by its names', (t) => {
  for (const one of ARCHITECTURES) {
    t.is(findArchitecture(one.name), one)
    t.is(imageArchitecture(one.node), one.name)
  }
  t.is(findArchitecture('s390x'), undefined)
  t.is(imageArchitecture('s390x'), 's390x')
})

for (const [os, architecture] of [
  ['linux', 's390x'],
  ['windows', 'amd64'],
] as const) {
  test(`${os}/${architecture} is refused`, (t) => {
    t.throws(() => nodeArchitecture(image(os, architecture)), { code: 'PYTHON_UNSUPPORTED' })
  })
}
