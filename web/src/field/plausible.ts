/** Plausibility of a register at entry, without a network: the rules of src/denghuo/service/reading/rules/field.py, held to the same
 * cases. Exact: registers are whole numbers of 1e-4. */
import type { Channel, Order } from '@/field/kept'

export type Warning = 'negative' | 'still' | 'over_capacity' | 'high' | 'low'
type Meter = Pick<Order, 'integer_digits' | 'decimal_digits' | 'times' | 'rollover_e4'>
type Known = Pick<Channel, 'last' | 'last_at' | 'usual_a_day' | 'most_a_day'>

const DAY_MS = 86_400_000
const PLACES = 4

function e4(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(PLACES, '0'))
}

/** Whether the register has these digits. */
export function shows(text: string, meter: Meter): boolean {
  const found = /^(\d{1,12})(?:\.(\d{1,4}))?$/.exec(text)
  if (!found) return false
  const [, whole = '', fraction = ''] = found
  return whole.replace(/^0+/, '').length <= meter.integer_digits && fraction.replace(/0+$/, '').length <= meter.decimal_digits
}

/** How far the register went, over its turn too; null where it ran backwards. */
function advance(before: bigint, after: bigint, meter: Meter): bigint | null {
  if (after >= before) return after - before
  const modulus = 10n ** BigInt(meter.integer_digits + PLACES)
  const reach = (modulus * BigInt(meter.rollover_e4)) / 10_000n
  const turned = after + modulus - before
  return before >= modulus - reach && turned <= reach ? turned : null
}

/** What a reader must look at again. at: when the register stood so. */
export function warningsOf(text: string, at: Date, known: Known, meter: Meter): Warning[] {
  if (known.last === null || known.last_at === null) return []
  const went = advance(e4(known.last), e4(text), meter)
  if (went === null) return ['negative']
  const days = BigInt(Math.max(Math.ceil((at.getTime() - new Date(known.last_at).getTime()) / DAY_MS), 1))
  const found: Warning[] = []
  if (known.most_a_day !== null && went > e4(known.most_a_day) * days) found.push('over_capacity')
  const usual = e4(known.usual_a_day ?? '0') * days
  const times = BigInt(meter.times)
  if (usual > 0n && went === 0n) found.push('still')
  else if (usual > 0n && went > usual * times) found.push('high')
  else if (usual > 0n && went * times < usual) found.push('low')
  return found
}
