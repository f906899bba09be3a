/** Who is signed in, as the server says. */
import { computed, ref, shallowRef } from 'vue'
import { call, newKey, onSignedOut, setCsrf } from '@/api/client'
import { language } from '@/language'
import type { Text } from '@/spec/contracts'

export interface Session {
  actor: string
  name: string
  organisation: string
  organisation_name: string
  organisation_title?: Text | null
  post: string
  post_name: Text | string
  posts: string[]
  places: { org: string; org_name: Text; post_name: Text }[]
  permits: string[]
  accounts: string[]
  csrf: string
  as_of: string | null
}

export const session = shallowRef<Session | null>(null)
/** Set when a session ended under the reader's hands: the page stays, the sign-in form comes over it. */
export const ended = ref(false)

/** The month that business is at, as the menus say. */
export const businessMonth = ref('')

export const user = computed(() => ({
  month: businessMonth.value,
  posts: session.value?.posts ?? [],
  organisation: session.value?.organisation ?? '',
  language: language.value,
}))

onSignedOut(() => {
  if (session.value) ended.value = true
})

function take(found: Session): void {
  session.value = found
  ended.value = false
  setCsrf(found.csrf)
}

/** The present session, or null where there is none. */
export async function readSession(): Promise<Session | null> {
  try {
    const found = await call<Session>('access.session', {}, { quiet: true })
    if (!found.actor) return null
    take(found)
    return found
  } catch (failure) {
    if ((failure as { status?: number }).status === 401) return null
    throw failure
  }
}

export interface Credentials {
  user: string
  password: string
  code?: string
}

/** Signs in; true where the password must be changed before anything else. */
export async function signIn(credentials: Credentials): Promise<boolean> {
  const reply = await call<{ must_change_password?: boolean }>('access.sign_in', credentials, { quiet: true, key: newKey() })
  await readSession()
  return reply.must_change_password === true
}

/** Acts at another unit where this person holds a post. Menus, pages and rows are then those of that post, so all is read anew. */
export async function takePost(org: string): Promise<void> {
  await call('access.take_post', { org }, { key: newKey() })
  location.assign('/')
}

export async function signOut(): Promise<void> {
  try {
    await call('access.sign_out', {}, { quiet: true, key: newKey() })
  } finally {
    session.value = null
    setCsrf('')
  }
}
