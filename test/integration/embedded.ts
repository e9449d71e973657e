// SPDX-License-Identifier: Apache-2.0
// A server that loads Python as a plugin, when it has long been running: uWSGI and Apache in small.
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Trace } from '../../src/learn/trace/trace-file.js'
import { bakes, pycds, verifies } from '../helpers/cli.js'
import { docker, imageName } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'
import { temporary } from '../helpers/temporary.js'

const DEADLINE_MS = 3 * 60_000
const LIBRARY = 'libpython3.13.so.1.0'

const HOST = `#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **words) {
  (void)count;
  if (!dlopen(words[1], RTLD_NOW | RTLD_GLOBAL)) return puts(dlerror()), 1;
  void *plugin = dlopen(words[2], RTLD_NOW);
  if (!plugin) return puts(dlerror()), 1;
  return ((int (*)(void))dlsym(plugin, "serve"))();
}
`
/* What it needs of Python is in memory when it is loaded. */
const PLUGIN = `extern void Py_Initialize(void);
extern int PyRun_SimpleString(const char *);
extern int Py_FinalizeEx(void);
#ifdef NO_SITE
extern int Py_NoSiteFlag;
#endif
int serve(void) {
#ifdef NO_SITE
  Py_NoSiteFlag = 1;
#endif
  Py_Initialize();
  int result = PyRun_SimpleString("import json, email.message, xml.dom.minidom");
  return result ? 1 : Py_FinalizeEx();
}
`

const base = await ensureImage('shared')
const hasCompiler = spawnSync('cc', ['--version']).status === 0
const possible = base !== undefined && hasCompiler
if (!hasCompiler) process.stderr.write('skipped for want of cc: no server can be compiled\n')
const here = possible ? test : test.skip

/** The same interpreter under another build-id, as a plugin's is beside the program of a distribution. */
const OTHER_LIBRARY = '/srv/other/libpython3.13.so.1.0'
const OTHER_BUILD = `RUN ["python3", "-c", "import os, struct\\nb = bytearray(open('/usr/local/lib/${LIBRARY}', 'rb').read())\\nb[b.index(struct.pack('<III4s', 4, 20, 3, b'GNU')) + 16] ^= 255\\nos.makedirs('/srv/other')\\nopen('${OTHER_LIBRARY}', 'wb').write(b)"]\n`

/** Builds an image whose command loads this library, and then the plugin. */
async function serverImage(
  t: ExecutionContext,
  library: string,
  { instructions = '', flags = [] }: { instructions?: string; flags?: string[] } = {},
): Promise<string> {
  const command = JSON.stringify(['/srv/host', library, '/srv/plugin.so'])
  const directory = temporary(t, {
    'host.c': HOST,
    'plugin.c': PLUGIN,
    Dockerfile: `FROM ${base}\nCOPY host plugin.so /srv/\n${instructions}CMD ${command}\n`,
  })
  const compile = (...words: string[]) => spawnSync('cc', words, { cwd: directory, encoding: 'utf8' })
  const host = compile('-o', 'host', 'host.c', '-ldl')
  t.is(host.status, 0, host.stderr)
  const plugin = compile(...flags, '-shared', '-fPIC', '-o', 'plugin.so', 'plugin.c')
  t.is(plugin.status, 0, plugin.stderr)
  for (const name of ['host', 'plugin.so']) chmodSync(join(directory, name), 0o755)
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, directory)
  return image
}

here('a Python that a server loads as a plugin is traced and served', async (t) => {
  t.timeout(DEADLINE_MS)
  const image = await serverImage(t, LIBRARY)
  const name = imageName(t)
  const { python, training, hitRate } = await bakes(t, [image, '-t', name, '--min-hit-rate', '90'])
  t.regex(python.library ?? '', /libpython3\.13\.so/)
  t.true(training.pythons[0]?.executable.endsWith('/srv/host'))
  t.true((hitRate?.total ?? 0) > 50, JSON.stringify(hitRate))
})

here(
  'a bake from a trace of it is for the interpreter of the plugin, and not for the one that reads',
  async (t) => {
    t.timeout(DEADLINE_MS)
    const image = await serverImage(t, OTHER_LIBRARY, { instructions: OTHER_BUILD })
    const file = join(temporary(t), 'trace.json')
    const traced = await pycds(['trace', image, '-o', file])
    t.is(traced.code, 0, traced.stderr)
    t.regex(traced.stdout, new RegExp(`python +3\\.13\\S* +${OTHER_LIBRARY}`))
    const trace = JSON.parse(readFileSync(file, 'utf8')) as Trace
    t.like(trace.python, { library: OTHER_LIBRARY, executable: '/usr/local/bin/python3.13' })
    const name = imageName(t)
    const { python } = await bakes(t, [image, '-t', name, '--train', 'none', '--trace-in', file])
    t.is(python.library, OTHER_LIBRARY)
    await verifies(t, name, 90)
  },
)

here('a program that starts Python without its site module, as frozen ones do, is named', async (t) => {
  t.timeout(DEADLINE_MS)
  const image = await serverImage(t, LIBRARY, { flags: ['-DNO_SITE'] })
  const { code, stderr } = await pycds(['bake', image, '-t', imageName(t)])
  t.is(code, 4, stderr)
  t.regex(stderr, /\/srv\/host starts Python without its site module/)
  t.regex(stderr, /Install the application into the image/)
})
