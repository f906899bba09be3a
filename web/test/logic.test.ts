import { describe, expect, it } from 'vitest'
import cases from '../../tests/application/spec/logic.json'
import { evaluate, holds, looksAt, NotLogic, requireLogic, type Scope } from '@/spec/logic'

describe('conditions, by the table that the Python evaluator is held to', () => {
  it.each(cases.evaluates)('evaluates: $why', ({ logic, data, value }) => {
    expect(() => requireLogic(logic)).not.toThrow()
    expect(evaluate(logic, data as Scope)).toEqual(value)
  })
  it.each(cases.refuses)('refuses: $why', ({ logic }) => {
    expect(() => requireLogic(logic)).toThrow(NotLogic)
  })
  it('holds without a condition and does not with a broken one', () => {
    expect(holds(undefined, {})).toBe(true)
    expect(holds({ eval: ['1'] }, {})).toBe(false)
  })
  it('sees own members only, whatever the data inherits', () => {
    expect(evaluate({ var: 'row.tostring' }, { row: {} })).toBeNull()
    expect(evaluate({ var: 'row.secret' }, { row: Object.create({ secret: 1 }) as object })).toBeNull()
  })
  it('tells what is looked at, however deep, and takes no text for a path', () => {
    const given = { account_no: { var: 'reply.account_no' } }
    expect(looksAt({ if: [{ '!': [{ var: ['page.kind', 'reply.kind'] }] }, 'reply.kind', null] }, 'reply')).toBe(false)
    expect(looksAt([undefined, given], 'reply')).toBe(true)
    expect(looksAt([{ and: [true, { '==': [{ var: 'reply.state' }, 'open'] }] }], 'reply')).toBe(true)
    expect(looksAt({ page: 'billing.as_known', given }, 'reply')).toBe(true)
    expect(looksAt(given, 'row')).toBe(false)
  })
})
