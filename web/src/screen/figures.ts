/** Figures as a wall shows them: few digits, the unit that fits, decimal text moved and rounded as text, never as a float. */
import { groupDecimal, isDecimal, isNegative } from '@/format/decimal'
import { language } from '@/language'

export interface Shown {
  value: string
  unit: string
}

export const NOTHING: Shown = { value: '—', unit: '' }

/** Decimal text divided by 10**places and rounded half away from zero to `keep` places. */
export function shifted(text: string, places: number, keep: number): string {
  const negative = text.startsWith('-')
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  // One integer of 10**-(fraction + places), from which all but `keep` places are rounded away.
  const digits = BigInt(whole + fraction)
  const drop = fraction.length + places - keep
  const unit = 10n ** BigInt(Math.max(drop, 0))
  const scaled = drop >= 0 ? (2n * digits + unit) / (2n * unit) : digits * 10n ** BigInt(-drop)
  const shown = scaled.toString().padStart(keep + 1, '0')
  const text_ = keep ? `${shown.slice(0, -keep)}.${shown.slice(-keep)}` : shown
  return negative && scaled !== 0n ? `-${text_}` : text_
}

function magnitude(text: string): number {
  return (text.replace('-', '').split('.')[0] ?? '').replace(/^0+/, '').length
}

interface Step {
  from: number
  places: number
  keep: number
  zh: string
  en: string
}

function fitted(text: string | null | undefined, steps: { zh: Step[]; en: Step[] }): Shown {
  if (text === null || text === undefined || !isDecimal(text)) return NOTHING
  const chosen = steps[language.value]
  const step = chosen.find((one) => magnitude(text) >= one.from) ?? chosen[chosen.length - 1]!
  return { value: groupDecimal(shifted(text, step.places, step.keep)), unit: step[language.value] }
}

const ENERGY = {
  zh: [
    { from: 9, places: 8, keep: 2, zh: '亿千瓦时', en: '' },
    { from: 5, places: 4, keep: 2, zh: '万千瓦时', en: '' },
    { from: 0, places: 0, keep: 0, zh: '千瓦时', en: '' },
  ],
  en: [
    { from: 7, places: 6, keep: 2, zh: '', en: 'GWh' },
    { from: 4, places: 3, keep: 1, zh: '', en: 'MWh' },
    { from: 0, places: 0, keep: 0, zh: '', en: 'kWh' },
  ],
}
const MONEY = {
  zh: [
    { from: 9, places: 8, keep: 2, zh: '亿元', en: '' },
    { from: 5, places: 4, keep: 2, zh: '万元', en: '' },
    { from: 0, places: 0, keep: 2, zh: '元', en: '' },
  ],
  en: [
    { from: 7, places: 6, keep: 2, zh: '', en: 'M yuan' },
    { from: 4, places: 3, keep: 1, zh: '', en: 'k yuan' },
    { from: 0, places: 0, keep: 2, zh: '', en: 'yuan' },
  ],
}

export const energy = (text: string | null | undefined): Shown => fitted(text, ENERGY)
export const money = (text: string | null | undefined): Shown => fitted(text, MONEY)

export function count(value: number | null | undefined): Shown {
  return value === null || value === undefined ? NOTHING : { value: groupDecimal(String(value)), unit: '' }
}

export function percent(text: string | null | undefined): Shown {
  if (text === null || text === undefined || !isDecimal(text)) return NOTHING
  return { value: groupDecimal(shifted(text, 0, 2)), unit: '%' }
}

export function price(text: string | null | undefined): Shown {
  if (text === null || text === undefined || !isDecimal(text)) return NOTHING
  return { value: groupDecimal(shifted(text, 0, 4)), unit: language.value === 'zh' ? '元/千瓦时' : 'yuan/kWh' }
}

/** Lengths and colours only: what is read stands as text beside. */
export function plotted(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !isDecimal(text)) return null
  return Number(text)
}

/** A part of the longest as 0..1 for the length of a bar. */
export function lengthOf(value: string | number | null | undefined, longest: number): number {
  const number = typeof value === 'number' ? value : plotted(value)
  if (number === null || number === undefined || longest <= 0) return 0
  return Math.max(0, Math.min(1, number / longest))
}

export type LossBand = 'negative' | 'normal' | 'raised' | 'high' | 'unknown'

/** Bands of an area's loss in percent: below zero, to 6, to 10, above. */
export function lossBand(text: string | null | undefined): LossBand {
  if (text === null || text === undefined || !isDecimal(text)) return 'unknown'
  if (isNegative(text)) return 'negative'
  const value = Number(text)
  if (value <= 6) return 'normal'
  return value <= 10 ? 'raised' : 'high'
}

/** How late, in words short enough for a corner. */
export function lag(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '—'
  const zh = language.value === 'zh'
  if (ms < 1000) return zh ? `${ms} 毫秒` : `${ms} ms`
  if (ms < 60_000) return zh ? `${(ms / 1000).toFixed(1)} 秒` : `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.round(ms / 60_000)
  return zh ? `${minutes} 分钟` : `${minutes} min`
}
