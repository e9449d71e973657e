// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { assertPlace } from '../../../src/usecases/room.js'

const ask = (modes: Readonly<Record<string, number>>) =>
  assertPlace(
    { reference: 'app' },
    {
      stat: async (path) => {
        const mode = modes[path]
        return mode === undefined ? undefined : { size: 0, mtime: '', mode }
      },
    },
  )

test('an image with a file where the archive goes is refused before it is run', async (t) => {
  const [directory, file] = [0o040755, 0o100644]
  await t.notThrowsAsync(ask({}))
  await t.notThrowsAsync(ask({ '/opt': directory, '/opt/pycds': directory }))
  for (const [path, modes] of [
    ['/opt', { '/opt': file }],
    ['/opt/pycds', { '/opt': directory, '/opt/pycds': file }],
  ] as const) {
    const error = await t.throwsAsync(ask(modes), { code: 'IMAGE_INVALID' })
    t.is(error?.message, `image app: ${path} is no directory, and /opt/pycds is where the archive goes`)
  }
})
