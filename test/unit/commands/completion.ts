// SPDX-License-Identifier: Apache-2.0
// The scripts are asked what a person would be offered, by the shells that they are for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { pycdsAlone } from '../../helpers/cli.js'
import { run } from '../../helpers/run.js'
import { missing, unless } from '../../helpers/skipped.js'

/** What a shell does with a line that ends where TAB is pressed: it prints what it offers, one a line. */
const ASK: Readonly<Record<string, (script: string, words: readonly string[]) => string>> = {
  bash: (script, words) => `source ${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_pycds_image; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (script, words) => `source ${script}; complete -C '${words.join(' ')}' | string split -f1 \\t; true`,
  // Without a line editor there is nothing to press TAB in: what the script hands to zsh's own functions is shown.
  zsh: (script, words) => `compdef() { }
_arguments() { print -rl -- "$@" }
_describe() { print -rl -- "\${verbs[@]}" }
source ${script}
words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}
_pycds_image`,
}

async function offers(t: ExecutionContext, shell: string, words: readonly string[]): Promise<string[]> {
  const { stdout, code } = await pycdsAlone(['completion', shell])
  t.is(code, 0)
  const directory = mkdtempSync(join(tmpdir(), 'pycds-completion-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const script = join(directory, 'script')
  writeFileSync(script, stdout)
  const asked = await run(shell, ['-c', ASK[shell]?.(script, words) ?? ''], { cwd: directory })
  t.is(asked.code, 0, asked.stderr)
  t.is(asked.stderr, '')
  return asked.stdout.trim().split('\n')
}

const PROGRAM = 'pycds-image'

for (const shell of Object.keys(ASK)) {
  const declare = unless(missing(shell), (title: string, body: (t: ExecutionContext) => Promise<void>) =>
    test(title, body),
  )
  declare(`${shell} offers verbs, options and their values`, async (t) => {
    const verbs = await offers(t, shell, [PROGRAM, ''])
    t.true(verbs.some((word) => word.startsWith('bake')))
    t.true(verbs.some((word) => word.startsWith('completion')))
    const options = await offers(t, shell, [PROGRAM, 'bake', 'app', '--'])
    t.true(
      options.some((word) => word.includes('--ready')),
      String(options),
    )
    t.false(
      options.some((word) => word.includes('--map')),
      String(options),
    )
    const values = await offers(t, shell, [PROGRAM, 'bake', 'app', '--validate', ''])
    t.true(
      values.some((word) => word.includes('hash')),
      String(values),
    )
    const parts = await offers(t, shell, [PROGRAM, 'trace', ''])
    t.true(
      parts.some((word) => word.includes('merge')),
      String(parts),
    )
  })
}

test('bash takes an equals sign, and leaves the command for the image alone', async (t) => {
  t.deepEqual(await offers(t, 'bash', [PROGRAM, 'bake', 'app', '--pyc', '=', 'a']), ['auto', 'all'])
  t.deepEqual(await offers(t, 'bash', [PROGRAM, 'bake', 'app', '--', '--re']), [''])
})

test('a shell that is not known is refused by its name', async (t) => {
  const { code, stderr } = await pycdsAlone(['completion', 'tcsh'])
  t.is(code, 2)
  t.regex(stderr, /tcsh/)
})
