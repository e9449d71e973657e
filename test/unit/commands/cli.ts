// SPDX-License-Identifier: Apache-2.0
// The command line as a process: what a shell and a script see, without an engine.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { Config, Help } from '@oclif/core'
import test from 'ava'
import { CLI, pycds, pycdsAlone } from '../../helpers/cli.js'
import { inRepository } from '../../helpers/repository.js'
import { run } from '../../helpers/run.js'
import { temporary } from '../../helpers/temporary.js'

const { commands } = JSON.parse(readFileSync(inRepository('oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { flags: object }>
}

class Rendered extends Help {
  text = ''

  override log(...lines: string[]): void {
    this.text += `${stripVTControlCharacters(lines.join(' '))}\n`
  }
}

const VERBS = Object.keys(commands).map((id) => id.replaceAll(':', ' '))

test.serial('help lists the verbs and ends with 0', async (t) => {
  const run = await pycdsAlone(['--help'])
  t.is(run.code, 0)
  for (const verb of ['bake', 'doctor', 'inspect', 'verify'])
    t.regex(run.stdout, new RegExp(`^  ${verb} `, 'm'))
  t.is(run.stderr, '')
})

test.serial('every verb has help and the version, under either spelling', async (t) => {
  const { stdout: version } = await pycdsAlone(['--version'])
  for (const [index, verb] of VERBS.entries()) {
    const [help, short] = index % 2 === 0 ? ['--help', '-v'] : ['-h', '--version']
    const run = await pycdsAlone([...verb.split(' '), help])
    t.is(run.code, 0, run.stderr)
    t.regex(run.stdout, new RegExp(`\\$ pycds-image ${verb}`))
    t.is((await pycdsAlone([...verb.split(' '), short])).stdout, version, verb)
  }
  t.is((await pycdsAlone(['help', 'bake'])).stdout, (await pycdsAlone(['bake', '--help'])).stdout)
})

test.serial('the version is the one of the package', async (t) => {
  const run = await pycdsAlone(['--version'])
  t.is(run.code, 0)
  t.regex(run.stdout, /^pycds-image\/\d+\.\d+\.\d+ /)
})

const isUsage = test.macro(async (t, args: string[], what: RegExp, next: RegExp) => {
  const run = await pycdsAlone(args)
  t.is(run.code, 2)
  t.is(run.stdout, '')
  const [first, second, ...rest] = run.stderr.trimEnd().split('\n')
  t.regex(first ?? '', what)
  t.regex(second ?? '', next)
  t.deepEqual(rest, [])
})
test.serial(
  'an unknown verb',
  isUsage,
  ['bkae', 'app'],
  /^Error: bkae: no such command/,
  /Did you mean bake\?/,
)
test.serial(
  'a verb that is like no other',
  isUsage,
  ['push'],
  /push: no such command/,
  /bake, bench, completion, doctor, generate, inspect, prepare, step, trace, verify/,
)
test.serial('a damaged archive is named, and a failed step says no more than that', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-damaged-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'image.tar')
  writeFileSync(file, 'no tar')
  for (const kind of ['oci-archive', 'docker-archive']) {
    const { code, stderr } = await pycdsAlone(['bake', `${kind}:${file}`])
    t.is(code, 7)
    t.true(stderr.includes(`Error: ${file}: `), stderr)
    t.regex(stderr, /\] failed in [\d.]+s$/m)
  }
})
for (const [words, meant] of [
  ['--verison', '--version'],
  ['version', '--version'],
  ['hlep', '--help'],
  ['trace merg a.json b.json', 'trace merge'],
] as const) {
  test.serial(`what is meant by ${words}`, async (t) => {
    const { code, stderr } = await pycdsAlone(words.split(' '))
    t.is(code, 2)
    t.is(stderr.trimEnd().split('\n')[1], `  next  Did you mean ${meant}?`)
  })
}
test.serial('a flag before the verb', isUsage, ['--loud', 'bake'], /--loud: no such flag before/, /--help/)
test.serial(
  'an unknown flag',
  isUsage,
  ['bake', 'app', '--tga', 'x'],
  /bake: unknown flag --tga/,
  /Did you mean --tag\?/,
)
for (const [words, ...says] of [
  ['bake app --validate md5', /--validate md5: not one of its values/, /Write one of: stat, hash, none/],
  ['completion tcsh', /completion tcsh: not one of its values/, /Write one of: bash, zsh, fish/],
  ['bake app -t', /--tag: its value is missing/, /--tag VALUE/],
  ['bake app --json=yes', /--json: it takes no value/, /Write --json alone/],
  ['bake app --measure 1 --measure 2', /--measure: it is given more than once/, /once/],
  ['bake app --dry-run --plan', /--dry-run: it cannot be given together with --plan/, /Leave one/],
] as const) {
  const [message, hint] = says
  test.serial(`${words}: the flag, and what to write instead`, isUsage, words.split(' '), message, hint)
}
test.serial('a missing image', isUsage, ['bake'], /bake: missing argument IMAGE/, /bake --help/)
test.serial(
  'a command without dashes',
  isUsage,
  ['bake', 'app', 'tool'],
  /unexpected argument tool/,
  /Write: pycds-image bake app -- tool$/,
)
for (const [line, next] of [
  ['bake app python -m app', 'bake app -- python -m app'],
  ['bake -t x:1 app --ready exit gunicorn -b :80 app', 'bake -t x:1 app --ready exit -- gunicorn -b :80 app'],
  ['verify app python --port=80', 'verify app -- python --port=80'],
  ['bench app python -m app', 'bench app -- python -m app'],
  ['bench app base python', 'bench app base -- python'],
  ['step python -m app', 'step -- python -m app'],
  ['bake app python -m app --help', 'bake app -- python -m app --help'],
  ['bake -t x:1 app tool -h', 'bake -t x:1 app -- tool -h'],
  ['trace app -o t.json sh -c x', 'trace app -o t.json -- sh -c x'],
] as const) {
  test.serial(`a forgotten --: ${line}`, async (t) => {
    const { code, stderr } = await pycdsAlone(line.split(' '))
    t.is(code, 2)
    t.is(stderr.trimEnd().split('\n')[1], `  next  Write: pycds-image ${next}`)
  })
}
test.serial('words of a command are quoted', async (t) => {
  const { stderr } = await pycdsAlone(['bake', 'app', 'sh', '-c', "echo 'a' b"])
  t.true(stderr.includes(`bake app -- sh -c 'echo '\\''a'\\'' b'`), stderr)
})
test.serial(
  'a flag that is misspelt is no command',
  isUsage,
  ['bench', 'app', 'base', '--rnus', '5'],
  /bench: unknown flag --rnus/,
  /Did you mean --runs\?/,
)
test.serial(
  'where a trace goes is looked at before anything else',
  isUsage,
  ['trace', 'app', '-o', '/nonexistent/trace.json'],
  /--output \/nonexistent\/trace\.json: there is no directory \/nonexistent/,
  /directory that exists/,
)
test.serial(
  'a value with no meaning',
  isUsage,
  ['verify', 'app', '--timeout', '5'],
  /--timeout 5: not a duration/,
  /120s/,
)
test.serial(
  'a command for a verb that runs none',
  isUsage,
  ['doctor', 'app', '--', 'x'],
  /doctor: unexpected -- x/,
  /bake and verify/,
)
test.serial(
  'a verb without flags',
  isUsage,
  ['doctor', '--tag', 'x'],
  /doctor: unknown flag --tag/,
  /doctor --help/,
)

