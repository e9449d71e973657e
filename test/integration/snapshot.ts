// SPDX-License-Identifier: Apache-2.0
// A snapshot that was made in an image is thawed in its containers: unprivileged, hardened, as process 1.
import { join } from 'node:path'
import test from 'ava'
import { docker, imageName } from '../helpers/engine.js'
import { type BaseImage, ensureImage } from '../helpers/images.js'
import { declareUnless } from '../helpers/repetition.js'
import { DEADLINE_MS, run } from '../helpers/run.js'
import {
  DRAW_MS,
  differentValues,
  frozenImage,
  HARDENED,
  SNAPSHOT,
  startContainer,
  withoutNoise,
} from '../helpers/snapshot-image.js'
import { temporary } from '../helpers/temporary.js'
import { portion, TIER } from '../helpers/tier.js'

/** Debian's interpreters and one as the official images build it. */
const BASES: readonly BaseImage[] = ['bookworm', 'trixie', 'shared']
const bases: [BaseImage, string | undefined][] = []
for (const name of BASES) bases.push([name, process.arch === 'x64' ? await ensureImage(name) : undefined])

const CONTAINERS = portion(1_000)
/** Of the memory of a control group, in KiB, and how near to what is just enough a test goes. */
const LIMITS = [12 << 10, 16 << 10, 64 << 10]
const SMALL = 64

for (const [name, base] of bases) {
  // One is linked as the first of the three, and is of the version of the last.
  const declare = declareUnless(name === 'trixie', base === undefined ? test.skip : test)
  declare(`${name}: hardened containers go on in the snapshot of their image`, async (t) => {
    t.timeout(DEADLINE_MS + CONTAINERS * DRAW_MS)
    const image = await frozenImage(t, base ?? '')
    // Programs of the battery need a place for their files.
    const options = [...HARDENED, '--tmpfs', '/tmp']
    for (const program of ['state.py', 'battery.py']) {
      const words = [`/opt/pycds/${program}`]
      const plain = await startContainer(image, 'off', options, words)
      const thawed = await startContainer(image, SNAPSHOT, options, words)
      t.regex(thawed.stderr, /^pycds\[1\]: snapshot thawed in/m)
      t.deepEqual(withoutNoise(thawed), withoutNoise(plain))
      t.notRegex(thawed.stdout, /FAILED/)
    }
    const values = await differentValues(
      CONTAINERS,
      () => startContainer(image, SNAPSHOT, options, ['/opt/pycds/unique.py']),
      ({ code, stderr }) => {
        t.is(code, 0, stderr)
        t.regex(stderr, /^pycds\[1\]: snapshot thawed in/m)
      },
    )
    t.true(values.size > 8)
    for (const [what, different] of values) t.is(different, CONTAINERS, what)
  })

  declare(`${name}: it ends there as it would have ended`, async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await frozenImage(t, base ?? '')
    for (const program of ['import sys; sys.exit(3)', 'raise KeyboardInterrupt', '1/0']) {
      const plain = await startContainer(image, 'off', HARDENED, ['-c', program])
      const thawed = await startContainer(image, SNAPSHOT, HARDENED, ['-c', program])
      t.regex(thawed.stderr, /^pycds\[1\]: snapshot thawed in/m)
      t.deepEqual(withoutNoise(thawed), withoutNoise(plain))
    }
    // An image that was made of it and has another start-up file.
    const derived = imageName(t)
    const text = `FROM ${image}\nRUN echo '# nothing' > $(python3 -c 'import site; print(site.getsitepackages()[0])')/zz.pth\n`
    const built = await run('docker', ['build', '--network=none', '--tag', derived, '-'], { input: text })
    t.is(built.code, 0, built.stderr)
    t.regex(
      (await startContainer(derived, SNAPSHOT, HARDENED, ['-c', '1'])).stderr,
      /snapshot SOURCE_CHANGED: \/.*$/m,
    )
    await docker('image', 'rm', '--force', derived)
  })

  if (TIER === 'all')
    declare(`${name}: the memory that a program has enough of without is enough`, async (t) => {
      t.timeout(DEADLINE_MS)
      const image = await frozenImage(t, base ?? '')
      const start = (snapshot: string, limit: number, kibibytes: number) => {
        const limits = ['--memory', `${limit}k`, '--memory-swap', `${limit}k`]
        const program = `text = b"x" * (${kibibytes} << 10); print(len(text))`
        return startContainer(image, snapshot, [...HARDENED, ...limits], ['-c', program])
      }
      for (const limit of LIMITS) {
        let [enough, tooMuch] = [0, limit]
        while (tooMuch - enough > SMALL) {
          const half = (enough + tooMuch) >> 1
          if ((await start('off', limit, half)).code === 0) enough = half
          else tooMuch = half
        }
        t.true(enough > 0)
        const thawed = await start(SNAPSHOT, limit, enough)
        t.is(thawed.stdout, `${enough << 10}\n`, thawed.stderr)
        t.regex(thawed.stderr, /^pycds\[1\]: snapshot thawed in/m)
      }
    })

  declare(`${name}: what its user or its machine brings into a start is used as always`, async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await frozenImage(t, base ?? '')
    const program = 'import sys; print(sys.path, "userpth" in sys.modules, sys.flags.no_user_site)'
    const compare = async (what: string, options: readonly string[], reason: string) => {
      const plain = await startContainer(image, 'off', options, ['-c', program])
      const thawed = await startContainer(image, SNAPSHOT, options, ['-c', program])
      t.regex(thawed.stderr, new RegExp(`^pycds\\[1\\]: snapshot ${reason}$`, 'm'), what)
      t.deepEqual(withoutNoise(thawed), withoutNoise(plain), what)
      return thawed.stdout
    }
    // Start-up files of the user run before all others.
    const version = await startContainer(
      image,
      'off',
      [],
      ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'],
    )
    const site = `home/.local/lib/python${version.stdout.trim()}/site-packages`
    const files = temporary(t, {
      [`${site}/00-user.pth`]: 'import userpth\n',
      [`${site}/userpth.py`]: '',
      'ld.so.preload': '/lib/x86_64-linux-gnu/libutil.so.1\n',
    })
    const home = ['--volume', `${join(files, 'home')}:/home/user:ro`, '--env', 'HOME=/home/user']
    t.regex(await compare('user site', home, 'SEARCH_PATH'), /\/home\/user\/.* True /)
    await compare(
      'user site, ignored',
      [...home, '--env', 'PYTHONNOUSERSITE=1'],
      'ENVIRONMENT: PYTHONNOUSERSITE',
    )
    // A library that the machine puts into every program.
    const preload = ['--volume', `${join(files, 'ld.so.preload')}:/etc/ld.so.preload:ro`]
    await compare('preloaded', preload, 'OBJECTS')
  })
}
