/** What a request schema says about an input: whether it is wanted, and what is wrong with what was typed. */
import { compareDecimals, isDecimal } from '@/format/decimal'
import { isNumeric, type Schema, type Text } from '@/spec/contracts'

export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

/** The fault of one value, or null. */
export function fault(value: unknown, schema: Schema, required: boolean): Text | null {
  if (isMissing(value)) return required ? { zh: '请填写', en: 'Fill this in' } : null
  if (isNumeric(schema)) return numberFault(String(value), schema)
  if (typeof value !== 'string') return null
  if (schema.maxLength !== undefined && [...value].length > schema.maxLength) {
    return { zh: `最多 ${schema.maxLength} 个字`, en: `At most ${schema.maxLength} characters` }
  }
  if (schema.minLength !== undefined && [...value].length < schema.minLength) {
    return { zh: `至少 ${schema.minLength} 个字`, en: `At least ${schema.minLength} characters` }
  }
  return schema.pattern && !matches(value, schema.pattern) ? { zh: '格式不对', en: 'Not in the expected form' } : null
}

function numberFault(value: string, schema: Schema): Text | null {
  const text = value.trim()
  if (!isDecimal(text)) return { zh: '请填数字', en: 'Enter a number' }
  const places = (text.split('.')[1] ?? '').length
  if (schema.type === 'integer' && places) return { zh: '请填整数', en: 'Enter a whole number' }
  if (schema.format === 'money' && places > 2) return { zh: '金额最多两位小数', en: 'At most two decimals' }
  const low = schema.minimum ?? schema.exclusiveMinimum
  if (low !== undefined && compareDecimals(text, String(low)) < (schema.minimum === undefined ? 1 : 0)) {
    return { zh: `不能小于 ${low}`, en: `Not below ${low}` }
  }
  const high = schema.maximum ?? schema.exclusiveMaximum
  if (high !== undefined && compareDecimals(text, String(high)) > (schema.maximum === undefined ? -1 : 0)) {
    return { zh: `不能大于 ${high}`, en: `Not above ${high}` }
  }
  return null
}

/** Patterns of contracts are written for Python; one that the browser cannot read is left to the server. */
function matches(value: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return true
  }
}

/** The typed value as the contract wants it; what was left empty is not sent. */
export function wireValue(value: unknown, schema: Schema): unknown {
  if (isMissing(value)) return undefined
  if (schema.type === 'integer' || schema.type === 'number') return Number(value)
  if (schema.type === 'array' && typeof value === 'string') return value.split(/[\s,，;；]+/).filter(Boolean)
  if (Array.isArray(value)) return value.map((item) => (isRecord(item) ? wireRecord(item) : item))
  if (isRecord(value)) return wireRecord(value)
  return typeof value === 'string' ? value.trim() : value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A typed record, or a row of a list of them: cells that were left empty are not sent. */
function wireRecord(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, cell]) => !isMissing(cell)).map(([name, cell]) => [name, typeof cell === 'string' ? cell.trim() : cell]))
}
