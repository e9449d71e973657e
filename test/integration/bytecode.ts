// SPDX-License-Identifier: Apache-2.0
// Bytecode files that a bake adds for modules outside the archive.
import test from 'ava'
import { baked, bakedAnew } from '../helpers/baked.js'
import { docker } from '../helpers/engine.js'
import { ensureImage } from '../helpers/images.js'

/** Imports a package of which much is left for later. */
const COMMAND = ['--', 'python3', '-c', 'import jinja2']
/** Not imported by that. */
const LATER = 'jinja2.sandbox'

const inside = (image: string, ...command: string[]) =>
  docker('run', '--rm', '--network', 'none', image, ...command)

const shipped = await ensureImage('bookworm')
const stripped = await ensureImage('bookworm-nopyc')

if (shipped === undefined || stripped === undefined) {
  test.skip('bytecode beside the archive: the images cannot be made here', () => undefined)
} else {
  test.serial('packages without bytecode get it for what the archive lacks, and only those', async (t) => {
    const { name, result } = await baked(stripped, ...COMMAND)
    t.true(result.bytecode.files > 20, JSON.stringify(result.bytecode))
    t.true(result.bytecode.bytes > 100_000)
    const code = [
      'import importlib, os, sys',
      `later, now = importlib.import_module("${LATER}"), sys.modules["jinja2.lexer"]`,
      'cached = os.stat(later.__cached__)',
      'folder = os.stat(os.path.dirname(later.__cached__))',
      'print(oct(cached.st_mode), cached.st_uid, oct(folder.st_mode), os.path.exists(now.__cached__))',
    ]
    const printed = await inside(name, 'python3', '-B', '-c', code.join('\n'))
    t.is(printed, '0o100644 0 0o40755 False')
    const verbose = await inside(name, 'sh', '-c', `python3 -B -v -c "import ${LATER}" 2>&1`)
    t.regex(verbose, /matches .*jinja2\/sandbox\.py/)
    const untouched = await inside(name, 'sh', '-c', 'find / -xdev -path "*werkzeug*" -name "*.pyc" | wc -l')
    t.is(untouched, '0')
  })

  test.serial('an edited file runs as edited, whatever its bytecode says', async (t) => {
    const { name } = await baked(stripped, ...COMMAND)
    const edit = `f=$(python3 -c 'import ${LATER} as m; print(m.__file__)'); echo 'print("edited")' >>$f; python3 -B -c 'import ${LATER}'`
    t.is(await inside(name, 'sh', '-c', edit), 'edited')
  })

  test.serial('the same image gets the same bytes, also when it was baked before', async (t) => {
    const first = await bakedAnew(t, stripped, '--pyc', 'all', ...COMMAND)
    const again = await bakedAnew(t, first.name, '--pyc', 'all', ...COMMAND)
    t.is(again.result.layer.diffId, first.result.layer.diffId)
    t.is(again.result.output?.id, first.result.output?.id)
  })

  test.serial(
    '--pyc off adds nothing, and files that are never checked come with --validate none',
    async (t) => {
      const { result } = await bakedAnew(t, stripped, '--pyc', 'off', ...COMMAND)
      t.is(result.bytecode.files, 0)
      const { name } = await bakedAnew(t, stripped, '--validate', 'none', ...COMMAND)
      const flags = `import ${LATER} as m; print(open(m.__cached__, "rb").read()[4:8].hex())`
      t.is(await inside(name, 'python3', '-B', '-c', flags), '01000000')
    },
  )

  test.serial('an image that ships its bytecode gets none', async (t) => {
    const { result } = await bakedAnew(t, shipped, ...COMMAND)
    t.is(result.bytecode.files, 0, JSON.stringify(result.bytecode))
  })
}
