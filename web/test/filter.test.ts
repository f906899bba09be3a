import { mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { defineComponent, h, nextTick, ref } from 'vue'
import { providePage, type Row } from '@/render/context'
import FilterBar from '@/render/fields/FilterBar.vue'

const request = { type: 'object', properties: { keyword: { type: 'string', 'x-label': { zh: '户号', en: 'Account' } } } }
const reply = { page: { spec: 1, id: 'customer.accounts', title: { zh: '客户', en: 'Customers' }, blocks: [] }, operations: {}, dictionaries: {} }
const host = { user: { posts: [], organisation: '', language: 'zh' }, open: () => undefined, back: () => undefined, act: () => undefined }

test('values that come anew with the same content do not wipe what is being typed', async () => {
  const values = ref<Row>({})
  const found: Row[] = []
  const page = defineComponent({
    setup() {
      providePage(reply as never, {}, host as never)
      return () => h(FilterBar, { inputs: ['keyword'], request, values: values.value, onFind: (given: Row) => found.push(given) })
    },
  })
  const bar = mount(page)
  await bar.get('input').setValue('5810100000027')
  values.value = {}
  await nextTick()
  await bar.get('form').trigger('submit')
  expect(found).toEqual([{ keyword: '5810100000027' }])
  values.value = { keyword: 'other' }
  await nextTick()
  await bar.get('form').trigger('submit')
  expect(found[1]).toEqual({ keyword: 'other' })
})
