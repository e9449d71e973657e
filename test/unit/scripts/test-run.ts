// SPDX-License-Identifier: Apache-2.0
// The run of tests itself, in a small checkout whose tests are written here: what a bad test does to the others, what
// is told at the end, and what is left of a run that was ended.
import type { ChildProcess } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { declareUnless } from '../../helpers/repetition.js'
import { inRepository } from '../../helpers/repository.js'
import { type Outcome, run } from '../../helpers/run.js'
import { type Files, temporary } from '../../helpers/temporary.js'

const GOOD = `import test from 'ava'\ntest('good', (t) => t.pass())\n`
/** Far more than a worker needs for its start. */
const HANGS_AFTER = '15s'

const CONFIGURATION = `export default {
  files: ['build/test/**/*.js', '!build/test/helpers/**'],
  require: ['./build/test/helpers/end-worker.js'], workerThreads: false, timeout: '${HANGS_AFTER}' }`

const MANIFEST = JSON.stringify({
  type: 'module',
  scripts: { build: 'true', 'build:tests': 'true', 'check:static': 'true' },
})

/** A checkout whose tests are these, by the name of their file, beside one of each phase that passes. */
function checkout(t: ExecutionContext, tests: Files, name = 'checkout'): string {
  const files: Record<string, string | Buffer> = {
    'package.json': MANIFEST,
    'ava.config.js': CONFIGURATION,
    'ava.integration.config.js': CONFIGURATION,
  }
  const compiled = { 'architecture.js': GOOD, 'native/good.js': GOOD, 'integration/smoke.js': GOOD }
  const named = Object.entries(tests).map(([file, text]) => [`unit/${file}.js`, text] as const)
  for (const [file, text] of [...Object.entries(compiled), ...named]) files[`build/test/${file}`] = text
  const placed = Object.entries(files).map(([path, text]) => [join(name, path), text])
  const root = join(temporary(t, Object.fromEntries(placed) as Files), name)
  for (const script of ['test.sh', 'lib.sh', 'ava.mjs'])
    cpSync(inRepository(`scripts/${script}`), join(root, 'scripts', script))
  // Ava writes into node_modules.
  const packages = readdirSync(inRepository('node_modules')).filter((name) => name !== '.cache')
  mkdirSync(join(root, 'node_modules'))
  for (const name of packages)
    symlinkSync(inRepository(`node_modules/${name}`), join(root, 'node_modules', name))
  symlinkSync(inRepository('build/test/helpers'), join(root, 'build/test/helpers'))
  return root
}

async function runs(root: string, onStart?: (child: ChildProcess) => void): Promise<Outcome> {
  const temporaries = join(root, 'tmp')
  mkdirSync(temporaries)
  const env = {
    PYCDS_NO_INSTALL: '1',
    DOCKER_HOST: 'unix:///nowhere',
    XDG_CACHE_HOME: temporaries,
    TMPDIR: temporaries,
  }
  const script = ['scripts/test.sh', '--quick', '--tests-only']
  return await run('bash', script, { cwd: root, env, ...(onStart === undefined ? {} : { onStart }) })
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)

test('tests that pass: the last line counts them', async (t) => {
  const { code, stdout, stderr } = await runs(checkout(t, { good: GOOD }, "a name with blanks and a '"))
  t.is(code, 0, stdout + stderr)
  t.is(lastLine(stdout), 'succeeded: 4 tests passed, 0 failed, 0 skipped; 0 steps failed')
})

test('a file that ends its process, hangs or crashes is told by name, and the others run', async (t) => {
  const root = checkout(t, {
    a: `import test from 'ava'\ntest('ends its process', () => process.exit(0))\n`,
    b: `import test from 'ava'\ntest('hangs', () => new Promise(() => setInterval(() => {}, 1000)))\n`,
    c: `import test from 'ava'\ntest('before', (t) => t.pass())\nfor (;;);\n`,
    d: `import test from 'ava'\ntest('crashes', () => { process.kill(process.pid, 'SIGSEGV'); for (;;); })\n`,
    e: '\n',
    good: GOOD,
  })
  const { code, stdout, stderr } = await runs(root)
  t.is(code, 1)
  const failed = /^failed tests:\n((?: {2}.*\n)*)/m.exec(stdout)?.[1] ?? ''
  const told = [
    'ends its process',
    'hangs',
    'c.js hangs outside',
    'd.js exited due to SIGSEGV',
    'in build/test/unit/e.js',
  ]
  t.deepEqual(
    told.filter((words) => !failed.includes(words)),
    [],
    stdout + stderr,
  )
  t.is(lastLine(stdout), 'FAILED: 4 tests passed, 5 failed, 0 skipped; 1 steps failed')
})

