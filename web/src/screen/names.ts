import { language } from '@/language'
import type { Text } from '@/spec/contracts'

/** A station's name without the words that all of them share. */
export function shortStation(name: Text): string {
  const shown = name[language.value] || name.zh
  return language.value === 'zh' ? shown.replace(/供电(所|公司)$/, '') : shown.replace(/ (Power )?Supply (Station|Company)$/, '')
}

/** The units that no other of them belongs to: a company beside its own stations is not one of them. */
export function stationsAlone<Unit extends { org: string }>(units: Unit[]): Unit[] {
  return units.filter((unit) => !units.some((other) => other.org.startsWith(`${unit.org}.`)))
}
