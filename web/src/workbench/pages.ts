/** Menus and pages as the application module gives them to this user. */
import { ref, shallowRef } from 'vue'
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

/** The page of the menus where the reader is: the present one, or the one that it belongs under. */
export const here = ref('')

export interface Place {
  group: MenuGroup
  /** Nothing where the page stands under none that this reader's menus have. */
  item: MenuItem | null
}

/** Where a page stands in the menus: itself, else the page that it belongs under, else the group of its own app. */
export function placeOf(groups: MenuGroup[], page: string, under?: string | null): Place | null {
  for (const name of [page, under]) {
    for (const group of groups) {
      const item = group.items.find((one) => one.page === name)
      if (item) return { group, item }
    }
  }
  const group = groups.find(({ app }) => app === page.split('.')[0])
  return group ? { group, item: null } : null
}
