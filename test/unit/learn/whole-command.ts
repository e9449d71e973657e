// SPDX-License-Identifier: Apache-2.0
import test from 'ava'
import { PycdsError } from '../../../src/errors/index.js'
import { assertWholeCommand, usageCommand } from '../../../src/learn/whole-command.js'
import { sampleConfig } from '../../helpers/image.js'

const tool = { ...sampleConfig(), config: { Entrypoint: ['python3', '/my tool'], Cmd: ['--version'] } }
const service = { ...sampleConfig(), config: { Cmd: ['python3', '-m', 'app'] } }

test('an option alone is for the ENTRYPOINT, which is repeated', (t) => {
  const { hint } = t.throws(() => assertWholeCommand({ reference: 'app', command: ['--help'] }, tool), {
    instanceOf: PycdsError,
    code: 'USAGE',
  })
  t.true(hint.endsWith("-- python3 '/my tool' --help"), hint)
})

test('without an ENTRYPOINT, or a configuration, any program will do', (t) => {
  for (const config of [service, undefined])
    t.throws(() => assertWholeCommand({ reference: 'app', command: ['-x'] }, config), { code: 'USAGE' })
})

test('a whole command, and none, are taken', (t) => {
  for (const command of [['tool', '--help'], []])
    t.notThrows(() => assertWholeCommand({ reference: 'app', command }, tool))
  t.notThrows(() => assertWholeCommand({ reference: 'app' }, tool))
})

test('what shows how a command is used can be copied', (t) => {
  t.is(usageCommand(['python3', '/my tool']), "python3 '/my tool' --help")
  t.is(usageCommand([]), undefined)
})
