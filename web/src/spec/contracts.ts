/** Reading the JSON Schemas of contract messages: what a field is called and how it is shown. */

export interface Text {
  zh: string
  en: string
}

export interface Schema {
  type?: string | string[]
  format?: string
  $ref?: string
  $defs?: Record<string, Schema>
  anyOf?: Schema[]
  allOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  required?: string[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  title?: string
  description?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minItems?: number
  maxItems?: number
  contentEncoding?: string
  'x-label'?: Text
  'x-unit'?: string
  'x-mask'?: string
  'x-dictionary'?: string
  /** Of a file only its first lines are wanted. */
  'x-head'?: boolean
}

export interface OperationContract {
  kind: 'command' | 'query'
  permit: string
  request: Schema
  reply: Schema
}

export type Operations = Record<string, OperationContract>

export interface DictionaryEntry extends Text {
  tone?: 'plain' | 'good' | 'notice' | 'warning' | 'danger'
}

/** Dictionary name to value to its text. */
export type Dictionaries = Record<string, Record<string, DictionaryEntry>>

function pointed(root: Schema, reference: string): Schema {
  let node: unknown = root
  for (const step of reference.replace(/^#\//, '').split('/')) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return {}
    node = (node as Record<string, unknown>)[step]
  }
  return (node ?? {}) as Schema
}

/** Follow `$ref` and the one real branch of an optional, keeping what was said beside them. */
export function resolve(schema: Schema, root: Schema): Schema {
  let found = schema
  for (let hop = 0; hop < 8; hop += 1) {
    const { $ref, anyOf, allOf, ...beside } = found
    if ($ref) {
      found = { ...pointed(root, $ref), ...beside }
      continue
    }
    const branches = (anyOf ?? allOf ?? []).filter((branch) => branch.type !== 'null')
    if (branches.length !== 1) return found
    found = { ...branches[0]!, ...beside }
  }
  return found
}

/** The resolved schema at a dotted path of a message, stepping into list members, or an empty schema. */
export function schemaAt(root: Schema, path: string): Schema {
  let node = resolve(root, root)
  for (const step of path.split('.').filter(Boolean)) {
    while (node.type === 'array' && node.items && !/^\d+$/.test(step)) node = resolve(node.items, root)
    if (node.type === 'array' && node.items) node = resolve(node.items, root)
    else if (node.properties && Object.hasOwn(node.properties, step)) node = resolve(node.properties[step]!, root)
    else if (typeof node.additionalProperties === 'object') node = resolve(node.additionalProperties, root)
    else return branchWith(node, root, step)
  }
  return node
}

function branchWith(node: Schema, root: Schema, step: string): Schema {
  for (const branch of node.anyOf ?? node.oneOf ?? []) {
    const option = resolve(branch, root)
    if (option.properties && Object.hasOwn(option.properties, step)) return resolve(option.properties[step]!, root)
  }
  return {}
}

export function isOptional(schema: Schema): boolean {
  return (schema.anyOf ?? []).some((branch) => branch.type === 'null')
}

const NUMERIC_FORMATS = new Set([
  'money',
  'energy',
  'reactive_energy',
  'reactive-energy',
  'power',
  'apparent_power',
  'apparent-power',
  'price',
  'percent',
  'decimal',
  'multiplier',
  'register',
  'reactive_power',
  'per_unit',
])

/** Whether an integer names a thing and counts nothing: an order, a line, a batch. It is written as it is, without separators. */
export function isIdentifier(schema: Schema): boolean {
  return schema.type === 'integer' && (schema['x-label']?.zh.endsWith('号') ?? false)
}

/** Whether values of this schema stand as figures: right-aligned, tabular, grouped. */
export function isFigure(schema: Schema): boolean {
  return isNumeric(schema) && !isIdentifier(schema)
}

/** Whether values of this schema are numbers: with a unit in the header, checked as numbers where they are entered. */
export function isNumeric(schema: Schema): boolean {
  if (schema['x-dictionary'] || schema.enum) return false
  return schema.type === 'integer' || schema.type === 'number' || NUMERIC_FORMATS.has(schema.format ?? '')
}
