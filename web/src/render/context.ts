/** What a page gives its blocks: parameters, filter values, chosen rows, shared data, and the ways to act. */
import { inject, provide, reactive, ref, shallowReactive, shallowRef, type InjectionKey, type Ref, type ShallowRef } from 'vue'
import type { Dictionaries, OperationContract, Operations } from '@/spec/contracts'
import { evaluate, holds, lookUp, type Scope } from '@/spec/logic'
import type { Action, Input, Open, OpenBy, PageSpec, Source } from '@/spec/types'

export type AnyBlock = PageSpec['blocks'][number]
export type Row = Record<string, unknown>

export interface PageReply {
  page: PageSpec
  operations: Operations
  dictionaries: Dictionaries
}

export interface User {
  /** The month that business is at. */
  month?: string
  posts: string[]
  organisation: string
  language: string
}

/** The host around a page: the workbench, a drawer in it, a phone, or a test. */
export interface Host {
  user: User
  open(open: { page: string; parameters: Row; place: 'page' | 'drawer' }): void
  back(): void
  act(request: ActRequest): void
  title?(heading: string): void
}

export interface ActRequest {
  action: Action
  scope: Scope
  chosen: Row[]
  page: PageContext
}

export interface SharedStream {
  close(): void
  takers: Set<(reply: Row) => void>
  states: Set<(connected: boolean) => void>
}

export interface PageContext {
  spec: PageSpec
  operations: Operations
  dictionaries: Dictionaries
  parameters: Row
  /** Filter values by the id of the block they go to. */
  filters: Record<string, Row>
  /** The chosen row of trees and the like, by the id of the block it goes to. */
  picked: Record<string, Row>
  /** Counts up when all blocks should read their data again. */
  version: Ref<number>
  shared: Record<string, unknown>
  /** Which block tells why a source cannot be read. */
  tellers: Record<string, symbol>
  /** Open streams of named sources, by their request: blocks that share a source share its stream. */
  streams: Map<string, SharedStream>
  /** Beside the heading: the place for freshness and actions of a page that is one list. */
  tail: ShallowRef<HTMLElement | null>
  host: Host
}

const KEY: InjectionKey<PageContext> = Symbol('page')

export function providePage(reply: PageReply, parameters: Row, host: Host): PageContext {
  const context: PageContext = {
    spec: reply.page,
    operations: reply.operations,
    dictionaries: reply.dictionaries,
    parameters,
    filters: reactive({}),
    picked: reactive({}),
    version: ref(0),
    shared: shallowReactive<Record<string, unknown>>({}),
    tellers: shallowReactive<Record<string, symbol>>({}),
    streams: new Map(),
    tail: shallowRef(null),
    host,
  }
  provide(KEY, context)
  return context
}

export function usePage(): PageContext {
  const context = inject(KEY)
  if (!context) throw new Error('a block stands on a page')
  return context
}

export function operationOf(page: PageContext, name: string): OperationContract | null {
  return Object.hasOwn(page.operations, name) ? page.operations[name]! : null
}

export function scopeOf(page: PageContext, more: Scope = {}): Scope {
  return { page: page.parameters, user: page.host.user as unknown as Row, ...more }
}

/** A source by itself or by its name on the page. */
export function sourceOf(page: PageContext, source: Source | string): Source | null {
  if (typeof source !== 'string') return source
  const named = page.spec.sources ?? {}
  return Object.hasOwn(named, source) ? named[source]! : null
}

/** The operation whose answer a form of the page keeps under this name, for blocks that stand on it. */
export function answeredBy(page: PageContext, name: unknown): string | null {
  if (typeof name !== 'string' || Object.hasOwn(page.spec.sources ?? {}, name)) return null
  const within = (blocks: AnyBlock[]): AnyBlock[] => blocks.flatMap((block) => (block.kind === 'tabs' ? block.tabs.flatMap((tab) => within(tab.blocks)) : [block]))
  const form = within(page.spec.blocks).find((block) => block.kind === 'form' && block.answer === name)
  return form?.kind === 'form' ? (form.submit.operation ?? null) : null
}

/** The fields of a request as `given` fills them; what evaluates to nothing is left out, so that defaults of the contract hold. */
export function filled(given: Record<string, unknown> | undefined, scope: Scope): Row {
  const values: Row = {}
  for (const [name, expression] of Object.entries(given ?? {})) {
    const value = evaluate(expression, scope)
    if (value !== null && value !== undefined && value !== '') values[name] = value
  }
  return values
}

/** What filters begin with, as their `initial` says. */
export function firstValues(inputs: (string | Input)[], scope: Scope): Row {
  const values: Row = {}
  for (const input of inputs) {
    if (typeof input === 'string' || input.initial === undefined || input.initial === null) continue
    const value = evaluate(input.initial, scope)
    if (value !== null && value !== undefined && value !== '') values[input.name] = value
  }
  return values
}

export function shown(part: { when?: unknown }, scope: Scope): boolean {
  return holds(part.when, scope)
}

export function openPage(page: PageContext, open: Open | OpenBy, scope: Scope): void {
  if ('page_at' in open) return openNamed(page, open, scope)
  page.host.open({ page: open.page, parameters: filled(open.given, scope), place: open.place ?? 'page' })
}

/** A row that names its own page. The name is only asked for from the server, which gives registered pages alone. */
function openNamed(page: PageContext, open: OpenBy, scope: Scope): void {
  const name = lookUp(scope['row'], open.page_at)
  const given = lookUp(scope['row'], open.given_at)
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,40}\.[a-z][a-z0-9_]{0,60}$/.test(name)) return
  page.host.open({ page: name, parameters: (given ?? {}) as Row, place: open.place ?? 'page' })
}

/** For what belongs to a page but is mounted elsewhere, as a dialog is. */
export function rejoinPage(page: PageContext): void {
  provide(KEY, page)
}
