// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MachinePageCache } from '../../../src/measure/page-cache.js'

/** Files in the place of the kernel's, empty. */
function kernel(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'pycds-cache-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [sysrq, control, meminfo] = ['sysrq', 'control', 'meminfo'].map((name) => join(folder, name))
  const files = { sysrq: sysrq ?? '', control: control ?? '', meminfo: meminfo ?? '' }
  for (const file of Object.values(files)) writeFileSync(file, '')
  return files
}

test('the page cache of another machine is out of reach, whatever its address', async (t) => {
  const cache = new MachinePageCache(kernel(t))
  for (const endpoint of ['tcp://10.0.0.1:2376', 'unix:///home/u/.docker/desktop/docker.sock']) {
    const reason = await cache.refusal({ endpoint, local: false })
    t.true(reason?.includes(endpoint) && reason.includes('another machine'), reason)
  }
})

test('that of this machine can be emptied where the kernel lets it', async (t) => {
  const files = kernel(t)
  t.is(await new MachinePageCache(files).refusal({ endpoint: '/', local: true }), undefined)
  const none = { ...files, control: join(files.control, 'none') }
  t.regex((await new MachinePageCache(none).refusal({ endpoint: '/', local: true })) ?? '', /needs root/)
})

test('what is unwritten goes to the disk once per page cache, not once per program', async (t) => {
  const files = kernel(t)
  const drop = async (cache: MachinePageCache) => {
    writeFileSync(files.sysrq, '')
    writeFileSync(files.control, '')
    await cache.drop()
    return [readFileSync(files.sysrq, 'utf8'), readFileSync(files.control, 'utf8')]
  }
  const first = new MachinePageCache(files)
  t.deepEqual(await drop(first), ['s', '3'])
  t.deepEqual(await drop(first), ['', '3'])
  t.deepEqual(await drop(new MachinePageCache(files)), ['s', '3'])
})
