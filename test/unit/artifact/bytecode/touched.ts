// SPDX-License-Identifier: Apache-2.0

import test from 'ava'
import { touchedPackages } from '../../../../src/artifact/bytecode/index.js'
import type { RunLogProcess } from '../../../../src/learn/runlog/run-log.js'
import type { ModuleCode } from '../../../../src/ports/index.js'

function processOf(...modules: [name: string, origin: string][]): RunLogProcess {
  const traced = modules.map(([name, origin]) => {
    const module: Partial<ModuleCode> = { name, origin, isPackage: origin.endsWith('/__init__.py') }
    return module as ModuleCode
  })
  return { modules: traced } as RunLogProcess
}

test('a package stands for everything below it, in whatever order and process it was imported', (t) => {
  const processes = [
    processOf(['app.views', '/srv/app/views.py'], ['json.decoder', '/usr/lib/json/decoder.py']),
    processOf(['app', '/srv/app/__init__.py'], ['json', '/usr/lib/json/__init__.py']),
  ]
  t.deepEqual(touchedPackages({ processes }), [
    { name: 'app', path: '/srv/app', isPackage: true },
    { name: 'json', path: '/usr/lib/json', isPackage: true },
  ])
})

test('a module that stands alone is touched, and not its whole directory', (t) => {
  const processes = [processOf(['argparse', '/usr/lib/argparse.py'])]
  t.deepEqual(touchedPackages({ processes }), [
    { name: 'argparse', path: '/usr/lib/argparse.py', isPackage: false },
  ])
})

test('of a namespace package each portion counts for itself', (t) => {
  const processes = [processOf(['google.cloud.storage', '/site/google/cloud/storage/__init__.py'])]
  t.deepEqual(touchedPackages({ processes }), [
    { name: 'google.cloud.storage', path: '/site/google/cloud/storage', isPackage: true },
  ])
})

test('a name that only begins alike is another package', (t) => {
  const processes = [processOf(['yaml', '/site/yaml/__init__.py'], ['yamlx', '/site/yamlx/__init__.py'])]
  t.is(touchedPackages({ processes }).length, 2)
})
