// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava'
import { describeUnseen } from '../../../src/learn/run/index.js'
import { choosePython } from '../../../src/learn/select/interpreter.js'
import { whyUnseen } from '../../../src/learn/why-unseen.js'
import type { LinkStat } from '../../../src/ports/index.js'

interface Given {
  command: string[]
  user?: string
  scripts?: Readonly<Record<string, string>>
  isCapable?: boolean
}

/** An image with a python3 that is a symlink, and scripts by path. */
function look({ command, user, scripts = {}, isCapable = false }: Given) {
  const python = '/usr/bin/python3.13'
  const texts: Readonly<Record<string, string>> = { '/usr/bin/python3': '', [python]: '', ...scripts }
  const owned = { mode: 0o755, uid: 0, gid: 0, mtime: new Date(0) }
  const files = {
    stat: async (path: string) =>
      texts[path] === undefined ? undefined : { size: texts[path].length, mtime: '', mode: 0o100755 },
    lstat: async (path: string): Promise<LinkStat | undefined> => {
      if (path === '/usr/bin/python3') return { ...owned, type: 'symlink', linkname: 'python3.13' }
      return path === python && isCapable ? { ...owned, type: 'file', isCapable } : { ...owned, type: 'file' }
    },
    readFile: async (path: string) => (texts[path] === undefined ? undefined : Buffer.from(texts[path])),
  }
  const surroundings = { command, path: '/usr/bin', directory: '/', ...(user === undefined ? {} : { user }) }
  return whyUnseen(files, surroundings)
}

const finds = test.macro(async (t: ExecutionContext, given: Given, hiding: string | undefined) => {
  t.is((await look(given))?.hiding, hiding as 'secure' | undefined)
})

const python = ['python3', '-m', 'app']
test('a plain command hides nothing', finds, { command: python }, undefined)
test('capabilities', finds, { command: python, user: '1000', isCapable: true }, 'secure')
test('capabilities of what root starts', finds, { command: python, user: 'root', isCapable: true }, undefined)
test('env -i', finds, { command: ['env', '-i', ...python] }, 'cleared')
test('env with a dash', finds, { command: ['/usr/bin/env', '-', ...python] }, 'cleared')
test('env that unsets one variable', finds, { command: ['env', '-u', 'X', ...python] }, undefined)
const script = (text: string) => ({ command: ['/start'], scripts: { '/start': `#!/bin/sh\n${text}\n` } })
test('a script that clears', finds, script('exec env -i PATH=/bin python3 app.py'), 'cleared')
test('a script that speaks of clearing', finds, script('# not env -i\nexec python3'), undefined)
test('a script that sets', finds, script('export LD_PRELOAD=/lib/a.so\nexec python3'), 'replaced')
test('a script that adds', finds, script('export LD_PRELOAD=/lib/a.so:$LD_PRELOAD\nexec python3'), undefined)

// A program of which each tool leaves something that no other has.
const program = (mark: string) => `\x7fELF code ${mark} 0001 libpython`
const names = test.macro(async (t: ExecutionContext, mark: string, maker: string | undefined) => {
  const scripts = {
    '/app': program(mark),
    '/start': '#!/bin/sh\nset -e\nexec "/app" "$@"\n',
    '/usr/bin/init': program(''),
  }
  for (const command of [['/app'], ['init', '--', '/app'], ['sh', '-c', 'cd / && /app'], ['/start', 'x']]) {
    const found = await look({ command, scripts })
    t.is(found?.maker, maker, command.join(' '))
    if (maker)
      t.regex(describeUnseen(found ?? t.fail()), new RegExp(`^/app holds a frozen .*, made by ${maker}: `))
  }
})
test('an application that PyInstaller froze', names, 'MEI\x0c\x0b\x0a\x0b\x0e', 'PyInstaller')
test('one that Nuitka compiled with its interpreter', names, '__nuitka_binary_dir', 'Nuitka')
test('one that Nuitka packed into one file', names, 'NUITKA_ONEFILE_PARENT', 'Nuitka')
test('one that cx_Freeze froze', names, '\0__startup__\0', 'cx_Freeze')
test('one that PyOxidizer packed', names, 'pyembed\x03', 'PyOxidizer')
test('a program that is none', names, 'MEI', undefined)
test('one that Nuitka compiled for an installed Python', names, 'nuitka_module_loader', undefined)
test(
  'a text that speaks of marks',
  finds,
  { command: ['/text'], scripts: { '/text': 'NUITKA_ONEFILE_' } },
  undefined,
)

test('a run of which nothing was seen is told with the reason and the way out', async (t) => {
  const unseen = await look({ command: ['env', '-i', ...python] })
  const training = {
    ...{
      by: 'exit' as const,
      exitCode: 0,
      seconds: 1,
      activity: 0,
      warnings: [],
      others: [],
      withoutSite: [],
      unreached: [],
    },
    ...{ processes: [], changed: new Set<string>(), directories: new Set<string>(), probes: [] },
    unseen: unseen ? [unseen] : [],
  }
  const error = t.throws(() => choosePython('app', training, ['3.13']))
  t.like(error, { code: 'NO_PYTHON' })
  t.regex(error?.message ?? '', /behind env is started without the container's variables/)
})
