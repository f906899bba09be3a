import { describe, expect, it } from 'vitest'
import cases from '../../tests/service/reading/field_cases.json'
import { shows, warningsOf } from '@/field/plausible'

const meter = { integer_digits: 6, decimal_digits: 2, times: 3, rollover_e4: 1_000 }

describe('plausibility at entry on site', () => {
  it.each(cases)('says the same as the server: $name', (one) => {
    const found = shows(one.shown, meter) ? warningsOf(one.shown, new Date(one.at), one, meter) : null
    expect(found).toEqual(one.warnings)
  })

  it.each(['', '.', '12.', '-1', '1e3', ' 12', '12a'])('takes no register of “%s”', (text) => expect(shows(text, meter)).toBe(false))
})
