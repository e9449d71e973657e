// SPDX-License-Identifier: Apache-2.0
// Hosts, and ways of being started, that a snapshot cannot be used on: for each reason the application runs from the
// archive, its report names the reason, and doctor tells what to do.
import { chmodSync, copyFileSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { REFUSAL_ADVICE, REFUSAL_SENTENCES, type Refusal } from '../../src/artifact/snapshot/refusals.js'
import type { DoctorResult } from '../../src/usecases/doctor.js'
import { baked } from '../helpers/baked.js'
import { pycds } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { exampleImage } from '../helpers/images.js'
import { inRepository } from '../helpers/repository.js'
import { DEADLINE_MS, type Outcome, run } from '../helpers/run.js'
import { AT, sealSnapshot } from '../helpers/snapshot-file.js'
import { HARDENED, SNAPSHOT } from '../helpers/snapshot-image.js'
import { temporary } from '../helpers/temporary.js'

const shop = process.arch === 'x64' ? await exampleImage('01-flask-service', 'small') : undefined
const withShop = shop === undefined ? test.skip : test

const LIBRARY = '/opt/pycds/pycds-freeze.so'
/** A program that each snapshot serves, beside those of its training. */
const PROGRAM = '# pycds-image: trial\nimport flask, json; print(flask.__name__, json.dumps([1]))'
const OUTPUT = 'flask [1]\n'
/** Bit of AMD's XOP, which no processor has any more, in the word of features that it is in. */
const XOP = { word: 7, bit: 1 << 11 }

interface Host {
  /** Of `docker run`. */
  options?: readonly string[]
  /** In front of the interpreter. */
  through?: readonly string[]
  /** Of the interpreter. */
  words?: readonly string[]
}

interface Files {
  /** Writes a file, readable by all; returns its path on this machine. */
  write(name: string, content: string | Buffer): string
  /** A copy of a file of the image. */
  copy(path: string): string
}

const mounted = (file: string, path: string) => ({ options: ['--volume', `${file}:${path}:ro`] })

function denying(files: Files, call: string): Host {
  const action = { names: [call], action: 'SCMP_ACT_ERRNO' }
  const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [action] })
  return { options: ['--security-opt', `seccomp=${files.write(`deny-${call}.json`, profile)}`] }
}

function withSnapshot(files: Files, change: (file: Buffer) => void): Host {
  const path = files.copy(SNAPSHOT)
  const bytes = readFileSync(path)
  change(bytes)
  return mounted(files.write('forged.snap', sealSnapshot(bytes)), SNAPSHOT)
}

/** What native tests forge or deny by themselves is not here again: only what an operator can do to a container. */
const HOSTS: [reason: Refusal, host: (files: Files) => Host][] = [
  ['OFF', () => ({ options: ['--env', 'PYCDS_SNAPSHOT=off'] })],
  [
    'WRITABLE',
    (files) => {
      const copy = files.copy(SNAPSHOT)
      chmodSync(copy, 0o664)
      return mounted(copy, SNAPSHOT)
    },
  ],
  ['NOT_A_SNAPSHOT', (files) => mounted(files.write('other.snap', `${'not one'.repeat(1000)}`), SNAPSHOT)],
  [
    'CPU',
    (files) =>
      withSnapshot(files, (file) => {
        const at = AT.cpu + 4 * XOP.word
        file.writeUInt32LE((file.readUInt32LE(at) | XOP.bit) >>> 0, at)
      }),
  ],
  [
    'CPU_STATE',
    (files) => withSnapshot(files, (file) => file.writeUInt8(file.readUInt8(AT.xcr0 + 1) ^ 1, AT.xcr0 + 1)),
  ],
  ['CONFIGURATION', () => ({ words: ['-O'] })],
  ['ENVIRONMENT', () => ({ options: ['--env', 'TZ=Asia/Tokyo'] })],
  ['ENVIRONMENT', () => ({ options: ['--env', 'LD_PRELOAD=libm.so.6'] })],
  [
    'OBJECTS',
    (files) =>
      mounted(files.write('ld.so.preload', '/lib/x86_64-linux-gnu/libutil.so.1\n'), '/etc/ld.so.preload'),
  ],
  ['MEMORY', () => ({ through: ['sh', '-c', 'ulimit -v 60000 && exec "$@"', 'sh'] })],
  [
    'TRACED',
    (files) => ({
      ...mounted(
        files.write('trace.py', readFileSync(inRepository('test/fixtures/snapshot/trace.py'))),
        '/trace.py',
      ),
      through: ['python3', '-S', '/trace.py', '/usr/bin/env'],
    }),
  ],
  [
    'FILE_CHANGED',
    (files) => {
      const copy = files.copy(LIBRARY)
      utimesSync(copy, new Date(), new Date(1e12))
      return mounted(copy, LIBRARY)
    },
  ],
  ['VDSO', (files) => denying(files, 'mremap')],
  ['DENIED', (files) => denying(files, 'munmap')],
]

