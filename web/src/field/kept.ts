/** What the phone keeps: its reader's orders, entries with what became of them, and photos until they are sent. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Text } from '@/spec/contracts'
import type { Session } from '@/workbench/session'

export interface Channel {
  quantity: string
  band: string
  rule: string
  collected: string | null
  last: string | null
  last_at: string | null
  usual_a_day: string | null
  most_a_day: string | null
}

export interface Order {
  order_no: number
  month: string
  point_no: string
  meter_no: string
  account_no: string | null
  address: string | null
  book: string
  place: number | null
  read_at: string
  state: 'open' | 'entered' | 'accepted' | 'settled'
  rule: string
  multiplier: string
  integer_digits: number
  decimal_digits: number
  times: number
  rollover_e4: number
  channels: Channel[]
  refused_for: string | null
  /** Of an order for a plan beside the month's. */
  plan_kind: 'temporary' | 'loss' | null
  plan_reason: string | null
}

/** An entry as the contract has it. */
export interface Entry {
  entry_no: string
  order_no: number
  shown_as: 'frozen' | 'current'
  registers: { quantity: string; band: string; shown: string }[]
  taken_at: string
  confirmed: boolean
  reason: string | null
  photo_no: string | null
  latitude: string | null
  longitude: string | null
  accuracy_m: number | null
}

export interface KeptEntry {
  entry_no: string
  reader: string
  meter_no: string
  entry: Entry
  /** `waiting` until it was sent, then what became of it. */
  state: string
  said: Text | null
}

export interface Photo {
  photo_no: string
  order_no: number
  content: string
}

interface Kept extends DBSchema {
  orders: { key: string; value: { reader: string; rows: Order[]; as_of: string } }
  entries: { key: string; value: KeptEntry; indexes: { reader: string } }
  photos: { key: string; value: Photo }
  session: { key: 'last'; value: Session }
}

let opened: Promise<IDBPDatabase<Kept>> | null = null

export function kept(): Promise<IDBPDatabase<Kept>> {
  opened ??= openDB<Kept>('denghuo-field', 1, {
    upgrade(database) {
      database.createObjectStore('orders', { keyPath: 'reader' })
      database.createObjectStore('entries', { keyPath: 'entry_no' }).createIndex('reader', 'reader')
      database.createObjectStore('photos', { keyPath: 'photo_no' })
      database.createObjectStore('session')
    },
  })
  return opened
}

/** Keeps an entry with its photo, both or neither. */
export async function keepEntry(entry: KeptEntry, photo: Photo | null): Promise<void> {
  const writing = (await kept()).transaction(['entries', 'photos'], 'readwrite', { durability: 'strict' })
  await writing.objectStore('entries').put(entry)
  if (photo) await writing.objectStore('photos').put(photo)
  await writing.done
}

export async function entriesOf(reader: string): Promise<KeptEntry[]> {
  const found = await (await kept()).getAllFromIndex('entries', 'reader', reader)
  return found.sort((one, other) => other.entry.taken_at.localeCompare(one.entry.taken_at))
}
