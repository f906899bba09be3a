import { mount } from '@vue/test-utils'
import { beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, h, ref } from 'vue'
import { setLanguage } from '@/language'
import FormBlock from '@/render/blocks/FormBlock.vue'
import { providePage } from '@/render/context'
import FormFields from '@/render/fields/FormFields.vue'
import { wireValue } from '@/render/fields/validate'
import type { Schema } from '@/spec/contracts'

beforeEach(() => setLanguage('zh'))

const money = (zh: string, en: string): Schema => ({ type: 'string', format: 'money', 'x-unit': 'yuan', 'x-label': { zh, en } })
const request: Schema = { type: 'object', properties: { amount: money('收款金额', 'Amount'), tendered: money('实收现金', 'Cash'), remark: { type: 'string' } } }
const operations = { 'payment.take': { kind: 'command', permit: 'payment.take', request, reply: { type: 'object', properties: { change: money('找零', 'Change') } } } }
const host = { user: { posts: [], organisation: '', language: 'zh' }, open: () => undefined, back: () => undefined, act: () => undefined }

/** A component on a page that knows the operation. */
function onPage(part: () => ReturnType<typeof h>) {
  const reply = { page: { spec: 1, id: 'payment.take', title: { zh: '收费', en: 'Take' }, blocks: [] }, operations, dictionaries: {} }
  return mount(
    defineComponent({
      setup() {
        providePage(reply as never, {}, host as never)
        return part
      },
    }),
  )
}

test('a refusal that belongs to no input is told by a label of the request, or by what it says alone', () => {
  const errors = [
    { field: 'paid_amount', zh: '金额不符', en: 'They do not agree' },
    { field: 'amount', line: 4, zh: '尾记录的金额与明细不符', en: 'The trailer does not agree' },
    { field: 'tendered', zh: '少于应收', en: 'Less than is due' },
  ]
  const shown = onPage(() => h(FormFields, { inputs: ['remark'], request, errors, modelValue: {} })).findAll('.fields__elsewhere')
  expect(shown.map((one) => one.text())).toEqual(['金额不符', '第 4 行：尾记录的金额与明细不符', '实收现金：少于应收'])
})

test('a form tells what follows from what was typed, exactly, and nothing before it is known', async () => {
  const submit = { label: { zh: '收款', en: 'Take' }, operation: 'payment.take' }
  const derived = [{ name: 'change', value: { '-': [{ var: 'form.tendered' }, { var: 'form.amount' }] } }]
  const block = { kind: 'form', fields: ['amount', 'tendered'], submit, derived }
  const page = onPage(() => h(FormBlock, { block: block as never }))
  const [amount, tendered] = page.findAll('input')
  await amount!.setValue('125.25')
  expect(page.find('.form__derived').exists()).toBe(false)
  await tendered!.setValue('9007199254740993')
  expect(page.get('.form__derived').text()).toBe('找零9,007,199,254,740,867.75 元')
  await tendered!.setValue('100')
  expect(page.get('.form__derived dd').text()).toBe('−25.25 元')
  expect(page.get('.form__derived dd').classes()).toContain('tone-danger')
})

test('rows of a list are typed by their columns, go out without empty cells, and a refusal names its row', async () => {
  const register = (zh: string, en: string): Schema => ({ type: 'string', format: 'register', 'x-label': { zh, en } })
  const row: Schema = { type: 'object', properties: { start: register('起示数', 'Start'), end: register('止示数', 'End'), multiplier: { type: 'string', default: '1', 'x-label': { zh: '倍率', en: 'Multiplier' } } } }
  const asked: Schema = { type: 'object', properties: { readings: { type: 'array', items: row, maxItems: 2, 'x-label': { zh: '示数', en: 'Registers' } } } }
  let typed: Record<string, unknown> = {}
  const errors = [{ field: 'readings.1.end', zh: '止示数小于起示数', en: 'Below the start' }]
  const inputs = [{ name: 'readings', columns: ['start', 'end', 'multiplier'] }]
  const page = onPage(() => h(FormFields, { inputs, request: asked, errors, modelValue: typed, 'onUpdate:modelValue': (values: Record<string, unknown>) => (typed = values) }))
  await vi.dynamicImportSettled()
  expect(page.get('.field__say').text()).toBe('第 2 行：止示数小于起示数')
  const [start, , multiplier] = page.findAll('input')
  expect((multiplier!.element as HTMLInputElement).value).toBe('1')
  await start!.setValue(' 100 ')
  expect(wireValue(typed['readings'], asked.properties!['readings']!)).toEqual([{ multiplier: '1', start: '100' }])
})

test('a field that is one record is typed in one row, goes out as a record, and is nothing while only its defaults stand', async () => {
  const power: Schema = { type: 'string', format: 'power', 'x-label': { zh: '容量', en: 'Power' } }
  const record: Schema = { type: 'object', properties: { power, times: { type: 'integer', default: 2, 'x-label': { zh: '倍数', en: 'Times' } } } }
  const asked: Schema = { type: 'object', $defs: { Capacity: record }, properties: { capacity: { anyOf: [{ $ref: '#/$defs/Capacity' }, { type: 'null' }], default: null, 'x-label': { zh: '超容', en: 'Excess' } } } }
  const typed = ref<Record<string, unknown>>({})
  const inputs = [{ name: 'capacity', columns: ['power', 'times'] }]
  const page = onPage(() => h(FormFields, { inputs, request: asked, errors: [], modelValue: typed.value, 'onUpdate:modelValue': (values: Record<string, unknown>) => (typed.value = values) }))
  await vi.dynamicImportSettled()
  expect(page.findAll('input').map((input) => input.attributes('aria-label'))).toEqual(['超容 容量', '超容 倍数'])
  expect(page.text()).not.toContain('增加一行')
  const [kilowatts] = page.findAll('input')
  await kilowatts!.setValue(' 21 ')
  expect(wireValue(typed.value['capacity'], asked.properties!['capacity']!)).toEqual({ power: '21', times: 2 })
  await kilowatts!.setValue('')
  expect(typed.value['capacity']).toBeUndefined()
})
