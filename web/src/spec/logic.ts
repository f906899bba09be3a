/**
 * Conditions of page specs: the strict part of JSONLogic that src/denghuo/application/spec/logic.py describes, by the same rules.
 * Both evaluators are held to tests/application/spec/logic.json.
 */
import { compareDecimals, isDecimal, negated, sumDecimals } from '@/format/decimal'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Scope = Record<string, unknown>

const FORBIDDEN = new Set(['__proto__', 'prototype', 'constructor'])
const ROOTS = new Set(['page', 'filter', 'row', 'reply', 'form', 'user', 'chosen'])
const PATH = /^[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|\d{1,4})){0,8}$/
const MAX_DEPTH = 12
const MAX_NODES = 200

export class NotLogic extends Error {}

export function safePath(path: string): boolean {
  return PATH.test(path) && !path.split('.').some((step) => FORBIDDEN.has(step))
}

/** The value at a dotted path, or null where there is none. Own members only. */
export function lookUp(data: unknown, path: string): unknown {
  let node = data
  for (const step of path.split('.')) {
    if (Array.isArray(node)) node = /^\d+$/.test(step) ? node[Number(step)] : undefined
    else if (typeof node === 'object' && node !== null) {
      // Read before asking whether it is an own member: only reading is noticed by the views that depend on it.
      const found = (node as Scope)[step]
      if (!Object.hasOwn(node, step)) return null
      node = found
    } else return null
  }
  return node ?? null
}

export function truthy(value: unknown): boolean {
  return !(
    value === null ||
    value === undefined ||
    value === false ||
    value === '' ||
    value === 0 ||
    (Array.isArray(value) && value.length === 0)
  )
}

export function evaluate(expression: unknown, data: Scope): unknown {
  if (Array.isArray(expression)) return expression.map((item) => evaluate(item, data))
  if (typeof expression !== 'object' || expression === null) return expression ?? null
  const [operator, args] = split(expression)
  switch (operator) {
    case 'var': {
      const found = lookUp(data, args[0] as string)
      return found === null && args.length > 1 ? args[1] : found
    }
    case 'and':
      return firstOf(args, data, false)
    case 'or':
      return firstOf(args, data, true)
    case 'if':
      return choose(args, data)
    default:
      return apply(operator, args.map((item) => evaluate(item, data)))
  }
}

/** Whether a condition is met; a missing condition always is. What is no condition of this language never is. */
export function holds(condition: unknown, data: Scope): boolean {
  if (condition === undefined || condition === null) return true
  try {
    return truthy(evaluate(condition, data))
  } catch {
    return false
  }
}

/** Whether an expression, or any inside lists and named values, looks at what stands under a root such as `reply`. */
export function looksAt(part: unknown, root: string): boolean {
  if (Array.isArray(part)) return part.some((item) => looksAt(item, root))
  if (typeof part !== 'object' || part === null) return false
  return Object.entries(part).some(([name, value]) => {
    const path: unknown = Array.isArray(value) ? value[0] : value
    return name === 'var' && typeof path === 'string' ? path.split('.')[0] === root : looksAt(value, root)
  })
}

/** Throws NotLogic unless the data is an expression of this language within its limits. */
export function requireLogic(expression: unknown): void {
  const remaining: [unknown, number][] = [[expression, 1]]
  let nodes = 0
  for (let next = remaining.pop(); next; next = remaining.pop()) {
    const [node, depth] = next
    nodes += 1
    if (depth > MAX_DEPTH || nodes > MAX_NODES) throw new NotLogic('too deep or too large')
    if (Array.isArray(node)) remaining.push(...node.map((item): [unknown, number] => [item, depth + 1]))
    else if (typeof node === 'object' && node !== null) {
      const [operator, args] = split(node)
      if (operator === 'var') requireVariable(args)
      else remaining.push(...args.map((item): [unknown, number] => [item, depth + 1]))
    }
  }
}