test.serial('under --json a failure is a document on stdout, and nothing else is', async (t) => {
  const run = await pycdsAlone(['bake', 'app', '--timeout', '5', '--json', '--', 'tool'])
  t.is(run.code, 2)
  t.is(run.stderr, '')
  const { error } = JSON.parse(run.stdout)
  t.like(error, { code: 'USAGE', exitCode: 2 })
  t.deepEqual(Object.keys(error), ['code', 'message', 'hint', 'exitCode'])
})

test.serial("the command's own --json is not ours", async (t) => {
  const run = await pycdsAlone(['bake', 'app', '--timeout', '5', '--', 'tool', '--json'])
  t.is(run.stdout, '')
  t.regex(run.stderr, /^Error: /)
})

for (const [of, ...lines] of [
  ['--help', '', '-h', 'help', 'help --help', '--help --json'],
  ['bake --help', 'help bake', '-h bake', 'bake --json -h', 'bake -t x:1 app --help -- tool', 'bake app -h'],
  ['trace merge --help', 'help trace merge', 'trace merge a.json b.json c.json -h'],
  ['trace --help', 'help trace', 'trace app -o t.json --help'],
] as const) {
  test.serial(`one text: ${[of, ...lines].join(', ')}`, async (t) => {
    const { stdout: wanted } = await pycdsAlone(of.split(' '))
    t.regex(wanted, /^USAGE$/m)
    for (const line of lines) {
      const { code, stdout, stderr } = await pycdsAlone(line === '' ? [] : line.split(' '))
      t.is(stdout, wanted, line)
      t.is(stderr, '')
      t.is(code, 0)
    }
  })
}

