// SPDX-License-Identifier: Apache-2.0
// How long engines that tests start stay: until no run of tests that has said so goes on. What runs here is a program
// in the place of an engine, on a /run of its own.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { inRepository } from '../../helpers/repository.js'
import { type Outcome, run } from '../../helpers/run.js'
import { notRoot, unless } from '../../helpers/skipped.js'
import { temporary } from '../../helpers/temporary.js'

const asRoot = unless<(t: ExecutionContext) => Promise<void>>(notRoot, test)

/** `engine` is running; `stays` and `gone` end the script where that is not so. */
const BEFORE = `
mount -t tmpfs tmpfs /run
mkdir -p /run/pycds-side/docker-28
sleep 3600 & engine=$!
echo $engine >/run/pycds-side/docker-28/pid
trap 'kill -9 $engine 2>/dev/null' EXIT
side() { bash "$1/side-engine.sh" "$2" "$3"; }
stays() { kill -0 $engine 2>/dev/null || { echo "the engine is gone: $1"; exit 1; }; }
gone() { ! kill -0 $engine 2>/dev/null || { echo "the engine stays: $1"; exit 1; }; }
`

async function inOwnRun(t: ExecutionContext, script: string): Promise<Outcome> {
  const directory = temporary(t)
  for (const name of ['side-engine.sh', 'lib.sh'])
    cpSync(inRepository(`scripts/${name}`), join(directory, name))
  const words = [
    '--mount',
    '--propagation',
    'private',
    'bash',
    '-uc',
    BEFORE + script.replaceAll('side --', `side ${directory} --`),
  ]
  return await run('unshare', words, { env: { PYCDS_SIDE_DATA: join(directory, 'data') } })
}

for (const [what, script] of [
  [
    'stay until the last of two runs has ended',
    `sleep 3600 & first=$!; sleep 3600 & second=$!
     side --use $first & one=$!; side --use $second & two=$!; wait $one $two
     kill $first; side --leave $first; stays 'of two'
     kill $second; side --leave $second; gone 'both'`,
  ],
  [
    'do not stay for a run that was killed',
    `sleep 3600 & killed=$!; side --use $killed; kill -9 $killed; wait $killed 2>/dev/null
     side --use $$; side --leave $$; gone 'killed'`,
  ],
  [
    'do not stay for another process with the number of a run that was killed',
    `sleep 3600 & other=$!; side --use $other
     echo 1 >/run/pycds-side/users/$other
     side --use $$; side --leave $$; kill $other; gone 'another'`,
  ],
  [
    'do not stay for a run whose parent has not asked how it ended',
    // The parent is no shell any more when its child ends.
    `bash -c 'sleep 3600 & echo $! >/run/child; exec sleep 3600' & parent=$!
     until [ -s /run/child ] && [ "$(cat /proc/$parent/comm)" = sleep ]; do :; done
     child=$(cat /run/child); kill $child
     until grep -q '^State:.Z' /proc/$child/status; do :; done
     mkdir -p /run/pycds-side/users; echo 1 >/run/pycds-side/users/$child
     side --use $$; side --leave $$; kill $parent; gone 'ended'`,
  ],
] as const)
  asRoot(`engines ${what}`, async (t) => {
    const { code, stdout, stderr } = await inOwnRun(t, script)
    t.is(code, 0, stdout + stderr)
  })

asRoot('who uses engines is named by the number of a process that runs', async (t) => {
  const script = `mkdir -p /run/pycds-side/users; touch /run/pycds-side/kept
    for user in ../kept '' 4194305 abc; do side --use "$user" && exit 1; done
    side --leave ../kept && exit 1
    [ -e /run/pycds-side/kept ]; stays 'kept'`
  const { code, stdout, stderr } = await inOwnRun(t, script)
  t.is(code, 0, stdout + stderr)
})
