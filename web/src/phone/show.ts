/** Values as a customer reads them: money to the fen, energy without empty decimals, months and days as words. */
import { groupDecimal, isDecimal, sumDecimals } from '@/format/decimal'
import { language } from '@/language'

export const NOTHING = '—'

export function yuan(text: string | null | undefined): string {
  return text != null && isDecimal(text) ? groupDecimal(text, 2) : NOTHING
}

/** Without trailing zeros after the point: "185.000" is 185. */
export function plain(text: string | null | undefined): string {
  if (text == null || !isDecimal(text)) return NOTHING
  return groupDecimal(text.includes('.') ? text.replace(/\.?0+$/, '') : text)
}

export function monthName(month: string): string {
  const [year = '', number = ''] = month.split('-')
  if (!/^\d{4}-\d{2}$/.test(month)) return month
  if (language.value === 'zh') return `${year} 年 ${Number(number)} 月`
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`))
}

export function shortMonth(month: string): string {
  const number = Number(month.slice(5))
  if (language.value === 'zh') return `${number} 月`
  return new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`))
}

export function dayName(day: string | null | undefined): string {
  if (!day || !/^\d{4}-\d{2}-\d{2}/.test(day)) return NOTHING
  const [, month, date] = day.slice(0, 10).split('-')
  if (language.value === 'zh') return `${Number(month)} 月 ${Number(date)} 日`
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(`${day.slice(0, 10)}T00:00:00Z`))
}

/** Until when to pay, as a phrase. */
export function dueBy(day: string | null | undefined): string {
  if (!day) return ''
  return language.value === 'zh' ? `${dayName(day)}前缴费` : `Pay by ${dayName(day)}`
}

/** A difference with its sign; nothing has none. */
export function signed(text: string): string {
  return text.startsWith('-') || !/[1-9]/.test(text) ? yuan(text) : `+${yuan(text)}`
}

/** Lengths of bars in percent of the longest. */
export function lengthsOf(amounts: string[]): number[] {
  const lengths = amounts.map((amount) => Math.abs(Number(amount)))
  const longest = Math.max(...lengths, 0)
  return lengths.map((length) => (longest > 0 ? Math.round((100 * length) / longest) : 0))
}

export interface Part {
  group: string
  amount: string
}

/** The amounts of a bill's lines summed by group, greatest first, exact. */
export function byGroup(lines: { group: string; amount: string }[]): Part[] {
  const found = new Map<string, string[]>()
  for (const line of lines) found.set(line.group, [...(found.get(line.group) ?? []), line.amount])
  return [...found].map(([group, amounts]) => ({ group, amount: sumDecimals(amounts) })).sort((one, other) => Number(other.amount) - Number(one.amount))
}

/** The share of each part in what was charged, for lengths alone. */
export function shares(parts: Part[]): number[] {
  const lengths = parts.map((part) => Math.max(Number(part.amount), 0))
  const whole = lengths.reduce((sum, length) => sum + length, 0)
  return lengths.map((length) => (whole > 0 ? length / whole : 0))
}

/** Bills of one account by year, newest first. */
export function byYear<Row extends { month: string }>(rows: Row[]): { year: string; rows: Row[] }[] {
  const found = new Map<string, Row[]>()
  for (const row of [...rows].sort((one, other) => other.month.localeCompare(one.month))) {
    const year = row.month.slice(0, 4)
    found.set(year, [...(found.get(year) ?? []), row])
  }
  return [...found].map(([year, list]) => ({ year, rows: list }))
}

/** Money as fen, to compare; only for decimal text with at most two places. */
export function isPositive(text: string | null | undefined): boolean {
  return text != null && isDecimal(text) && !text.startsWith('-') && /[1-9]/.test(text)
}
