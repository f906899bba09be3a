/** What can go wrong on the way to an operation, in one shape that a page can show and a person can quote. */
import type { Text } from '@/spec/contracts'

export type ProblemKind = 'problem' | 'not-permitted' | 'not-signed-in' | 'offline' | 'unavailable' | 'defect'

/** A refused field; of a file that was sent, also the line on which it stands. */
export interface FieldError extends Text {
  field: string
  value?: unknown
  line?: number
}

export class ApiProblem extends Error {
  constructor(
    readonly kind: ProblemKind,
    readonly status: number,
    readonly title: Text,
    readonly detail: Text | null,
    /** What to quote to the help desk: the problem's name and the trace of this request. */
    readonly code: string,
    readonly fields: Record<string, unknown> = {},
  ) {
    super(title.en)
  }

  /** Refused request fields (422), by field path. */
  get errors(): FieldError[] {
    const listed = this.fields['errors']
    return Array.isArray(listed) ? (listed as FieldError[]) : []
  }

  get type(): string {
    return String(this.fields['type'] ?? '')
  }
}

function isText(value: unknown): value is Text {
  return typeof value === 'object' && value !== null && typeof (value as Text).zh === 'string' && typeof (value as Text).en === 'string'
}

function both(value: unknown): Text | null {
  if (isText(value)) return value
  return typeof value === 'string' && value ? { zh: value, en: value } : null
}

export function offline(): ApiProblem {
  return new ApiProblem(
    'offline',
    0,
    { zh: '网络不通', en: 'No connection' },
    { zh: '没有连上服务器，请求没有执行完的把握。', en: 'The server could not be reached; whether the request was carried out is not known.' },
    'offline',
  )
}

const KINDS: Record<number, ProblemKind> = { 401: 'not-signed-in', 403: 'not-permitted', 503: 'unavailable', 502: 'unavailable', 504: 'unavailable' }

/** A wrong password or code has the status of a session that ended, but ends none. */
function kindOf(status: number, type: string): ProblemKind {
  if (status === 401 && type && !type.endsWith('/not-signed-in')) return 'problem'
  return KINDS[status] ?? (status >= 500 ? 'defect' : 'problem')
}

const TITLES: Record<ProblemKind, Text> = {
  problem: { zh: '无法完成', en: 'Unable to complete' },
  'not-permitted': { zh: '没有此项权限', en: 'Not permitted' },
  'not-signed-in': { zh: '请先登录', en: 'Sign in first' },
  offline: { zh: '网络不通', en: 'No connection' },
  unavailable: { zh: '暂时无法使用', en: 'Temporarily unavailable' },
  defect: { zh: '系统出错', en: 'Something broke on our side' },
}

/** Reads a reply that is not a success. Anything without a problem body is a defect. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  let body: Record<string, unknown> = {}
  try {
    body = (await response.json()) as Record<string, unknown>
  } catch {
    // A bare 500 has no body; its trace is in the header.
  }
  const type = typeof body['type'] === 'string' ? body['type'] : ''
  const kind = kindOf(response.status, type)
  const trace = response.headers.get('X-Trace-Id') ?? response.headers.get('X-Request-Id') ?? String(body['trace'] ?? '')
  const name = type.replace(/^\/problems\//, '') || String(response.status)
  const code = trace ? `${name} · ${trace.slice(0, 12)}` : name
  return new ApiProblem(kind, response.status, both(body['title']) ?? TITLES[kind], both(body['detail']), code, body)
}
