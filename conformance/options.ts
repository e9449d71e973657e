// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util'

export const USAGE = `npm run conformance -- [OPTIONS] [FILE...]   CPython's or packages' own tests, without the archive and with it
npm run conformance -- --write-docs         writes docs/conformance.md from the saved results

  FILE                 test files (test_re, test_asyncio, test_asyncio.test_events), packages (attrs) or their parts
                       (sqlalchemy/test/orm, numpy.lib); default: all
  --suite NAME         cpython (default) or packages
  --python VERSION     3.11, 3.13.0, ...; default: that of the distribution, else the newest at hand
  --with KIND          archive (default), or snapshot: an archive and a snapshot with the library imported
  --quick              the most telling files, in less than ten minutes
  --resume             go on with a run that was interrupted: leave out what has a result of this commit
  --limit MINUTES      what each file has on each side, instead of 20 (packages: 30); the run says which did not end in it
  --keep               leave the directories of the run where they are, for a look at a difference

The last line counts the cases. Exit code: 0 all the same; 1 a difference, a file that did not end in its time, or a run in which the
archive had no part; 2 wrong usage; 3 the run itself has failed, as on a full disk; 77 nothing could be run here; 128 and the number
of a signal: interrupted.`

export type SuiteName = 'cpython' | 'packages'
/** What the one side has that the other has not; a snapshot comes with its archive. */
export type Kind = 'archive' | 'snapshot'

export interface Options {
  readonly writeDocs: boolean
  readonly suite: SuiteName
  readonly python: string | undefined
  readonly kind: Kind
  readonly quick: boolean
  readonly resume: boolean
  readonly keep: boolean
  /** What each file has on each side; undefined for what its suite gives it. */
  readonly limitSeconds: number | undefined
  readonly files: readonly string[]
}

/** Reads the command line; throws an Error whose message is for its user. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      suite: { type: 'string', default: 'cpython' },
      python: { type: 'string' },
      with: { type: 'string', default: 'archive' },
      quick: { type: 'boolean', default: false },
      resume: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      limit: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
    },
  })
  const { suite, python } = values
  if (values['write-docs'] && argv.length > 1)
    throw new Error('--write-docs is about all saved results: name nothing else')
  if (suite !== 'cpython' && suite !== 'packages')
    throw new Error(`--suite ${suite}: one of cpython, packages`)
  if (python !== undefined && !/^3(\.\d+){1,2}\w*$/.test(python))
    throw new Error(`--python ${python}: not a version such as 3.11 or 3.13.0`)
  const { limit } = values
  if (limit !== undefined && !/^[1-9]\d{0,3}$/.test(limit))
    throw new Error(`--limit ${limit}: not a number of minutes`)
  const kind = values.with
  if (kind !== 'archive' && kind !== 'snapshot') throw new Error(`--with ${kind}: one of archive, snapshot`)
  if (values.quick && suite !== 'cpython') throw new Error('--quick is about CPython: name packages instead')
  if (values.quick && positionals.length > 0) throw new Error('--quick has its own files: name none')
  if (values.quick && values.resume)
    throw new Error('--quick saves no results that --resume could go on from')
  return {
    ...{
      suite,
      python,
      kind,
      quick: values.quick,
      resume: values.resume,
      keep: values.keep,
      limitSeconds: limit === undefined ? undefined : Number(limit) * 60,
      writeDocs: values['write-docs'],
    },
    files: positionals.map((name) => name.replace(/^test\.|\.py$/g, '')),
  }
}
