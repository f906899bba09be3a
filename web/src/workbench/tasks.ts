/** The task tray: long work that was started here, followed until it ends, found again after the page was left. */
import { computed, ref, watch } from 'vue'
import { call } from '@/api/client'
import { filled, type PageContext, type Row } from '@/render/context'
import type { Text } from '@/spec/contracts'
import { lookUp } from '@/spec/logic'
import type { Watch } from '@/spec/types'

export interface Task {
  id: string
  title: Text
  operation: string
  request: Row
  open: { page: string; parameters: Row } | null
  done: number
  total: number
  state: string
  started: number
  unseen: boolean
}

const KEY = 'denghuo.tasks'
const ENDED = new Set(['done', 'finished', 'completed', 'failed', 'stopped', 'cancelled', 'ended'])
const EVERY_MS = 2000

export const tasks = ref<Task[]>(kept())
export const running = computed(() => tasks.value.filter((task) => !ENDED.has(task.state)))
export const unseen = computed(() => tasks.value.filter((task) => task.unseen).length)

function kept(): Task[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]')
    return Array.isArray(found) ? (found as Task[]) : []
  } catch {
    return []
  }
}

watch(
  tasks,
  (list) => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(list.slice(0, 20)))
    } catch {
      // The tray then lasts as long as the page.
    }
  },
  { deep: true },
)

export function followTask(spec: Watch, _page: PageContext, scope: Row): void {
  const request = filled(spec.source.given, scope)
  const id = `${spec.source.operation} ${JSON.stringify(request)}`
  const open = spec.open ? { page: spec.open.page, parameters: filled(spec.open.given, scope) } : null
  const task: Task = { id, title: spec.title, operation: spec.source.operation, request, open, done: 0, total: 0, state: 'running', started: Date.now(), unseen: true }
  tasks.value = [task, ...tasks.value.filter((other) => other.id !== id)].slice(0, 20)
  void look()
}

let timer: ReturnType<typeof setTimeout> | null = null

async function look(): Promise<void> {
  if (timer) clearTimeout(timer)
  timer = null
  for (const task of running.value) {
    try {
      const reply = await call<Row>(task.operation, task.request, { quiet: true })
      task.done = Number(lookUp(reply, 'done') ?? 0)
      task.total = Number(lookUp(reply, 'total') ?? 0)
      task.state = String(lookUp(reply, 'state') ?? 'running')
      if (ENDED.has(task.state)) task.unseen = true
    } catch {
      // It is asked again; a task that cannot be read keeps its last known state.
    }
  }
  if (running.value.length) timer = setTimeout(() => void look(), EVERY_MS)
}

export function resumeTasks(): void {
  if (running.value.length) void look()
}

export function seeTasks(): void {
  for (const task of tasks.value) task.unseen = false
}
