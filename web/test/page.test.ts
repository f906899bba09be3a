import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { setLanguage } from '@/language'
import { ApiProblem } from '@/api/problem'
import PageView from '@/render/PageView.vue'

/** The server's answer, or its refusal. */
const call = vi.hoisted(() => vi.fn())
vi.mock('@/api/client', async (original) => ({ ...(await original<object>()), call }))

beforeEach(() => {
  setLanguage('zh')
  vi.useFakeTimers({ toFake: ['setTimeout'] })
})
afterEach(() => void vi.useRealTimers())

const operations = { 'billing.change': { kind: 'query', permit: 'billing.read', request: {}, reply: { type: 'object', properties: { rows: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } } } } } }
const host = { user: { posts: [], organisation: '', language: 'zh' }, open: () => undefined, back: () => undefined, act: () => undefined }
const block = { kind: 'list', title: { zh: '逐项原因', en: 'Causes' }, source: 'change', rows: 'rows', key: 'name', fields: ['name'] }

function opened() {
  const page = { spec: 1, id: 'billing.change', title: { zh: '电费为什么变化', en: 'Why it changed' }, heading: 'page.bill_no', sources: { change: { operation: 'billing.change' } }, blocks: [block, block] }
  return mount(PageView, { props: { reply: { page, operations, dictionaries: {} } as never, parameters: { bill_no: '20260458' }, host: host as never } })
}

test('what keeps a source from being read is told once, and all its blocks are drawn once it can be read', async () => {
  call.mockRejectedValue(new ApiProblem('problem', 409, { zh: '没有可比的账单', en: 'Nothing to compare' }, null, 'billing/not-comparable'))
  const page = opened()
  await flushPromises()
  expect(page.get('h1').text()).toBe('20260458电费为什么变化')
  expect(page.findAll('.state__title').map((one) => one.text())).toEqual(['没有可比的账单'])
  expect(page.get('.state').text()).not.toContain('按提示修改')
  call.mockResolvedValue({ rows: [{ name: '林' }] })
  // A shared answer is kept a moment, also one that is a refusal.
  vi.runAllTimers()
  await page.get('.fresh__again').trigger('click')
  await flushPromises()
  expect(page.find('.state').exists()).toBe(false)
  expect(page.findAll('tbody').map((one) => one.text())).toEqual(['林', '林'])
})
