// SPDX-License-Identifier: Apache-2.0
// What is run again when something changes, and what a builder need not run that has the cache of another.
import { join } from 'node:path'
import { run } from '../../helpers/run.js'
import { isCached, isTraceCached, type SideBuilder, sideTests } from '../../helpers/side-builds.js'
import { temporary } from '../../helpers/temporary.js'

const testSide = await sideTests()
const TO_NOTHING = ['--output', 'type=cacheonly']

/** An application that no earlier run of the tests has built. */
const application = (what: string) => ({
  'requirements.txt': `${process.pid}\n`,
  'app.py': `import json, logging, email.message\nprint("${what} ${process.pid}")\n`,
})

const dockerfile = ({ base }: Pick<SideBuilder, 'base'>): string =>
  `FROM ${base}\nCOPY requirements.txt /\nRUN cp /requirements.txt /installed\nCOPY app.py /app.py\nCMD ["python3", "/app.py"]\n`

testSide('a change of the application keeps the layers below it, and trains again', async (t, builder) => {
  const text = builder.line() + dockerfile(builder)
  await builder.builds(t, text, TO_NOTHING, application('one'))
  const same = await builder.builds(t, text, TO_NOTHING, application('one'))
  t.true(isTraceCached(same), same)
  const changed = await builder.builds(t, text, TO_NOTHING, application('two'))
  t.true(isCached(changed, /\[[^\]]+\] RUN cp/), changed)
  t.false(isCached(changed, /\[[^\]]+\] COPY app\.py/), changed)
  t.false(isTraceCached(changed), changed)
})

testSide('a builder that imports the whole cache of another does not train', async (t, builder) => {
  const cache = join(temporary(t), 'cache')
  const text = builder.line() + dockerfile(builder)
  const files = application('exported')
  await builder.builds(t, text, [...TO_NOTHING, `--cache-to=type=local,mode=max,dest=${cache}`], files)
  const forgotten = await run('docker', ['builder', 'prune', '--all', '--force'], { env: builder.env })
  t.is(forgotten.code, 0, forgotten.stderr)
  const imported = await builder.builds(
    t,
    text,
    [...TO_NOTHING, `--cache-from=type=local,src=${cache}`],
    files,
  )
  t.true(isTraceCached(imported), imported)
})
