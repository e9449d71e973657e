// SPDX-License-Identifier: Apache-2.0
// A snapshot is thawed by other runtimes than the engine's, with and without root, and where /proc shows less.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { baked } from '../helpers/baked.js'
import { docker, imageName } from '../helpers/engine.js'
import { type BaseImage, ensureImage, exampleImage } from '../helpers/images.js'
import { Podman } from '../helpers/podman.js'
import { DEADLINE_MS, has, type Outcome, run } from '../helpers/run.js'
import { missing, notRoot, unless } from '../helpers/skipped.js'
import { told } from '../helpers/snapshot.js'
import { frozenImage, HARDENED, SNAPSHOT } from '../helpers/snapshot-image.js'
import { temporary } from '../helpers/temporary.js'
import { TIER } from '../helpers/tier.js'

type Run = (t: ExecutionContext) => Promise<void>

const BASE: BaseImage = 'bookworm'
const base = TIER === 'all' && process.arch === 'x64' ? await ensureImage(BASE) : undefined
const podman = base === undefined ? undefined : await Podman.start('rootless')
const declare = base === undefined ? test.serial.skip : test.serial
const PROGRAM = 'import os, uuid; print("runs", os.getpid(), uuid.uuid4().version)'
const THAW = `PYCDS_SNAPSHOT=${SNAPSHOT}`
const NOBODY = 65_534
/** Runtimes that know control groups of the second kind only do not start where both kinds are in use. */
const SECOND_KIND =
  'mount --make-rprivate / && umount -l -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup'

/** Where control groups and networks of their own cannot be made. */
const OPTIONS: Record<string, readonly string[]> = {
  crun: ['--cgroup-manager=disabled'],
  runsc: ['--ignore-cgroups', '--network=none', '--platform=ptrace'],
}

function isThawed(t: ExecutionContext, outcome: Outcome, what: string): void {
  t.is(outcome.code, 0, `${what}: ${outcome.stderr}`)
  t.regex(outcome.stdout, /^runs \d+ 4$/m, what)
  t.is(told(outcome).snapshot, 'thawed', `${what}: ${outcome.stderr}`)
}

// ---- runtimes by themselves ----

interface Bundle {
  directory: string
  environment: string[]
}

async function bundleOf(t: ExecutionContext, image: string): Promise<Bundle> {
  const directory = temporary(t)
  const root = join(directory, 'rootfs')
  mkdirSync(root)
  const container = (await docker('create', image)).trim()
  t.teardown(() => docker('rm', container))
  const unpacked = await run('sh', [
    '-c',
    'docker export "$0" | tar -x --same-owner -C "$1"',
    container,
    root,
  ])
  t.is(unpacked.code, 0, unpacked.stderr)
  chmodSync(directory, 0o755)
  const format = '{{range .Config.Env}}{{println .}}{{end}}'
  const environment = (await docker('image', 'inspect', '--format', format, image))
    .split('\n')
    .filter(Boolean)
  return { directory, environment }
}

interface Setting {
  rootless: boolean
  /** Options of /proc. */
  proc?: readonly string[]
  args?: readonly string[]
  variables?: readonly string[]
}

/** A process without capabilities, on a root that nobody may write. */
async function writeConfig(bundle: Bundle, setting: Setting): Promise<void> {
  const { rootless, proc, args = ['/usr/bin/python3', '-c', PROGRAM], variables = [THAW] } = setting
  const path = join(bundle.directory, 'config.json')
  await run('rm', ['-f', path])
  const made = await run('runc', ['spec', '--bundle', bundle.directory, ...(rootless ? ['--rootless'] : [])])
  if (made.code !== 0) throw new Error(made.stderr)
  const config = JSON.parse(readFileSync(path, 'utf8'))
  Object.assign(config.process, {
    terminal: false,
    args,
    env: [...bundle.environment, 'HOME=/root', 'PYCDS_LOG=1', ...variables],
    capabilities: { bounding: [], effective: [], permitted: [] },
    noNewPrivileges: true,
  })
  config.root.readonly = true
  const { linux } = config
  // Groups of processes are no matter here, and not every runtime can make any on every machine.
  linux.namespaces = linux.namespaces.filter(({ type }: { type: string }) => type !== 'cgroup')
  config.mounts = config.mounts.filter((one: { destination: string }) => one.destination !== '/sys/fs/cgroup')
  delete linux.resources
  if (rootless) {
    linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: NOBODY, size: 1 }]
  } else config.process.user = { uid: 12_345, gid: 12_345 }
  if (proc) config.mounts.find((one: { destination: string }) => one.destination === '/proc').options = proc
  writeFileSync(path, JSON.stringify(config))
}

