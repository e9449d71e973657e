// SPDX-License-Identifier: Apache-2.0
// Parsers of arguments that imports make are named by the program that imports them.
import test from 'ava'
import { freezableToTry } from '../helpers/snapshot.js'
import { testInTurn } from '../helpers/test-in-turn.js'
import { WarmBench } from '../helpers/warm.js'

const ENV = { PYTHONHASHSEED: '0' }

const pythons = freezableToTry()
if (pythons.length === 0)
  test.skip('no CPython on this machine that can be frozen: no parser is made', () => undefined)

const HELD: Record<string, string> = {
  makes:
    'import argparse\nPARSERS = [argparse.ArgumentParser(description="one")]\nPARSERS[0].add_argument("--one", default=1)\n',
  derives: [
    'from argparse import ArgumentParser',
    'class Own(ArgumentParser):',
    '    def __init__(self, **named): super().__init__(add_help=False, **named)',
    'PARSERS = [Own(), Own(prog="named")]',
  ].join('\n'),
  discards: 'import argparse\nPARSERS = []\nargparse.ArgumentParser()\n',
}
/** Not these, and why. */
const LEFT_OUT: Record<string, [program: string, reason: string]> = {
  reads: ['import argparse, sys\nPARSERS = []\nNAME = sys.argv[0]', 'ARGUMENTS'],
  tells: [
    'import argparse\nPARSERS = [argparse.ArgumentParser()]\nUSAGE = PARSERS[0].format_usage()',
    'DIFFERS',
  ],
  divides: [
    'import argparse\nPARSERS = [argparse.ArgumentParser()]\nPART = PARSERS[0].add_subparsers().add_parser("part")',
    'DIFFERS',
  ],
}
const SHOW = `
import sys
for name in ${JSON.stringify(Object.keys(HELD))}:
    module = __import__(name)
    print(name, [(one.prog, one.format_usage(), vars(one)["description"], list(vars(one))) for one in module.PARSERS])
`
/** What a program does before, and which of the modules it finds ready. */
const PROGRAMS: [before: string, ready: string[]][] = [
  ['', Object.keys(HELD)],
  ['sys.argv[0] = "/usr/bin/other"', Object.keys(HELD)],
  ['sys.argv = ["another", "word"]', Object.keys(HELD)],
  ['import argparse; argparse._os.path.basename = lambda path: "mine"', []],
  ['sys.argv[0] = b"bytes"', []],
]

for (const python of pythons) {
  testInTurn(`${python.version}: parsers that imports make have the name of the program`, async (t) => {
    const bench = new WarmBench(t, python)
    await bench.train()
    const texts = Object.entries(LEFT_OUT).map(([name, [text]]) => [name, text] as const)
    for (const [name, text] of [...Object.entries(HELD), ...texts])
      bench.file(`${bench.inSite}/${name}.py`, `${text}\n`)
    const names = ['argparse', ...Object.keys(HELD), ...Object.keys(LEFT_OUT)]
    const { leftOut } = await bench.freezeWarm(names, ENV)
    t.deepEqual(
      leftOut.map(({ name, reason }) => [name, reason]).toSorted(),
      Object.entries(LEFT_OUT)
        .map(([name, [, reason]]) => [name, reason])
        .toSorted(),
    )
    for (const [before, expected] of PROGRAMS) {
      const script = bench.file('app/main.py', `import sys\n${before}\n${SHOW}`)
      for (const args of [
        [script, '--one'],
        ['-c', `import sys\n${before}\n${SHOW}`],
      ]) {
        const { ready } = await bench.assertSame(t, before, args, { env: ENV })
        t.deepEqual(
          ready.filter((name) => name in HELD),
          expected,
          before,
        )
      }
    }
    for (const name of ['makes', 'discards']) {
      const none = `import sys\nsys.argv.clear()\nimport ${name}\n`
      t.true((await bench.assertSame(t, 'none', ['-c', none], { env: ENV })).not.includes(name))
    }
  })
}
