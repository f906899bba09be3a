import { expect, test } from 'vitest'
import { placeOf, type MenuGroup } from '@/workbench/pages'

const text = (zh: string) => ({ zh, en: zh })
const group = (app: string, ...pages: string[]): MenuGroup => ({ app, title: text(app), icon: app, items: pages.map((page) => ({ page, title: text(page), icon: app })) })
const groups = [group('customer', 'customer.accounts'), group('billing', 'billing.run', 'billing.bills')]

test('a page stands where the menus have it, else under its parent, else in the group of its app', () => {
  expect(placeOf(groups, 'billing.run')?.item?.page).toBe('billing.run')
  expect(placeOf(groups, 'billing.bill', 'billing.bills')).toMatchObject({ group: { app: 'billing' }, item: { page: 'billing.bills' } })
  expect(placeOf(groups, 'payment.receipt', 'customer.accounts')?.group.app).toBe('customer')
  expect(placeOf(groups, 'billing.rule', 'billing.rules')).toMatchObject({ group: { app: 'billing' }, item: null })
  expect(placeOf(groups, 'tariff.tariff', 'tariff.tariffs')).toBeNull()
})