async function runBundle(
  t: ExecutionContext,
  runtime: string,
  bundle: Bundle,
  setting: Setting,
): Promise<Outcome> {
  await writeConfig(bundle, setting)
  const state = temporary(t)
  chmodSync(state, 0o777)
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  const words = [
    ...(setting.rootless ? user : []),
    runtime,
    ...(OPTIONS[runtime] ?? []),
    ...['--root', join(state, 'state'), 'run', '--bundle', bundle.directory, `pycds-test-${process.pid}`],
  ]
  const env = { XDG_RUNTIME_DIR: state, HOME: state }
  if (runtime !== 'crun') return run(words[0] ?? '', words.slice(1), { env, cwd: '/' })
  return run('unshare', ['--mount', 'sh', '-c', `${SECOND_KIND} && exec "$@"`, 'sh', ...words], {
    env,
    cwd: '/',
  })
}

test.after.always(async () => {
  if (podman instanceof Podman) await podman.stop()
})

unless<Run>(notRoot ?? missing('runc'), declare)(
  'runc and crun, with and without root, without capabilities on a root that cannot be written',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const bundle = await bundleOf(t, await frozenImage(t, base ?? ''))
    for (const runtime of ['runc', 'crun']) {
      if (!(await has(runtime))) continue
      for (const rootless of [false, true]) {
        const what = `${runtime}, ${rootless ? 'rootless' : 'root'}`
        isThawed(t, await runBundle(t, runtime, bundle, { rootless }), what)
      }
    }
    for (const hidden of ['hidepid=1', 'hidepid=2'])
      isThawed(t, await runBundle(t, 'runc', bundle, { rootless: false, proc: [hidden] }), hidden)
  },
)

unless<Run>(notRoot ?? missing('runc') ?? missing('runsc'), declare)(
  'in gVisor an archive is used, and a snapshot that was frozen elsewhere is refused for a reason',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const tool = await exampleImage('02-command-line-tool', BASE)
    const { name } = await baked(tool ?? '')
    const { Entrypoint, Cmd } = JSON.parse(
      await docker('image', 'inspect', '--format', '{{json .Config}}', name),
    )
    const args = [...(Entrypoint ?? []), ...(Cmd ?? [])]
    const plain = await run('docker', ['run', '--rm', tool ?? ''])
    const bundle = await bundleOf(t, name)
    const served = await runBundle(t, 'runsc', bundle, { rootless: false, args, variables: ['PYCDS=report'] })
    t.is(served.code, 0, served.stderr)
    t.is(served.stdout, plain.stdout)
    const [, hits, total] = /served (\d+) of (\d+) path-based modules/.exec(served.stderr) ?? []
    t.true(Number(hits) / Number(total) >= 0.9, served.stderr)
    // It does not tell programs that they may read the base of a segment, which the snapshot's processor does.
    const frozen = await bundleOf(t, await frozenImage(t, base ?? ''))
    const refused = await runBundle(t, 'runsc', frozen, { rootless: false })
    t.is(refused.code, 0, refused.stderr)
    t.regex(refused.stdout, /^runs \d+ 4$/m)
    t.is(told(refused).snapshot, 'CPU', refused.stderr)
  },
)

// ---- Podman ----

unless<Run>(typeof podman === 'string' ? podman : undefined, declare)('Podman without root', async (t) => {
  t.timeout(DEADLINE_MS)
  if (!(podman instanceof Podman)) return t.fail('it runs where there is an image only')
  const image = await frozenImage(t, base ?? '')
  const archive = join(temporary(t), 'image.tar')
  chmodSync(join(archive, '..'), 0o755)
  await docker('save', '-o', archive, image)
  chmodSync(archive, 0o644)
  const loaded = await podman.client('load', '--quiet', '--input', archive)
  t.is(loaded.code, 0, loaded.stderr)
  const name = imageName(t)
  const id = loaded.stdout.trim().split(/\s+/).at(-1) ?? ''
  t.is((await podman.client('tag', id, name)).code, 0)
  const env = ['--env', `PYCDS_SNAPSHOT=${SNAPSHOT}`, '--env', 'PYCDS_LOG=1']
  for (const options of [
    ['--network', 'host'],
    HARDENED,
    ['--read-only', '--userns=keep-id', '--network', 'none'],
  ]) {
    const words = ['run', '--rm', ...env, ...options, name, 'python3', '-c', PROGRAM]
    isThawed(t, await podman.client(...words), options.join(' '))
  }
})
