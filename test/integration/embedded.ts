// SPDX-License-Identifier: Apache-2.0
// A server that loads Python as a plugin, when it has long been running: uWSGI and Apache in small.
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { bakes } from '../helpers/cli.js'
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
int serve(void) {
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

here('a Python that a server loads as a plugin is traced and served', async (t) => {
  t.timeout(DEADLINE_MS)
  const directory = temporary(t, {
    'host.c': HOST,
    'plugin.c': PLUGIN,
    Dockerfile: `FROM ${base}\nCOPY host plugin.so /srv/\nCMD ["/srv/host", "${LIBRARY}", "/srv/plugin.so"]\n`,
  })
  const compile = (...words: string[]) => spawnSync('cc', words, { cwd: directory, encoding: 'utf8' })
  const host = compile('-o', 'host', 'host.c', '-ldl')
  t.is(host.status, 0, host.stderr)
  const plugin = compile('-shared', '-fPIC', '-o', 'plugin.so', 'plugin.c')
  t.is(plugin.status, 0, plugin.stderr)
  for (const name of ['host', 'plugin.so']) chmodSync(join(directory, name), 0o755)
  const image = imageName(t)
  await docker('build', '--quiet', '--network', 'none', '-t', image, directory)
  const name = imageName(t)
  const { python, training, hitRate } = await bakes(t, [image, '-t', name, '--min-hit-rate', '90'])
  t.regex(python.library ?? '', /libpython3\.13\.so/)
  t.true(training.pythons[0]?.executable.endsWith('/srv/host'))
  t.true((hitRate?.total ?? 0) > 50, JSON.stringify(hitRate))
})
