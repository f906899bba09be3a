/** Decimal text, the wire form of money and energy. Never a float: digits are moved, grouped and compared as text. */

const DECIMAL = /^-?\d{1,30}(\.\d{1,12})?$/

export function isDecimal(text: string): boolean {
  return DECIMAL.test(text)
}

function parts(text: string): { negative: boolean; whole: string; fraction: string } {
  const negative = text.startsWith('-')
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  return { negative, whole: whole.replace(/^0+(?=\d)/, ''), fraction }
}

/** The whole number of 1e-12 that the text stands for. */
function scaled(text: string): bigint {
  const { negative, whole, fraction } = parts(text)
  const digits = BigInt(whole + fraction.padEnd(12, '0'))
  return negative ? -digits : digits
}

/** Negative, zero or positive, by exact value. */
export function compareDecimals(left: string, right: string): number {
  const difference = scaled(left) - scaled(right)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

export function isNegative(text: string): boolean {
  return text.startsWith('-') && /[1-9]/.test(text)
}

export function negated(text: string): string {
  return text.startsWith('-') ? text.slice(1) : `-${text}`
}

/** Exact sum of decimal texts, with as many places as the longest of them. */
export function sumDecimals(texts: string[]): string {
  const places = Math.max(0, ...texts.map((text) => parts(text).fraction.length))
  const total = texts.reduce((sum, text) => sum + scaled(text), 0n)
  const digits = (total < 0n ? -total : total).toString().padStart(13, '0')
  const fraction = digits.slice(-12, -12 + places || undefined).slice(0, places)
  return `${total < 0n ? '-' : ''}${digits.slice(0, -12)}${places ? `.${fraction}` : ''}`
}

/** The most places after the point among values of a column, so that their points stand under each other. */
export function mostPlaces(values: unknown[]): number {
  return Math.max(0, ...values.map((value) => (typeof value === 'string' && isDecimal(value) ? parts(value).fraction.length : 0)))
}

/** Thousands separated, a true minus sign, at least `leastPlaces` places after the point. Further digits are kept. */
export function groupDecimal(text: string, leastPlaces = 0): string {
  const { negative, whole, fraction } = parts(text)
  const padded = fraction.padEnd(leastPlaces, '0')
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  const sign = negative && /[1-9]/.test(whole + fraction) ? '−' : ''
  return `${sign}${grouped}${padded ? `.${padded}` : ''}`
}