test('packages that are there stay as they are where nothing may be installed', async (t) => {
  const root = checkout(t, { good: GOOD })
  writeFileSync(join(root, 'package-lock.json'), 'newer, and no lock file')
  const { code, stderr } = await runs(root)
  t.is(code, 0, stderr)
  t.notRegex(stderr, /npm ci/)
})

test('only what is skipped counts as skipped, whatever the title of a test that fails', async (t) => {
  const tests = `import test from 'ava'
    test('a title with # SKIP in it', (t) => t.fail())
    test.skip('a claim (no means)', (t) => t.pass())\n`
  const { stdout } = await runs(checkout(t, { tests }))
  t.is(lastLine(stdout), 'FAILED: 3 tests passed, 1 failed, 1 skipped; 1 steps failed')
})

test('a program that goes on with the output of a test is ended, and its file has failed', async (t) => {
  const leaves = `import { spawn } from 'node:child_process'
    import test from 'ava'
    test('leaves', async (t) => {
      spawn('sleep', ['3600'], { stdio: ['ignore', 'inherit', 'inherit'], detached: true }).unref()
      t.pass()
    })\n`
  const { code, stdout, stderr } = await runs(checkout(t, { leaves }))
  t.is(code, 1)
  t.regex(stderr, /leaves\.ts has left sleep \(\d+\) behind/)
  t.is(lastLine(stdout), 'FAILED: 4 tests passed, 1 failed, 0 skipped; 1 steps failed')
})

// What is done is the same for all three.
for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  declareUnless(signal !== 'SIGTERM', test)(
    `${signal} ends all that a run has started, and leaves nothing behind`,
    async (t) => {
      const hangs = `import { spawn } from 'node:child_process'
      import test from 'ava'
      test('hangs', async () => {
        spawn('sleep', ['3600'])
        process.stderr.write('it hangs\\n')
        await new Promise(() => setInterval(() => {}, 1000))
      })\n`
      const root = checkout(t, { hangs })
      const { code, stderr } = await runs(root, (child) => {
        child.stderr?.on('data', (chunk: string) => {
          if (chunk.includes('it hangs')) child.kill(signal)
        })
      })
      t.is(code, expected, stderr)
      t.deepEqual(processesIn(root), [])
      t.deepEqual(
        readdirSync(join(root, 'tmp')).filter((name) => name.startsWith('tmp.')),
        [],
      )
    },
  )

/** Processes that work in a directory. */
function processesIn(root: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === root
    } catch {
      return false // it has ended
    }
  })
}

test('a word that is no option of ava runs no test', async (t) => {
  const { code, stdout, stderr } = await run('node', ['scripts/ava.mjs', '--macth=*x*'], {
    cwd: checkout(t, {}),
  })
  t.is(code, 1, stdout)
  t.regex(stderr, /unknown option --macth/)
})

test('a test is named from the root, from the directory at hand, and by its whole path', async (t) => {
  const root = checkout(t, { good: GOOD })
  mkdirSync(join(root, 'test/unit'), { recursive: true })
  for (const [cwd, name] of [
    [root, 'test/unit/good.ts'],
    [join(root, 'test/unit'), 'good.ts'],
    [join(root, 'test'), 'unit'],
    ['/', join(root, 'test/unit/good.ts')],
  ] as const) {
    const { code, stdout } = await run('node', [join(root, 'scripts/ava.mjs'), name], { cwd })
    t.is(code, 0, `${name}: ${stdout}`)
    t.regex(stdout, /1 test passed/, name)
  }
})

test('what was compiled from a source that is gone does not run', async (t) => {
  const root = checkout(t, { gone: GOOD })
  cpSync(inRepository('scripts/stale.mjs'), join(root, 'scripts/stale.mjs'))
  cpSync(inRepository('tsconfig.json'), join(root, 'tsconfig.json'))
  mkdirSync(join(root, 'test'))
  writeFileSync(join(root, 'test/architecture.ts'), GOOD)
  t.is((await run('node', ['scripts/stale.mjs'], { cwd: root })).code, 0)
  t.false(existsSync(join(root, 'build/test/unit/gone.js')))
  t.true(existsSync(join(root, 'build/test/architecture.js')))
  const manifest = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  t.regex(manifest.scripts['build:tests'] ?? '', /^node scripts\/stale\.mjs && /)
})
