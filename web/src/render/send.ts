/** Sending a command. Its key lives as long as the same input is tried again, so that a lost answer never means a second execution. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { asProblem, call, newKey } from '@/api/client'
import type { ApiProblem } from '@/api/problem'
import { filled, openPage, scopeOf, type PageContext, type Row } from '@/render/context'
import { download, isDownload, openForPrint, type Download } from '@/render/download'
import { wireValue } from '@/render/fields/validate'
import { say } from '@/render/say'
import { resolve, type OperationContract } from '@/spec/contracts'
import { lookUp } from '@/spec/logic'
import type { Action } from '@/spec/types'
import { followTask } from '@/workbench/tasks'

export interface Sending {
  busy: Ref<boolean>
  problem: ShallowRef<ApiProblem | null>
  /** What the operation answered, where the action says that it is to be shown. */
  answer: ShallowRef<Row | null>
  send(action: Action, contract: OperationContract, typed: Row, scope: Row, chosen?: Row[]): Promise<boolean>
}

export function useSending(page: PageContext): Sending {
  const busy = ref(false)
  const problem = shallowRef<ApiProblem | null>(null)
  const answer = shallowRef<Row | null>(null)
  let last = { body: '', key: '' }

  function requestOf(action: Action, contract: OperationContract, typed: Row, scope: Row, chosen: Row[]): Row {
    const root = resolve(contract.request, contract.request)
    const request: Row = filled(action.given, scopeOf(page, scope))
    for (const [name, value] of Object.entries(typed)) {
      const property = root.properties?.[name]
      const wire = wireValue(value, property ? resolve(property, contract.request) : {})
      if (wire !== undefined) request[name] = wire
    }
    if (action.chosen) request[action.chosen.field] = chosen.map((row) => lookUp(row, action.chosen!.key))
    return request
  }

  async function send(action: Action, contract: OperationContract, typed: Row, scope: Row, chosen: Row[] = []): Promise<boolean> {
    if (!action.operation || busy.value) return false
    busy.value = true
    problem.value = null
    answer.value = null
    const request = requestOf(action, contract, typed, scope, chosen)
    const body = JSON.stringify([action.operation, request])
    if (body !== last.body) last = { body, key: newKey() }
    try {
      const reply = await call<Row>(action.operation, request, contract.kind === 'command' ? { key: last.key } : {})
      last = { body: '', key: '' }
      if (action.then === 'show') answer.value = reply
      done(page, action, reply, scope, await moreOf(action, request, reply))
      return true
    } catch (failure) {
      problem.value = asProblem(failure)
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, problem, answer, send }
}

/** The parts of a file behind the first, one after the other. */
async function moreOf(action: Action, request: Row, reply: Row): Promise<Download[]> {
  const more: Download[] = []
  let next = action.then === 'download' && isDownload(reply) ? reply.next : null
  while (next) {
    const part: Download = await call<Download>(action.operation!, { ...request, after: next })
    more.push(part)
    next = part.next
  }
  return more
}

function done(page: PageContext, action: Action, reply: Row, scope: Row, more: Download[]): void {
  const after = scopeOf(page, { ...scope, reply })
  if (action.watch) followTask(action.watch, page, after)
  if (action.then === 'print' && isDownload(reply)) openForPrint(reply)
  else if (action.then === 'download' && isDownload(reply)) download(reply, more)
  else if (action.then !== 'show') say({ zh: `${action.label.zh}：已完成`, en: `${action.label.en}: done` })
  if (action.after) openPage(page, action.after, after)
  else if (action.then === 'back') page.host.back()
  if (['reload', 'show'].includes(action.then ?? 'reload')) page.version.value += 1
}
