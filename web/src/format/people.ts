/** Names of the persons behind user names. Values on a page ask for them one by one; the server is asked once for all. */
import { reactive } from 'vue'
import { call } from '@/api/client'
import type { Text } from '@/spec/contracts'

/** The dictionary whose entries are persons: data of the permission service, too many to come with a page. */
export const STAFF = 'staff'
/** As many as one question takes. */
const AT_ONCE = 1000
const known = reactive<Record<string, Text>>({})
const asked = new Set<string>()
let waiting: string[] = []

/** The name, or null until it is known and where nobody is called so: then the user name stands for it. */
export function personOf(userName: string): Text | null {
  if (!asked.has(userName)) {
    asked.add(userName)
    if (!waiting.length) setTimeout(() => void ask())
    waiting.push(userName)
  }
  return known[userName] ?? null
}

async function ask(): Promise<void> {
  const wanted = waiting
  waiting = []
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    const names = wanted.slice(from, from + AT_ONCE)
    try {
      const found = await call<{ rows: { user_name: string; name: Text }[] }>('permission.names', { user_names: names }, { quiet: true })
      for (const row of found.rows) known[row.user_name] = row.name
    } catch {
      // User names say who it was, too; the next page asks again.
      for (const name of names) asked.delete(name)
    }
  }
}