function requireVariable(args: unknown[]): void {
  const path = args[0]
  if (typeof path !== 'string' || !safePath(path)) throw new NotLogic('not a path')
  if (!ROOTS.has(path.split('.')[0]!)) throw new NotLogic('unknown root')
  if (args.length === 2 && typeof args[1] === 'object' && args[1] !== null) throw new NotLogic('not a plain default')
}

const ARITY: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['var', [1, 2]],
  ['==', [2, 2]],
  ['!=', [2, 2]],
  ['<', [2, 3]],
  ['<=', [2, 3]],
  ['>', [2, 2]],
  ['>=', [2, 2]],
  ['!', [1, 1]],
  ['!!', [1, 1]],
  ['and', [1, 20]],
  ['or', [1, 20]],
  ['if', [2, 21]],
  ['in', [2, 2]],
  ['cat', [1, 20]],
  ['count', [1, 1]],
  ['-', [2, 2]],
])

function split(expression: object): [string, unknown[]] {
  const keys = Object.keys(expression)
  if (keys.length !== 1) throw new NotLogic('exactly one operator')
  const operator = keys[0]!
  const arity = ARITY.get(operator)
  if (!arity) throw new NotLogic('unknown operator')
  const given = (expression as Scope)[operator]
  const args: unknown[] = Array.isArray(given) ? given : [given]
  if (args.length < arity[0] || args.length > arity[1]) throw new NotLogic('wrong number of arguments')
  return [operator, args]
}

function apply(operator: string, values: unknown[]): unknown {
  switch (operator) {
    case '==':
      return same(values[0], values[1])
    case '!=':
      return !same(values[0], values[1])
    case '<':
      return ordered(values, (sign) => sign < 0)
    case '<=':
      return ordered(values, (sign) => sign <= 0)
    case '>':
      return ordered(values, (sign) => sign > 0)
    case '>=':
      return ordered(values, (sign) => sign >= 0)
    case '!':
      return !truthy(values[0])
    case '!!':
      return truthy(values[0])
    case 'in':
      return contains(values[0], values[1])
    case 'cat':
      return values.map(printed).join('')
    case 'count':
      return Array.isArray(values[0]) || typeof values[0] === 'string' ? values[0].length : 0
    case '-':
      return difference(values)
    default:
      throw new NotLogic('unknown operator')
  }
}

/** Exact, as decimal text with as many places as the longer of the two; nothing where one of them is no number. */
function difference(values: unknown[]): string | null {
  const [left, right] = values.map(ordinal)
  return left && right ? sumDecimals([left, negated(right)]) : null
}

function same(left: unknown, right: unknown): boolean {
  const isScalar = (value: unknown) => typeof value !== 'object' || value === null
  return isScalar(left) && isScalar(right) && (left ?? null) === (right ?? null)
}

function ordinal(value: unknown): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return isDecimal(String(value)) ? String(value) : value.toFixed(12)
  return typeof value === 'string' && isDecimal(value) ? value : null
}

function ordered(values: unknown[], test: (sign: number) => boolean): boolean {
  const numbers = values.map(ordinal)
  return numbers.every((number, position) => {
    const next = numbers[position + 1]
    return number !== null && (next === undefined || (next !== null && test(compareDecimals(number, next))))
  })
}

function contains(needle: unknown, hay: unknown): boolean {
  if (typeof hay === 'string') return typeof needle === 'string' && hay.includes(needle)
  return Array.isArray(hay) && hay.some((item) => same(needle, item))
}

function printed(value: unknown): string {
  if (typeof value === 'string') return value
  return Number.isInteger(value) ? String(value) : ''
}

function firstOf(args: unknown[], data: Scope, stop: boolean): unknown {
  let value: unknown = null
  for (const argument of args) {
    value = evaluate(argument, data)
    if (truthy(value) === stop) return value
  }
  return value
}

function choose(args: unknown[], data: Scope): unknown {
  for (let position = 0; position + 1 < args.length; position += 2) {
    if (truthy(evaluate(args[position], data))) return evaluate(args[position + 1], data)
  }
  return args.length % 2 ? evaluate(args[args.length - 1], data) : null
}
