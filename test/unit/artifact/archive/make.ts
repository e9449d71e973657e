// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import test from 'ava'
import { makeArchive } from '../../../../src/artifact/archive/make.js'
import { describeFile } from '../../../../src/artifact/describe.js'
import { parseRunLog } from '../../../../src/learn/runlog/run-log.js'
import { groupByPython } from '../../../../src/learn/select/interpreter.js'
import { selectModules } from '../../../../src/learn/select/modules.js'
import { archiver } from '../../../helpers/interpreters.js'
import { inRepository } from '../../../helpers/repository.js'
import { sampleRunLog } from '../../../helpers/run-log.js'

/** Any ELF file with an identity will do. */
const library = readFileSync(inRepository(`prebuilds/linux-${process.arch}/_pycds.abi3.so`))

test('an archive tells of the same modules that are not in it as the manifest beside it', async (t) => {
  const process = parseRunLog('a log', sampleRunLog())
  const [python] = groupByPython(process ? [{ ...process, regexes: [], sources: [] }] : [])
  const identity = archiver.identify(library)?.hex
  if (!python || identity === undefined) throw new Error('no sample')
  python.python.identity = identity
  python.python.hexversion = 0x030b02f0
  const selection = selectModules(python, new Set())
  const image = { readFile: async () => library }
  const made = await makeArchive({ reference: 'app', validate: 'stat', python, selection, image }, archiver)
  // Its code is none.
  t.is(made.noted.modules, 0)
  t.true(made.noted.leftOut.length > selection.leftOut.length)
  const [file] = made.files('/opt/pycds')
  const { contents } = describeFile(file?.body ?? Buffer.alloc(0), { name: 'app.cds', map: false }, archiver)
  t.deepEqual(contents.leftOut, made.noted.leftOut)
})
