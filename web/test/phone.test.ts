import { beforeEach, describe, expect, it } from 'vitest'
import { setLanguage } from '@/language'
import { byGroup, byYear, dayName, dueBy, isPositive, lengthsOf, monthName, plain, shares, shortMonth, signed, yuan } from '@/phone/show'
import { stateOf } from '@/phone/texts'

beforeEach(() => setLanguage('zh'))

describe('what a customer reads', () => {
  it('keeps money to the fen and energy without empty decimals', () => {
    expect([yuan('1234.5'), yuan('-3.00'), yuan(null), yuan('1e3')]).toEqual(['1,234.50', '−3.00', '—', '—'])
    expect([plain('185.000'), plain('0.02911500'), plain('1200'), plain('10.10'), plain(undefined)]).toEqual(['185', '0.029115', '1,200', '10.1', '—'])
  })

  it('says months and days in both languages, whatever the clock of the phone is', () => {
    expect([monthName('2026-04'), shortMonth('2026-12'), dayName('2026-05-20'), dueBy('2026-05-20')]).toEqual(['2026 年 4 月', '12 月', '5 月 20 日', '5 月 20 日前缴费'])
    setLanguage('en')
    expect([monthName('2026-04'), shortMonth('2026-12'), dayName('2026-05-20'), dueBy(null)]).toEqual(['April 2026', 'Dec', '20 May', ''])
    expect([monthName('<b>'), dayName('nonsense')]).toEqual(['<b>', '—'])
  })

  it('sums a bill by group to the fen', () => {
    const parts = byGroup([
      { group: 'fund', amount: '0.10' },
      { group: 'energy', amount: '0.10' },
      { group: 'energy', amount: '0.20' },
      { group: 'power_factor', amount: '-1.00' },
    ])
    expect(parts).toEqual([
      { group: 'energy', amount: '0.30' },
      { group: 'fund', amount: '0.10' },
      { group: 'power_factor', amount: '-1.00' },
    ])
    expect(shares(parts).map((share) => share.toFixed(2))).toEqual(['0.75', '0.25', '0.00'])
    expect(shares([])).toEqual([])
  })

  it('calls a bill that was taken back so, whatever was paid of it', () => {
    const paid = { kind: 'supply', state: 'paid' }
    const said = (state: string, reverses: string | null, item = paid) => stateOf({ state, reverses }, item)?.text.en
    expect([said('issued', null), said('reversed', null), said('reversed', '2026')]).toEqual(['Paid', 'Taken back', 'Reversal'])
    expect([said('issued', null, { kind: 'purchase', state: 'paid' }), stateOf({ state: 'issued', reverses: null }, null)]).toEqual(['Settled', null])
  })

  it('orders bills by year and month, newest first', () => {
    const years = byYear([{ month: '2025-12' }, { month: '2026-01' }, { month: '2026-04' }])
    expect(years.map((year) => [year.year, year.rows.map((row) => row.month)])).toEqual([
      ['2026', ['2026-04', '2026-01']],
      ['2025', ['2025-12']],
    ])
  })

  it('asks for money only where something is owed', () => {
    expect(['0.01', '151.78', '0.00', '-5.00', '', null, 'x'].map(isPositive)).toEqual([true, true, false, false, false, false, false])
  })
})

it('a difference shows its sign, and bars are as long as their amounts', () => {
  expect(['12.5', '-12.50', '0.00'].map(signed)).toEqual(['+12.50', yuan('-12.50'), '0.00'])
  expect(lengthsOf(['-50.00', '100.00', '0.00'])).toEqual([50, 100, 0])
  expect(lengthsOf(['0.00'])).toEqual([0])
})