test.serial('help is what oclif renders for eighty columns', async (t) => {
  for (const [id, command] of Object.entries(commands)) {
    const shown = await pycdsAlone([...id.split(':'), '--help'])
    // Another one each time, since oclif changes it.
    const help = new Rendered(await Config.load({ root: inRepository('.') }))
    await help.showHelp([id])
    t.is(shown.stdout.trimEnd(), help.text.trimEnd())
    for (const flag of Object.keys(command.flags)) t.true(shown.stdout.includes(`--${flag}`), `${id} ${flag}`)
  }
})

test.serial(
  'help of no verb',
  isUsage,
  ['help', 'bkae'],
  /^Error: bkae: no such command/,
  /Did you mean bake\?/,
)
test.serial('no file is taken for help', isUsage, ['../help/bake', '-h'], /no such command/, /One of/)

test.serial('the version by its short name', async (t) => {
  t.is((await pycdsAlone(['-v'])).stdout, (await pycdsAlone(['--version'])).stdout)
})

test.serial('a flag of a command whose dashes were forgotten is not ours', async (t) => {
  const { code, stderr } = await pycdsAlone(['bake', 'app', 'tool', '-v'])
  t.is(code, 2)
  t.regex(stderr, /Write: pycds-image bake app -- tool -v\n/)
})

for (const [registry, tool] of [
  ['', 'docker.io/pycds/pycds-image'],
  ['mirror.example.com/apps', 'mirror.example.com/apps/pycds-image'],
] as const) {
  test.serial(`generate takes ${tool}`, async (t) => {
    const file = join(
      temporary(t, { Dockerfile: 'FROM python:3.13\nCMD ["python3", "-m", "app"]\n' }),
      'Dockerfile',
    )
    const { code, stdout, stderr } = await pycdsAlone(['generate', file, '--', 'app', '--help'], {
      env: { PYCDS_REGISTRY: registry },
    })
    t.is(code, 0, stderr)
    t.true(stdout.includes(`--mount=from=${tool},`), stdout)
  })
}

test.serial('help behind two dashes is the command of the image', async (t) => {
  const { stdout, code } = await pycdsAlone(['bake', 'app', '--timeout', '5', '--', 'tool', '-h'])
  t.is(code, 2)
  t.is(stdout, '')
})

test.serial('no starts are no comparison', isUsage, ['bench', 'app', '--runs', '0'], /--runs 0/, /from 1 to/)
test.serial('a failure sends to the page of the documents that goes on', async (t) => {
  const { code, stderr } = await pycdsAlone(['inspect', inRepository('package.json')])
  t.is(code, 7)
  t.true(stderr.endsWith(`\n  see   ${inRepository('docs/debugging.md')}\n`), stderr)
  t.regex(stderr, /not a pycds archive\n {2}next {2}Name an image, or the archive/)
  const { stderr: usage } = await pycdsAlone(['bake'], { cwd: '/' })
  t.true(usage.includes(`(${inRepository('docs/configuration.md')})`), usage)
})

