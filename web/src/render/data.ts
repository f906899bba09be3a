/** Reading a block's data: once shown, again when its inputs change, live where the source streams. Old data stays until new is there. */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { call, asProblem } from '@/api/client'
import type { ApiProblem } from '@/api/problem'
import { live, type Live } from '@/api/stream'
import { labelOf } from '@/format/format'
import { resolve, type Schema } from '@/spec/contracts'
import { lookUp } from '@/spec/logic'
import type { Source } from '@/spec/types'
import { answeredBy, filled, operationOf, scopeOf, sourceOf, usePage, type PageContext, type Row } from '@/render/context'

export interface BlockData {
  reply: ShallowRef<Row | null>
  schema: ComputedRef<Schema>
  loading: Ref<boolean>
  problem: ShallowRef<ApiProblem | null>
  /** When this browser last got the data. */
  readAt: Ref<Date | null>
  asOf: ComputedRef<string | null>
  connected: Ref<boolean | null>
  /** What must be filled in or chosen before the query can be asked. */
  lacking: Ref<string[]>
  /** Whether another block of the page tells already why their common source cannot be read. */
  retold: ComputedRef<boolean>
  load(): Promise<void>
}

export interface BlockDataOptions {
  /** Id of the block, for the filters and choices that go to it. */
  id?: string | null
  asOf?: string | null
  /** Further request fields: paging and sorting. */
  more?: () => Row
  /** Called with every reply; what it returns is kept as the reply. */
  keep?: (reply: Row, previous: Row | null) => Row
}

const EMPTY: Schema = {}

export function useData(of: () => Source | string, options: BlockDataOptions = {}): BlockData {
  const page = usePage()
  const reply = shallowRef<Row | null>(null)
  const problem = shallowRef<ApiProblem | null>(null)
  const loading = ref(false)
  const readAt = ref<Date | null>(null)
  const lacking = ref<string[]>([])
  const connected = ref<boolean | null>(null)
  const source = computed(() => sourceOf(page, of()))
  const answered = computed(() => answeredBy(page, of()))
  const schema = computed(() => operationOf(page, answered.value ?? source.value?.operation ?? '')?.reply ?? EMPTY)
  const asOf = computed(() => {
    const told = options.asOf && reply.value ? lookUp(reply.value, options.asOf) : null
    return typeof told === 'string' ? told : null
  })
  const self = Symbol()
  /** The first block of a source tells what keeps all of them from being drawn. */
  const retold = computed(() => Boolean(problem.value && !reply.value && typeof of() === 'string' && (page.tellers[of() as string] ?? self) !== self))
  let asked: AbortController | null = null
  let stream: Live | null = null

  function request(): Row {
    const id = options.id ?? ''
    const scope = scopeOf(page, { filter: page.filters[id] ?? {}, chosen: page.picked[id] ?? {} })
    const typed = Object.fromEntries(
      Object.entries(page.filters[id] ?? {}).filter(([, value]) => value !== '' && value !== null && value !== undefined),
    )
    return { ...filled(source.value?.given, scope), ...typed, ...options.more?.() }
  }

  function take(body: Row): void {
    reply.value = options.keep ? options.keep(body, reply.value) : body
    readAt.value = new Date()
    problem.value = null
    if (typeof of() !== 'string') return
    page.shared[of() as string] = reply.value
    if (page.tellers[of() as string] !== self) return
    // It can be read again: the blocks that were silent about it read it too.
    delete page.tellers[of() as string]
    page.version.value += 1
  }

  async function load(): Promise<void> {
    if (!source.value) return
    asked?.abort()
    lacking.value = lacks(page, source.value, request())
    if (lacking.value.length) return
    const mine = new AbortController()
    asked = mine
    loading.value = true
    try {
      const body = await read(source.value, request(), typeof of() === 'string' ? page.shared : null, mine.signal)
      // A shared request goes on for others; here a later question has taken its place.
      if (!mine.signal.aborted) take(body)
    } catch (failure) {
      if (!mine.signal.aborted) {
        problem.value = asProblem(failure)
        if (typeof of() === 'string') page.tellers[of() as string] ??= self
      }
    } finally {
      if (asked === mine) loading.value = false
    }
  }

  function follow(): void {
    stream?.close()
    stream = null
    connected.value = null
    if (!followed.value || !source.value?.stream || lacks(page, source.value, request()).length) return
    stream = join(page.streams, source.value.operation, request(), take, (state) => (connected.value = state))
  }

  /** What a form asked for: the block is drawn from that answer and asks nothing itself. */
  watch(() => (answered.value ? page.shared[of() as string] : null), (answer) => answer && take(answer as Row), { immediate: true })

  const inputs = () => JSON.stringify([source.value?.operation, request(), page.version.value])
  watch(inputs, () => void load(), { immediate: true })
  /** Followed once it could be read: what is not there, or not open to the reader, is not asked for again and again. */
  const followed = computed(() => (reply.value && !problem.value ? inputs() : ''))
  watch(followed, follow, { immediate: true })
  const every = source.value?.every_s
  const timer = every ? setInterval(() => document.visibilityState === 'visible' && void load(), every * 1000) : null
  onScopeDispose(() => {
    asked?.abort()
    stream?.close()
    if (timer) clearInterval(timer)
    if (typeof of() === 'string' && page.tellers[of() as string] === self) delete page.tellers[of() as string]
  })
  return { reply, schema, loading, problem, readAt, asOf, connected, lacking, retold, load }
}

/** Labels of required request fields that are still empty. */
function lacks(page: PageContext, source: Source, request: Row): string[] {
  const schema = operationOf(page, source.operation)?.request
  if (!schema) return []
  const root = resolve(schema, schema)
  return (root.required ?? []).filter((name) => request[name] === undefined).map((name) => labelOf(resolve(root.properties?.[name] ?? {}, schema), name))
}

/** One connection for all blocks that follow the same query; it ends with the last of them. */
function join(streams: PageContext['streams'], operation: string, request: Row, take: (reply: Row) => void, tell: (connected: boolean) => void): Live {
  const key = `${operation} ${JSON.stringify(request)}`
  let shared = streams.get(key)
  if (!shared) {
    const takers = new Set<(reply: Row) => void>()
    const states = new Set<(connected: boolean) => void>()
    const opened = live<Row>(operation, request, (reply) => takers.forEach((one) => one(reply)), (state) => states.forEach((one) => one(state)))
    shared = { takers, states, close: () => opened.close() }
    streams.set(key, shared)
  }
  const joined = shared
  joined.takers.add(take)
  joined.states.add(tell)
  return {
    close() {
      joined.takers.delete(take)
      joined.states.delete(tell)
      if (joined.takers.size) return
      joined.close()
      streams.delete(key)
    },
  }
}

/** Blocks that share a source share one request for it. */
const underway = new WeakMap<object, Map<string, Promise<Row>>>()

function read(source: Source, request: Row, shared: object | null, signal: AbortSignal): Promise<Row> {
  if (!shared) return call<Row>(source.operation, request, { signal })
  const key = `${source.operation} ${JSON.stringify(request)}`
  const running = underway.get(shared) ?? new Map<string, Promise<Row>>()
  underway.set(shared, running)
  const found = running.get(key)
  if (found) return found
  const asked = call<Row>(source.operation, request).finally(() => setTimeout(() => running.delete(key), 50))
  running.set(key, asked)
  return asked
}

/** The rows at a path of a reply, as a list. */
export function rowsAt(reply: Row | null, path: string): Row[] {
  const found = reply ? lookUp(reply, path) : null
  return Array.isArray(found) ? (found as Row[]) : []
}
