// SPDX-License-Identifier: Apache-2.0
// Pythons that LD_PRELOAD does not reach: learned and served all the same, with the cause named.
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { DoctorResult } from '../../src/usecases/doctor.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { temporary } from '../helpers/temporary.js'

const DEADLINE_MS = 3 * 60_000
const PROGRAM = 'import json, email.message, xml.dom.minidom'
const LIBRARY = 'int pycds_test_library;'

const base = await ensureImage('small')
const possible = base !== undefined && spawnSync('cc', ['--version']).status === 0
const here = possible ? test : test.skip

interface Situation {
  instructions: (t: ExecutionContext) => string
  cause: RegExp
}

const situations: Readonly<Record<string, Situation>> = {
  'an init that clears the environment': {
    instructions: () => `CMD ["env", "-i", "PATH=/usr/bin", "python3", "-c", "${PROGRAM}"]`,
    cause: /without the container's variables/,
  },
  'an entrypoint that sets LD_PRELOAD': {
    instructions: () => `COPY start library.so /srv/\nCMD ["/srv/start"]`,
    cause: /another LD_PRELOAD/,
  },
  'a Python with file capabilities': {
    // security.capability: version 2, effective, CAP_NET_BIND_SERVICE.
    instructions: () => `RUN cp /usr/bin/python3.11 /usr/bin/python && python3 -c \
 'import os; os.setxattr("/usr/bin/python", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))'
USER 1000
CMD ["python", "-c", "${PROGRAM}"]`,
    cause: /\/usr\/bin\/python has file capabilities/,
  },
}

for (const [name, { instructions, cause }] of Object.entries(situations)) {
  here(`${name}: it is learned and served, and bake, doctor and verify say so`, async (t) => {
    t.timeout(DEADLINE_MS)
    const directory = temporary(t, {
      Dockerfile: `FROM ${base}\n${instructions(t)}\n`,
      start: `#!/bin/sh\nLD_PRELOAD=/srv/library.so exec python3 -c '${PROGRAM}'\n`,
      'library.c': LIBRARY,
    })
    chmodSync(join(directory, 'start'), 0o755)
    const made = spawnSync('cc', ['-shared', '-fPIC', '-o', 'library.so', 'library.c'], { cwd: directory })
    t.is(made.status, 0, made.stderr?.toString())
    const image = imageName(t)
    await docker('build', '--quiet', '--network', 'none', '-t', image, directory)

    const doctor = await pycds(['doctor', image, '--json'])
    const { checks } = JSON.parse(doctor.stdout) as DoctorResult
    t.regex(checks.find(({ id }) => id === 'image')?.detail ?? '', cause)

    const baked = imageName(t)
    const { hitRate, warnings } = await bakes(t, [image, '-t', baked, '--min-hit-rate', '90'])
    t.true((hitRate?.total ?? 0) > 50, JSON.stringify(hitRate))
    t.regex(warnings.join('\n'), cause)
    await verifies(t, baked, 90)
  })
}
