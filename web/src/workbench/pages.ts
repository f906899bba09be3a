/** Menus and pages as the application module gives them to this user. */
import { shallowRef } from 'vue'
import { call } from '@/api/client'
import type { PageReply } from '@/render/context'
import type { Text } from '@/spec/contracts'
import { businessMonth } from '@/workbench/session'

export interface MenuItem {
  page: string
  title: Text
  note?: Text | null
  icon: string
  count?: number | null
}

export interface MenuGroup {
  app: string
  title: Text
  icon: string
  items: MenuItem[]
}

export const CHANNEL = 'pc'
export const menus = shallowRef<MenuGroup[]>([])

export async function readMenus(): Promise<void> {
  const reply = await call<{ groups: MenuGroup[]; month: string }>('application.menus', { channel: CHANNEL })
  businessMonth.value = reply.month
  menus.value = reply.groups
}

const cache = new Map<string, Promise<PageReply>>()

/** A page is read once per visit; it changes only when it is published anew. */
export function readPage(name: string): Promise<PageReply> {
  const found = cache.get(name)
  if (found) return found
  const [app, page] = name.split('.')
  const asked = call<PageReply>('application.page', { app, page, channel: CHANNEL })
  cache.set(name, asked)
  asked.catch(() => cache.delete(name))
  return asked
}

export function forgetPages(): void {
  cache.clear()
  menus.value = []
}

export function menuOf(page: string): { group: MenuGroup; item: MenuItem } | null {
  for (const group of menus.value) {
    const item = group.items.find((one) => one.page === page)
    if (item) return { group, item }
  }
  return null
}