test.serial('without an image, the file of this folder says what to bake', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'pycds-cwd-'))
  t.teardown(() => rmSync(cwd, { recursive: true }))
  writeFileSync(join(cwd, 'pycds-image.yaml'), 'version: 1\nimages: [{image: app, redy: exit}]\n')
  const { code, stderr } = await pycdsAlone(['bake'], { cwd })
  t.is(code, 2)
  t.regex(stderr, /pycds-image\.yaml:2:\d+: redy: .*did you mean ready/)
})

for (const tag of ['-tnew', '-t new', '--tag=new']) {
  test.serial(`${tag} on the command line replaces the tag of a file`, async (t) => {
    const file = 'version: 1\nimages: [{image: "oci:/nonexistent", tag: old}]\n'
    const cwd = temporary(t, { 'pycds-image.yaml': file })
    const { code, stderr } = await pycdsAlone(['bake', ...tag.split(' '), '--jobs', '1'], { cwd })
    t.is(code, 7, stderr)
    t.regex(stderr, /oci:\/nonexistent: there is no such file or directory/)
  })
}

const asRoot = process.geteuid?.() === 0 ? test.serial : test.serial.skip

asRoot('a user whom the system does not know, without HOME and SHELL, can use every verb', async (t) => {
  const machine = ['setpriv', '--reuid', '54321', '--regid', '54321', '--clear-groups']
  const wholeEnv = { PATH: process.env.PATH }
  t.is((await pycds(['--version'], { machine, wholeEnv })).code, 0)
  const inspected = await pycds(['inspect', 'oci:/nonexistent'], { machine, wholeEnv })
  t.is(inspected.code, 7)
  t.regex(inspected.stderr, /oci:\/nonexistent: there is no such file or directory/)
})

for (const [what, TMPDIR] of [
  ['does not exist', '/nonexistent'],
  ['is no directory', '/etc/passwd'],
] as const) {
  test.serial(`a TMPDIR that ${what} is named`, async (t) => {
    const run = await pycdsAlone(['doctor', 'oci:/nonexistent'], { env: { TMPDIR } })
    t.is(run.code, 2)
    t.true(run.stdout.includes(`temporary directory ${TMPDIR}: `), run.stdout)
    t.regex(run.stdout, /Set TMPDIR to a directory/)
  })
}

const shell = (line: string, ...words: string[]) =>
  run('sh', ['-c', line, 'sh', process.execPath, CLI, ...words])

test.serial('a reader that leaves is no failure', async (t) => {
  const { stdout, stderr } = await shell('exec 3>&1; { "$@"; echo "ended with $?" >&3; } | true', '--help')
  t.is(stdout, 'ended with 0\n')
  t.is(stderr, '')
})

test.serial('a reader that has enough is no failure', async (t) => {
  const line = 'exec 3>&1; { "$@"; echo "ended with $?" >&3; } | { read first; exec <&-; }'
  const { stdout, stderr } = await shell(line, 'completion', 'bash')
  t.is(stdout, 'ended with 0\n')
  t.is(stderr, '')
})

for (const words of [['--help'], ['inspect', '--json', 'oci:/nonexistent']]) {
  test.serial(`${words.join(' ')}: an output that cannot be written is told once`, async (t) => {
    const { code, stderr } = await shell('"$@" >/dev/full', ...words)
    t.is(code, words.includes('--json') ? 7 : 6)
    t.regex(stderr, /^Error: standard output: no space is left\n(?: {2}why .*\n)? {2}next .*\n$/)
  })
}

test.serial('nothing need be open, and errors need not be readable', async (t) => {
  t.is((await shell('"$@" <&- >&- 2>&-', '--help')).code, 0)
  t.is((await shell('"$@" 2>/dev/full', 'bkae')).code, 2)
})
