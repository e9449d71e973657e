// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { readElfSymbols } from '../../../src/learn/elf.js'
import { elfWith } from '../../helpers/elf.js'
import { inRepository } from '../../helpers/repository.js'

test('an exported constant is found by name, wherever the file is loaded', (t) => {
  const symbols = readElfSymbols(elfWith({ Py_Version: Buffer.from('f0020f0300000000', 'hex') }))
  t.true(symbols?.has('Py_Version'))
  t.is(symbols?.read('Py_Version', 8)?.readUInt32LE(0), 0x030f02f0)
  t.false(symbols?.has('Py_Ver'))
  t.is(symbols?.read('Py_GetVersion', 8), undefined)
  t.is(symbols?.read('Py_Version', 4096), undefined)
})

test('what is cut off or no ELF file is told, not read', (t) => {
  const whole = elfWith({ Py_Version: Buffer.alloc(8) })
  for (let length = 0; length < whole.length; length += 7) {
    t.notThrows(() => readElfSymbols(whole.subarray(0, length))?.read('Py_Version', 8), `${length}`)
  }
  t.is(readElfSymbols(Buffer.from('#!/bin/sh\n')), undefined)
})

const library = inRepository('prebuilds/linux-arm64/_pycds.abi3.so')
const withLibrary = existsSync(library) ? test : test.skip
withLibrary('a library for another processor is read', (t) => {
  t.true(readElfSymbols(readFileSync(library))?.has('PyInit__pycds'))
})
