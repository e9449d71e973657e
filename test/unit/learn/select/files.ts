// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { selectFiles } from '../../../../src/learn/select/files.js'
import type { PythonGroup } from '../../../../src/learn/select/interpreter.js'

const group = (...processes: { extensions: string[]; libraries?: string[] }[]) =>
  ({
    processes: processes.map(({ extensions, ...rest }) => ({
      extensions: extensions.map((path) => ({ name: 'x', path })),
      ...rest,
    })),
  }) as unknown as PythonGroup

test('each extension module and library is named once, in the order of use', (t) => {
  const files = selectFiles(
    group(
      { extensions: ['/a.so', '/b.so'], libraries: ['/usr/lib/liba.so.1'] },
      { extensions: ['/b.so', '/c.so'], libraries: ['/usr/lib/liba.so.1', '/usr/lib/libc.so.6'] },
      { extensions: [] },
    ),
  )
  t.deepEqual(files, ['/a.so', '/b.so', '/usr/lib/liba.so.1', '/c.so', '/usr/lib/libc.so.6'])
})

test('relative paths, which depend on a working directory, are left out', (t) => {
  t.deepEqual(selectFiles(group({ extensions: ['./a.so', 'b.so', '/c.so'] })), ['/c.so'])
})
