/** What the wall shows: the place once, the rest live. */
import { computed, ref, shallowRef } from 'vue'
import { asProblem, call } from '@/api/client'
import { ApiProblem } from '@/api/problem'
import { live, type Live } from '@/api/stream'
import type { Text } from '@/spec/contracts'
import { readSession } from '@/workbench/session'

export interface Figures {
  accounts: number | null
  read_rate: string | null
  reads_estimated: number | null
  bills: number | null
  energy_sold: string | null
  energy_bought: string | null
  receivable: string | null
  received: string | null
  outstanding: string | null
  recovery_rate: string | null
  average_price: string | null
  purchase_payable: string | null
  held: number | null
  line_loss: string | null
}

export interface Station extends Figures {
  org: string
  name: Text
}

export interface Values {
  month: string | null
  figures: Figures
  stations: Station[]
  classes: { tariff_class: string; accounts: number | null; energy: string | null }[]
  methods: { method: string; amount: string }[]
  held: { code: string; count: number }[]
  as_of: string | null
}

export interface Area {
  area_no: string
  load: string | null
  loss: string | null
}

export interface Run {
  month: string
  state: string
  stage: string
  accounts: number
  started_at: string
  ended_at: string | null
  stages: { name: string; done: number; total: number; ended: boolean }[]
}

export interface Fact {
  at: string
  kind: string
  text: Text
  org: string | null
}

export interface Freshness {
  state: string
  said: Text
  as_of: string | null
  lag_ms: number | null
  lag_bytes: number
  p50_ms: number | null
  p95_ms: number | null
  transactions: number
}

export interface Snapshot {
  values: Values
  areas: Area[]
  run: Run | null
  facts: Fact[]
  load: { day: string; values: (string | null)[] }[]
  freshness: Freshness
}

export interface Place {
  nodes: { node_no: string; kind: string; x_m: number; y_m: number }[]
  lines: { from_node_no: string; to_node_no: string; feeder_no: string | null; normally_open: boolean }[]
  feeders: { feeder_no: string; name: string; org: string }[]
  areas: { area_no: string; name: string; org: string; feeder_no: string; x_m: number; y_m: number }[]
  stations: { org: string; name: Text; kind: string }[]
}

export const snapshot = shallowRef<Snapshot | null>(null)
export const place = shallowRef<Place | null>(null)
export const connected = ref(false)
export const problem = shallowRef<ApiProblem | null>(null)

const RETRY_MS = 4000
let stream: Live | null = null
let waiting: ReturnType<typeof setTimeout> | undefined

/** The month that the address asks for (`/screen?month=2026-04`); without one the newest that has figures. */
export function askedMonth(search: string): string | null {
  const month = new URLSearchParams(search).get('month') ?? ''
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(month) ? month : null
}

export async function begin(): Promise<void> {
  clearTimeout(waiting)
  try {
    // Also gives the page's token, without which nothing is answered.
    if (!(await readSession())) throw notSignedIn()
    place.value = await call<Place>('analytics.place', {}, { quiet: true })
    problem.value = null
    follow()
  } catch (failure) {
    problem.value = asProblem(failure)
    again()
  }
}

function notSignedIn(): ApiProblem {
  return new ApiProblem('not-signed-in', 401, { zh: '请先登录', en: 'Sign in first' }, null, 'not-signed-in')
}

function again(): void {
  clearTimeout(waiting)
  waiting = setTimeout(() => void begin(), RETRY_MS)
}

function follow(): void {
  stream?.close()
  const month = askedMonth(location.search)
  stream = live<Snapshot>(
    'analytics.screen',
    month ? { month } : {},
    (reply) => {
      snapshot.value = reply
    },
    (open) => {
      connected.value = open
      clearTimeout(waiting)
      // The browser opens a broken stream again, but not one that was refused: then everything starts over.
      if (!open) again()
    },
  )
}

export function end(): void {
  clearTimeout(waiting)
  stream?.close()
}

export const figures = computed(() => snapshot.value?.values.figures ?? null)
