/** Sending what was entered and taking orders along. Entries carry their own numbers, so that to send one twice changes nothing. */
import { computed, ref, shallowRef } from 'vue'
import { asProblem, call, newKey } from '@/api/client'
import type { ApiProblem } from '@/api/problem'
import { entriesOf, kept, type KeptEntry, type Order } from '@/field/kept'
import type { Text } from '@/spec/contracts'
import { ended, readSession, session } from '@/workbench/session'

const AT_ONCE = 100
/** Entries of which more may become: the office has not said its word. */
const UNDECIDED = ['waiting', 'counted']

export const orders = shallowRef<Order[]>([])
export const entries = shallowRef<KeptEntry[]>([])
export const asOf = ref('')
export const syncing = ref(false)
export const problem = shallowRef<ApiProblem | null>(null)
export const waiting = computed(() => entries.value.filter((one) => one.state === 'waiting').length)

const reader = () => session.value?.actor ?? ''

/** What the phone has, with or without a network. */
export async function recall(): Promise<void> {
  const found = await (await kept()).get('orders', reader())
  orders.value = found?.rows ?? []
  asOf.value = found?.as_of ?? ''
  entries.value = await entriesOf(reader())
}

/** The session of this phone: the server's, or, while that cannot be reached, the one that was here last. */
export async function begin(): Promise<void> {
  const database = await kept()
  try {
    const found = await readSession()
    if (found) await database.put('session', { ...found, csrf: '' }, 'last')
    else await database.delete('session', 'last')
  } catch (failure) {
    const last = asProblem(failure).kind === 'offline' ? await database.get('session', 'last') : undefined
    if (!last) throw failure
    session.value = last
  }
}

let running: Promise<void> | null = null

export function sync(): Promise<void> {
  running ??= exchange().finally(() => (running = null))
  return running
}

async function exchange(): Promise<void> {
  syncing.value = true
  problem.value = null
  try {
    // The reader may have begun without a network: only the server's session may send.
    if (!(await readSession())) {
      ended.value = true
      return
    }
    await send((await entriesOf(reader())).filter((one) => UNDECIDED.includes(one.state)))
    const found = await call<{ rows: Order[]; as_of: string }>('reading.my_field_orders')
    await (await kept()).put('orders', { reader: reader(), rows: found.rows, as_of: found.as_of })
  } catch (failure) {
    problem.value = asProblem(failure)
  } finally {
    await recall()
    syncing.value = false
  }
}

async function send(unsent: KeptEntry[]): Promise<void> {
  for (const one of unsent) await sendPhoto(one)
  for (let first = 0; first < unsent.length; first += AT_ONCE) {
    const part = unsent.slice(first, first + AT_ONCE)
    const request = { entries: part.map((one) => one.entry) }
    const reply = await call<{ outcomes: { entry_no: string; outcome: string; said: Text }[] }>('reading.sync_field', request, { key: newKey() })
    const database = await kept()
    for (const told of reply.outcomes) {
      const mine = part.find((one) => one.entry_no === told.entry_no)
      if (mine) await database.put('entries', { ...mine, state: told.outcome, said: told.said })
    }
  }
}

/** A photo goes ahead of its entry and leaves the phone once it is there; one that the server does not take holds up nothing, and the
 * reader is told why. */
async function sendPhoto(one: KeptEntry): Promise<void> {
  const database = await kept()
  const photo = one.entry.photo_no ? await database.get('photos', one.entry.photo_no) : undefined
  if (!photo) return
  try {
    await call('reading.keep_field_photo', photo, { key: photo.photo_no })
  } catch (failure) {
    const refused = asProblem(failure)
    if (refused.status !== 404 && refused.status !== 422) throw failure
    problem.value = refused
  }
  await database.delete('photos', photo.photo_no)
}
