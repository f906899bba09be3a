/** Values of contract messages as people read them. Everything comes from the schema: nothing is guessed from a field's name. */
import { groupDecimal, isDecimal, isNegative } from '@/format/decimal'
import { personOf, STAFF } from '@/format/people'
import { language, t } from '@/language'
import type { Dictionaries, DictionaryEntry, Schema, Text } from '@/spec/contracts'
import { isIdentifier, isNumeric } from '@/spec/contracts'

export const NOTHING = '—'

const UNITS: Record<string, Text> = {
  yuan: { zh: '元', en: 'CNY' },
  fen: { zh: '分', en: 'fen' },
  percent: { zh: '%', en: '%' },
  day: { zh: '天', en: 'days' },
  month: { zh: '月', en: 'months' },
  household: { zh: '户', en: 'accounts' },
  's': { zh: '秒', en: 's' },
  ms: { zh: '毫秒', en: 'ms' },
}

export function unitOf(schema: Schema): string {
  const unit = schema['x-unit'] ?? (schema.format === 'percent' ? 'percent' : '')
  if (!unit) return ''
  const [head = '', per] = unit.split('/')
  const shown = Object.hasOwn(UNITS, head) ? t(UNITS[head]) : head
  if (!per) return shown
  return `${shown}/${Object.hasOwn(UNITS, per) ? t(UNITS[per]) : per}`
}

/** What the field is called; a message without a label is named by its path, so that the lack is seen and mended. */
export function labelOf(schema: Schema, path: string): string {
  const label = schema['x-label']
  return label ? t(label) : (path.split('.').pop() ?? path).replaceAll('_', ' ')
}

export function headerOf(schema: Schema, path: string): string {
  const unit = isNumeric(schema) ? unitOf(schema) : ''
  if (!unit) return labelOf(schema, path)
  return language.value === 'zh' ? `${labelOf(schema, path)}（${unit}）` : `${labelOf(schema, path)} (${unit})`
}

export function entryOf(value: unknown, schema: Schema, dictionaries: Dictionaries): DictionaryEntry | null {
  const name = schema['x-dictionary']
  if (name === STAFF && typeof value === 'string' && value) return personOf(value)
  if (!name || value === null || value === undefined || !Object.hasOwn(dictionaries, name)) return null
  const entries = dictionaries[name]!
  return Object.hasOwn(entries, String(value)) ? entries[String(value)]! : null
}

export function isNegativeValue(value: unknown, schema: Schema): boolean {
  if (!isNumeric(schema)) return false
  return typeof value === 'number' ? value < 0 : typeof value === 'string' && isNegative(value)
}

/** The value as text, without its unit. */
export function format(value: unknown, schema: Schema, dictionaries: Dictionaries = {}, places = 0): string {
  if (value === null || value === undefined || value === '') return NOTHING
  const entry = entryOf(value, schema, dictionaries)
  if (entry) return t(entry)
  if (typeof value === 'boolean') return t(value ? { zh: '是', en: 'Yes' } : { zh: '否', en: 'No' })
  if (typeof value === 'number') return isIdentifier(schema) ? String(value) : number(value)
  if (typeof value === 'string') return text(value, schema, places)
  if (Array.isArray(value)) return value.map((item) => format(item, schema.items ?? {}, dictionaries)).join(value.some(isText) ? '\n' : '、')
  if (isText(value)) return t(value) || NOTHING
  return period(value as Record<string, unknown>)
}

/** The value with its unit, for places without a header. */
export function formatWithUnit(value: unknown, schema: Schema, dictionaries: Dictionaries = {}): string {
  const shown = format(value, schema, dictionaries)
  const unit = isNumeric(schema) ? unitOf(schema) : ''
  return unit && shown !== NOTHING ? `${shown}${unit === '%' ? '' : ' '}${unit}` : shown
}

function isText(value: unknown): value is Text {
  return typeof value === 'object' && value !== null && typeof (value as Text).zh === 'string' && typeof (value as Text).en === 'string'
}

function number(value: number): string {
  if (!Number.isFinite(value)) return NOTHING
  const shown = String(value)
  return isDecimal(shown) ? groupDecimal(shown) : shown
}

function text(value: string, schema: Schema, places: number): string {
  if (isNumeric(schema) && isDecimal(value)) return groupDecimal(value, Math.max(places, schema.format === 'money' ? 2 : 0))
  if (schema.format === 'date-time') return instant(value)
  return value
}

const SHANGHAI = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** An instant as Shanghai wall time, to the minute; seconds only where they are not zero and asked for. */
export function instant(value: string, seconds = false): string {
  const time = new Date(value)
  if (Number.isNaN(time.getTime())) return value
  const shown = SHANGHAI.format(time)
  return seconds ? shown : shown.slice(0, 16)
}

function period(value: Record<string, unknown>): string {
  const { start, end } = value
  if (typeof start !== 'string') return NOTHING
  const from = start.length > 10 ? instant(start) : start
  if (typeof end !== 'string') return language.value === 'zh' ? `${from} 起` : `from ${from}`
  return `${from} ~ ${end.length > 10 ? instant(end) : end}`
}

/** How long ago or ahead, in the words of the language, for progress and freshness. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const zh = language.value === 'zh'
  if (whole < 60) return zh ? `${whole} 秒` : `${whole} s`
  if (whole < 3600) return zh ? `${Math.floor(whole / 60)} 分 ${whole % 60} 秒` : `${Math.floor(whole / 60)} min ${whole % 60} s`
  return zh ? `${Math.floor(whole / 3600)} 小时 ${Math.floor((whole % 3600) / 60)} 分` : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
