// SPDX-License-Identifier: Apache-2.0
// Readiness and probes as they are written on a command line.
import { split } from 'shlex'
import { PycdsError } from '../../errors/index.js'
import type { ProbeSpec, ReadySpec } from '../../learn/run/index.js'
import { nearest } from '../../util/nearest.js'
import { parseDuration } from './parse.js'

const READY_FORMS = {
  exit: 'exit',
  health: 'health',
  quiet: 'quiet:2s',
  timer: 'timer:5s',
  port: 'port:8000',
  http: 'http:8000/healthz',
  log: 'log:/listening on/',
  cmd: 'cmd:program argument',
} as const
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const MAX_PORT = 65_535

/** Reads one condition of readiness, such as `exit`, `quiet:2s` or `http:8000/healthz`. Throws USAGE naming `flag`. */
export function parseReady(flag: string, text: string): ReadySpec {
  const colon = text.indexOf(':')
  const kind = colon === -1 ? text : text.slice(0, colon)
  const value = colon === -1 ? undefined : text.slice(colon + 1)
  if ((kind === 'exit' || kind === 'health') && value === undefined) return { kind }
  if (value !== undefined) {
    const name = `${flag} ${kind}:`
    if (kind === 'quiet' || kind === 'timer') return { kind, ms: parseDuration(name, value) }
    if (kind === 'port') return { kind, port: parsePort(name, value) }
    if (kind === 'http') return { kind, ...parseTarget(name, value) }
    if (kind === 'log') return { kind, pattern: parsePattern(name, value) }
    if (kind === 'cmd') return { kind, command: parseWords(name, value) }
  }
  const form = READY_FORMS[(nearest(kind, Object.keys(READY_FORMS)) ?? '') as keyof typeof READY_FORMS]
  const all = Object.values(READY_FORMS).join(', ')
  throw usage(
    flag,
    text,
    'not a readiness',
    form === undefined ? `Write one of: ${all}.` : `Did you mean ${form}?`,
  )
}

/** Reads a probe, such as `GET:8000/x`, `POST:8000/x {"a": 1}` or `exec:program argument`. Throws USAGE naming `flag`. */
export function parseProbe(flag: string, text: string): ProbeSpec {
  const [, kind = '', value = ''] = /^([A-Za-z]+):(.*)$/s.exec(text) ?? []
  const name = `${flag} ${kind}:`
  if (kind === 'exec') return { kind, command: parseWords(name, value) }
  if (METHODS.includes(kind)) {
    const [, target = '', body] = /^(\S*)(?:\s+(.*))?$/s.exec(value) ?? []
    return { kind: 'http', method: kind, ...parseTarget(name, target), ...(body ? { body } : {}) }
  }
  throw usage(
    flag,
    text,
    'not a probe',
    'Write a request, as in GET:8000/path, or a program: exec:program argument.',
  )
}

/** `8000/path`; the path may be left out. */
function parseTarget(flag: string, text: string): { port: number; path: string } {
  const [, port = '', path = '/'] = /^(\d+)(\/[\x21-\x7e]*)?$/.exec(text) ?? []
  if (port === '') throw usage(flag, text, 'not a port and path', 'Write them as in 8000/healthz.')
  return { port: parsePort(flag, port), path }
}

function parsePort(flag: string, text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0
  if (!(port > 0 && port <= MAX_PORT))
    throw usage(flag, text, 'not a port', `Write a number from 1 to ${MAX_PORT}.`)
  return port
}

/** `/regex/flags`. */
function parsePattern(flag: string, text: string): RegExp {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? []
  if (source === undefined)
    throw usage(flag, text, 'not a pattern', 'Put it between slashes, as in log:/ready in/.')
  try {
    return new RegExp(source, flags)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'not a regular expression'
    throw usage(flag, text, reason, 'Write a regular expression as JavaScript has them.')
  }
}

/** A command in words, with quotes as a shell has them; no shell runs it. */
function parseWords(flag: string, text: string): string[] {
  const words = splitWords(text)
  if (words === undefined || words.length === 0 || words[0] === '') {
    throw usage(flag, text, 'not a command', 'Write a program and its arguments; close every quote.')
  }
  return words
}

function splitWords(text: string): string[] | undefined {
  try {
    return split(text)
  } catch {
    return undefined // a quote that is not closed
  }
}

function usage(flag: string, text: string, reason: string, hint: string): PycdsError {
  const separator = flag.endsWith(':') ? '' : ' '
  return new PycdsError('USAGE', { message: `${flag}${separator}${text}: ${reason}`, hint })
}
