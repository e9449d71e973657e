// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import test from 'ava'
import { readLoadReply } from '../../../../src/store/docker-daemon/load-reply.js'

const ID = `sha256:${'a'.repeat(64)}`

async function read(...chunks: string[]): Promise<string | undefined> {
  return await readLoadReply(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), 'image')
}

test('the id is found, however the reply is cut', async (t) => {
  const reply = `{"status":"Loading layer"}\n{"stream":"Loaded image ID: ${ID}\\n"}\n`
  t.is(await read(reply), ID)
  t.is(await read(...reply), ID)
})

test('an image that is named by digest counts too', async (t) => {
  t.is(await read(`{"stream":"Loaded image: ${ID}"}`), ID)
})

test('plain text is understood', async (t) => {
  t.is(await read(`Loaded image ID: ${ID}\n`), ID)
})

test('a reply without an id has none', async (t) => {
  t.is(await read(), undefined)
  t.is(await read('{"stream":"Loaded image: app:1"}\n', 'null\n'), undefined)
})

test('an error inside the reply is thrown', async (t) => {
  await t.throwsAsync(read('{"stream":"x"}\n{"errorDetail":{"message":"odd"},"error":"odd"}\n'), {
    code: 'ENGINE_FAILED',
  })
  await t.throwsAsync(read('{"error":"write /x: no space left on device"}'), { code: 'NO_SPACE' })
})
