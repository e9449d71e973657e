// SPDX-License-Identifier: Apache-2.0
// What is shipped, at a terminal: packages look at it as they are loaded, and what the bundle leaves out of them must not
// be missed there.
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { CLI } from '../../helpers/cli.js'
import { inRepository } from '../../helpers/repository.js'
import { run } from '../../helpers/run.js'
import { missing, unless } from '../../helpers/skipped.js'

const { commands } = JSON.parse(readFileSync(inRepository('oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, object>
}

unless(missing('script'), (title: string, body: (t: ExecutionContext) => Promise<void>) => test(title, body))(
  'every verb starts at a terminal, and tells a mistake as elsewhere',
  async (t) => {
    const verbs = Object.keys(commands).map((id) => id.replace(':', ' '))
    const { PATH, HOME } = process.env
    const line = verbs
      .map((verb) => `${process.execPath} ${CLI} ${verb} --nope; echo "ends with $?"`)
      .join('; ')
    // Without CI, which packages take for a sign that there is nobody at the terminal.
    const wholeEnv = { PATH, HOME, TERM: 'xterm', SHELL: '/bin/sh' }
    const { stdout } = await run('script', ['--quiet', '--command', line, '/dev/null'], { wholeEnv })
    for (const verb of verbs) t.true(stdout.includes(`Error: ${verb}: unknown flag --nope`), stdout)
    t.is(stdout.split('ends with 2').length - 1, verbs.length, stdout)
  },
)