async function start(
  image: string,
  { options = [], through = [], words = [] }: Host,
  pycds: string,
): Promise<Outcome> {
  const env = ['--env', `PYCDS=${pycds}`, '--env', 'PYCDS_LOG=1']
  const program = [...through, 'python3', ...words, '-c', PROGRAM]
  return await run('docker', ['run', '--rm', ...HARDENED, ...env, ...options, image, ...program])
}

async function filesOf(t: ExecutionContext, image: string): Promise<Files> {
  const directory = temporary(t)
  chmodSync(directory, 0o755)
  const container = (await docker('create', image)).trim()
  await docker('cp', `${container}:/opt/pycds`, join(directory, 'baked'))
  await docker('rm', container)
  let copies = 0
  return {
    write: (name, content) => {
      const path = join(directory, name)
      writeFileSync(path, content, { mode: 0o644 })
      return path
    },
    copy: (path) => {
      const copy = join(directory, `copy-${copies++}`)
      const original = join(directory, 'baked', path.replace('/opt/pycds/', ''))
      copyFileSync(original, copy)
      chmodSync(copy, 0o444)
      return copy
    },
  }
}

withShop(
  'wherever the snapshot cannot be used the application runs from its archive, and says why',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const { name } = await baked(shop ?? '', '--snapshot', '--probe', 'GET:8000/')
    const files = await filesOf(t, name)
    const thawed = await start(name, {}, 'report')
    t.is(thawed.stdout, OUTPUT)
    t.regex(thawed.stderr, /^pycds\[1\]: snapshot thawed in/m)
    for (const [reason, host] of HOSTS) {
      const outcome = await start(name, host(files), 'report')
      t.is(outcome.code, 0, `${reason}: ${outcome.stderr}`)
      t.is(outcome.stdout, OUTPUT, reason)
      // With the name of a variable that differs.
      const detail = reason === 'ENVIRONMENT' ? '(: \\w+)' : ''
      t.regex(outcome.stderr, new RegExp(`^pycds\\[\\d+\\]: snapshot ${reason}${detail}$`, 'm'), reason)
      const told = `not used: ${reason}: ${REFUSAL_SENTENCES[reason]}`
      // What was asked for needs no report.
      t.is(outcome.stderr.includes(told), reason !== 'OFF', outcome.stderr)
      // With -O the archive is another Python's too.
      if (reason !== 'CONFIGURATION') t.regex(outcome.stderr, /^pycds\[\d+\]: served flask$/m, reason)
    }
  },
)

withShop(
  'doctor tells whether containers here go on in the snapshot of an image, and what to do if not',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const { name } = await baked(shop ?? '', '--snapshot', '--probe', 'GET:8000/')
    const derived: [image: string, reason: Refusal | undefined][] = [[name, undefined]]
    for (const [reason, instruction] of [
      ['ENVIRONMENT', 'ENV TZ=Asia/Tokyo'],
      ['FILE_CHANGED', `USER root\nRUN touch ${LIBRARY}\nUSER 10001`],
      ['SOURCE_CHANGED', 'USER root\nRUN rm -f /etc/localtime; echo odd > /etc/localtime\nUSER 10001'],
      // Where the dynamic loader finds libraries.
      ['SOURCE_CHANGED', 'USER root\nRUN rm /etc/ld.so.cache\nUSER 10001'],
    ] as const) {
      const image = imageName(t)
      const text = `FROM ${name}\n${instruction}\n`
      const built = await run('docker', ['build', '--network=none', '--tag', image, '-'], { input: text })
      t.is(built.code, 0, built.stderr)
      derived.push([image, reason])
    }
    for (const [image, reason] of derived) {
      const { code, stdout } = await pycds(['doctor', image, '--json'])
      t.is(code, 0, stdout)
      const { checks } = JSON.parse(stdout) as DoctorResult
      const check = checks.find(({ id }) => id === 'thaw')
      t.is(check?.status, reason === undefined ? 'ok' : 'warn', stdout)
      if (reason === undefined) continue
      t.true(check?.detail.includes(`${reason}: ${REFUSAL_SENTENCES[reason]}`), stdout)
      t.is(check?.fix, REFUSAL_ADVICE[reason])
    }
  },
)
