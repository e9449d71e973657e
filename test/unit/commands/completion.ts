// SPDX-License-Identifier: Apache-2.0
// The scripts are asked what a person would be offered, by the shells that they are for.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
_pycds-image`,
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

/** Lines as zsh has them after TAB, with the script found in `fpath` and in a terminal: the first is the very first TAB. */
const PRESS = (lines: readonly string[]) => `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'unsetopt prompt_cr prompt_sp; PS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -d $PWD/dump'
zpty -w shell 'press() { zle complete-word; print -r -- "<$BUFFER>" }; zle -N press; bindkey "^I" press; print re""ady'
zpty -r shell seen '*ready*'
for line in ${lines.map((line) => `'${line}'`).join(' ')}; do
  zpty -n -w shell $'\\C-u'$line$'\\t'
  zpty -r shell seen '*<*>*'
  seen=\${seen##*<}
  print -r -- \${seen%%>*}
done
zpty -d shell`

unless(missing('zsh'), (title: string, body: (t: ExecutionContext) => Promise<void>) => test(title, body))(
  'zsh completes from the first TAB on, where the script is a file of its own',
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'pycds-completion-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const { stdout } = await pycdsAlone(['completion', 'zsh'])
    writeFileSync(join(directory, `_${PROGRAM}`), stdout)
    mkdirSync(join(directory, 'layout'))
    const typed = [
      'ba',
      '--ver',
      'bake --iid',
      'bake --pyc=al',
      'trace me',
      'inspect oci:lay',
      'bake --timeout la',
    ]
    const asked = await run(
      'timeout',
      ['60', 'zsh', '-c', PRESS(typed.map((line) => `${PROGRAM} ${line}`))],
      {
        cwd: directory,
      },
    )
    t.deepEqual(
      asked.stdout.trim().split('\n'),
      [
        'bake ',
        '--version ',
        'bake --iidfile=',
        'bake --pyc=all ',
        'trace merge ',
        'inspect oci:layout/',
        // No file is a time.
        'bake --timeout la',
      ].map((line) => `${PROGRAM} ${line}`),
      asked.stderr,
    )
  },
)

unless(missing('fish'), (title: string, body: (t: ExecutionContext) => Promise<void>) => test(title, body))(
  'fish offers of a verb of two words its own options alone, and those of the program where a verb would be',
  async (t) => {
    t.deepEqual(await offers(t, 'fish', [PROGRAM, 'trace', 'merge', '--']), ['--help', '--json', '--output'])
    t.deepEqual(await offers(t, 'fish', [PROGRAM, '--']), ['--help', '--version'])
    t.deepEqual(await offers(t, 'fish', [PROGRAM, 'bake', '--pyc', '']), ['all', 'auto', 'off'])
    t.deepEqual(await offers(t, 'fish', [PROGRAM, 'inspect', 'bake', '--tag']), [''])
  },
)

test('bash takes an equals sign, and leaves the command for the image alone', async (t) => {
  t.deepEqual(await offers(t, 'bash', [PROGRAM, 'bake', 'app', '--pyc', '=', 'a']), ['auto', 'all'])
  t.deepEqual(await offers(t, 'bash', [PROGRAM, 'bake', 'app', '--', '--re']), [''])
})

test('a shell that is not known is refused by its name', async (t) => {
  const { code, stderr } = await pycdsAlone(['completion', 'tcsh'])
  t.is(code, 2)
  t.regex(stderr, /tcsh/)
})
