import { beforeEach, describe, expect, it } from 'vitest'
import { compareDecimals, groupDecimal, sumDecimals } from '@/format/decimal'
import { format, formatWithUnit, headerOf, instant, isNegativeValue } from '@/format/format'
import { setLanguage } from '@/language'
import { isFigure, type Schema } from '@/spec/contracts'

const MONEY: Schema = { type: 'string', format: 'money', 'x-unit': 'yuan', 'x-label': { zh: '电费', en: 'Charge' } }
const ENERGY: Schema = { type: 'string', format: 'energy', 'x-unit': 'kWh', 'x-label': { zh: '电量', en: 'Energy' } }
const PRICE: Schema = { type: 'string', format: 'price', 'x-unit': 'yuan/kWh', 'x-label': { zh: '电价', en: 'Price' } }

beforeEach(() => setLanguage('zh'))

describe('decimal text', () => {
  it.each([
    ['0', 0, '0'],
    ['1234567.5', 2, '1,234,567.50'],
    ['-1234', 2, '−1,234.00'],
    ['-0.00', 2, '0.00'],
    ['999', 0, '999'],
    ['0.47700000', 0, '0.47700000'],
    ['12345678901234567890.01', 2, '12,345,678,901,234,567,890.01'],
  ])('groups %s', (text, places, shown) => expect(groupDecimal(text, places)).toBe(shown))
  it('adds exactly', () => {
    expect(sumDecimals(['0.1', '0.2'])).toBe('0.3')
    expect(sumDecimals(['-1.00', '0.25'])).toBe('-0.75')
    expect(sumDecimals([])).toBe('0')
    expect(sumDecimals(['7', '8'])).toBe('15')
  })
  it('compares by value', () => expect(compareDecimals('9.9', '10.01')).toBe(-1))
})

describe('values by their schema', () => {
  it('shows money with two places and keeps its unit for the header', () => {
    expect(format('-65.2', MONEY)).toBe('−65.20')
    expect(headerOf(MONEY, 'amount')).toBe('电费（元）')
    expect(formatWithUnit('65.22', MONEY)).toBe('65.22 元')
    expect(isNegativeValue('-0.01', MONEY)).toBe(true)
    expect(isNegativeValue('-0.00', MONEY)).toBe(false)
  })
  it('leaves energy as the rule says', () => expect(format('1234.567', ENERGY)).toBe('1,234.567'))
  it('writes the number of an order as it is, and what is counted as a figure', () => {
    const order: Schema = { type: 'integer', 'x-label': { zh: '补抄单号', en: 'Order no.' } }
    const count: Schema = { type: 'integer', 'x-label': { zh: '户数', en: 'Accounts' } }
    expect([format(1538, order), format(1538, count)]).toEqual(['1538', '1,538'])
    expect([isFigure(order), isFigure(count), isFigure(MONEY)]).toEqual([false, true, true])
  })
  it('names compound units', () => expect(headerOf(PRICE, 'price')).toBe('电价（元/kWh）'))
  it('speaks English too', () => {
    setLanguage('en')
    expect(headerOf(MONEY, 'amount')).toBe('Charge (CNY)')
    expect(format(true, {})).toBe('Yes')
  })
  it('shows instants in Shanghai time', () => expect(instant('2026-04-30T16:00:00Z')).toBe('2026-05-01 00:00'))
  it('shows dictionary texts, and the bare value of an unknown one', () => {
    const state: Schema = { type: 'string', 'x-dictionary': 'bill.state' }
    const dictionaries = { 'bill.state': { held: { zh: '挂起', en: 'Held' } } }
    expect(format('held', state, dictionaries)).toBe('挂起')
    expect(format('constructor', state, dictionaries)).toBe('constructor')
  })
  it('shows nothing as a dash', () => expect(format(null, MONEY)).toBe('—'))
  it('shows both-language values and periods', () => {
    expect(format({ zh: '甲', en: 'A' }, {})).toBe('甲')
    expect(format({ zh: '', en: '' }, {})).toBe('—')
    expect(format({ start: '2026-03-31T16:00:00Z', end: '2026-04-30T16:00:00Z' }, {})).toBe('2026-04-01 00:00 ~ 2026-05-01 00:00')
  })
})
