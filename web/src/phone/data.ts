/** What the phone asks for, and in which account. */
import { computed, onMounted, onUnmounted, ref, shallowRef, watch, type Ref } from 'vue'
import { asProblem, call } from '@/api/client'
import type { ApiProblem } from '@/api/problem'
import type { Text } from '@/spec/contracts'
import { session } from '@/workbench/session'

export interface BillRow {
  bill_no: string
  account_no: string
  month: string
  kind: 'supply' | 'purchase'
  state: string
  reverses: string | null
  energy: string
  amount: string
  issued_on: string | null
  due_on: string | null
  estimated_days: number
  illustrative: boolean
}

export interface Item {
  bill_no: string
  kind: string
  month: string
  amount: string
  paid: string
  rest: string
  due_on: string
  overdue_days: number
  state: 'open' | 'part' | 'paid' | 'overdue'
}

export interface Owed {
  items: Item[]
  outstanding: string
  overdue: string
  prepaid: string
  due: string
  payable: string
  as_of: string
}

export interface BillLine {
  line: number
  name: Text
  group: string
  band: string | null
  tier: number | null
  quantity: string | null
  unit: string
  price: string | null
  amount: string
  sentence: Text
  arithmetic: string
  document_no: string
  tariff_code: string
  tariff_version: number
  illustrative: boolean
  note: Text | null
  registers: { meter_no: string }[]
}

export interface BillRegister {
  point_no: string
  meter_no: string
  piece: number
  start: string | null
  end: string | null
  multiplier: string
  energy: string | null
  status: string
  method: string
  days_estimated: number
}

export interface Bill extends BillRow {
  name: string | null
  address: string | null
  tariff_title: Text | null
  from_on: string
  to_on: string
  used_before: string
  lines: BillLine[]
  registers: BillRegister[]
  remarks: Text[]
  as_of: string
}

export interface BillChange {
  before_month: string
  after_month: string
  before_amount: string
  after_amount: string
  difference: string
  parts: { code: string; amount: string; sentence: Text }[]
}

export interface Plans {
  months_count: number
  present_amount: string
  saving: string
  said: Text
  confidence_said: Text | null
  plans: { tariff_code: string; title: Text; amount: string | null; saving: string | null; present: boolean; best: boolean; reason: Text | null }[]
}

export interface BillSoFar {
  month: string
  kind: 'supply' | 'purchase'
  through_on: string
  read_at: string
  days_left: number
  energy: string
  amount: string
  expected_amount: string
  low_amount: string
  high_amount: string
  past_error: Text | null
}

export interface CurveMonth {
  starts: string
  energy: (string | null)[]
  energy_rev: (string | null)[]
}

export interface PublishedError {
  row_key: string
  month: string
  class_title: Text
  days_known: number
  accounts: number
  median_error: string
  ninth_error: string
  within: string
}

export interface Payment {
  receipt_no: string
  account_no: string
  amount: string
  method: string
  taken_at: string
  state: string
  sandbox: boolean
}

export interface Order {
  order_no: string
  amount: string
  state: string
  channel_zh: string
  channel_en: string
  sandbox: boolean
  receipt_no: string | null
}

export interface NoticeRow {
  notice_no: number | string
  title: Text
  body: Text
  category: string
  sent_at: string
  read_at: string | null
}

export interface ReadRow {
  month: string
  point_no: string
  piece: number
  quantity: string
  band: string
  role: string
  meter_no: string
  start: string | null
  end: string | null
  multiplier: string
  energy: string | null
  status: string
  method: string
  days_estimated: number
}

export interface OwnReport {
  self_read_no: number
  meter_no: string
  registers: { quantity: string; band: string; shown: string }[]
  reported_at: string
  state: string
  remark: string | null
}

export interface OwnMeter {
  meter_no: string
  month: string
  read_at: string
  opens_on: string
  closes_on: string
  is_open: boolean
  integer_digits: number
  decimal_digits: number
  times: number
  rollover_e4: number
  source: string
  registers: { quantity: string; band: string; last: string | null; last_at: string | null; usual_a_day: string | null; most_a_day: string | null }[]
  reports: OwnReport[]
}

export interface PointMonth {
  starts: string
  energies: (string | null)[]
  estimated: boolean[]
}

// --- the account -----------------------------------------------------------------------------------------------------------

const chosen = ref('')
export const accounts = computed(() => session.value?.accounts ?? [])
export const account = computed(() => (accounts.value.includes(chosen.value) ? chosen.value : (accounts.value[0] ?? '')))

export function choose(number: string): void {
  chosen.value = number
}

// --- asking ----------------------------------------------------------------------------------------------------------------

export interface Asked<Reply> {
  reply: Ref<Reply | null>
  problem: Ref<ApiProblem | null>
  busy: Ref<boolean>
  ask: () => Promise<void>
}

/** Asks when the page opens, when the account changes and, where `everySeconds` says so, again while the page is looked at. What was
 * shown stays when asking again fails. */
export function useAsked<Reply>(asking: () => Promise<Reply>, everySeconds = 0): Asked<Reply> {
  const reply = shallowRef<Reply | null>(null)
  const problem = shallowRef<ApiProblem | null>(null)
  const busy = ref(false)
  let turn = 0

  async function ask(): Promise<void> {
    const mine = ++turn
    busy.value = true
    try {
      const found = await asking()
      if (mine === turn) {
        reply.value = found
        problem.value = null
      }
    } catch (failure) {
      if (mine === turn) problem.value = asProblem(failure)
    } finally {
      if (mine === turn) busy.value = false
    }
  }

  onMounted(ask)
  if (everySeconds) {
    const timer = setInterval(() => document.visibilityState === 'visible' && void ask(), everySeconds * 1000)
    onUnmounted(() => clearInterval(timer))
  }
  watch(account, () => {
    reply.value = null
    void ask()
  })
  return { reply, problem, busy, ask }
}

/** A part that a page can do without: null where it cannot be had. */
export async function orNothing<Reply>(asking: Promise<Reply>): Promise<Reply | null> {
  try {
    return await asking
  } catch {
    return null
  }
}

export const LIST = 200

export const askBills = async (): Promise<BillRow[]> => (await call<{ rows: BillRow[] }>('billing.my_bills', { limit: LIST })).rows.filter((row) => row.account_no === account.value)
export const askOwed = (): Promise<Owed> => call<Owed>('ledger.owed', { account_no: account.value })
export const askSoFar = (): Promise<BillSoFar> => call<BillSoFar>('billing.my_bill_so_far', { account_no: account.value })
export const askItems = async (): Promise<Item[]> => (await call<{ rows: Item[] }>('ledger.receivables', { account_no: account.value, limit: LIST })).rows

// --- the network -----------------------------------------------------------------------------------------------------------

export const online = ref(typeof navigator === 'undefined' || navigator.onLine !== false)
if (typeof window !== 'undefined') {
  window.addEventListener('online', () => (online.value = true))
  window.addEventListener('offline', () => (online.value = false))
}
