/** Calling operations: POST /api/<noun>/<operation> with JSON. The session is a cookie; commands carry a key that survives retries. */
import { ApiProblem, offline, problemOf } from '@/api/problem'

let csrf = ''
let whenSignedOut: () => void = () => undefined

export function setCsrf(token: string): void {
  csrf = token
}

/** What to do when a reply says that the session is over. */
export function onSignedOut(handler: () => void): void {
  whenSignedOut = handler
}

export function newKey(): string {
  return crypto.randomUUID()
}

const RETRY_AFTER_MS = [400, 1500]

export interface Options {
  /** Idempotency key of a command; the same for every try, so that a command whose answer was lost is not carried out twice. */
  key?: string
  signal?: AbortSignal
  /** The sign-in page itself handles a missing session. */
  quiet?: boolean
}

export async function call<Reply>(operation: string, request: unknown = {}, options: Options = {}): Promise<Reply> {
  const [noun, name] = operation.split('.')
  if (!noun || !name || !/^[a-z0-9_]+\.[a-z0-9_]+$/.test(operation)) throw new TypeError(`not an operation: ${operation}`)
  const response = await send(`/api/${noun}/${name}`, JSON.stringify(request ?? {}), options)
  if (response.ok) return (response.status === 204 ? {} : await response.json()) as Reply
  const problem = await problemOf(response)
  if (problem.kind === 'not-signed-in' && !options.quiet) whenSignedOut()
  throw problem
}

async function send(path: string, body: string, options: Options): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    const wait = RETRY_AFTER_MS[attempt]
    try {
      const response = await fetch(path, {
        method: 'POST',
        credentials: 'same-origin',
        headers: headers(options),
        body,
        signal: options.signal ?? null,
      })
      const passing = response.status === 503 || response.status === 502
      if (!passing || wait === undefined) return response
    } catch (failure) {
      if (options.signal?.aborted) throw failure
      if (wait === undefined) throw offline()
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

function headers(options: Options): Record<string, string> {
  const sent: Record<string, string> = { 'Content-Type': 'application/json', Accept: 'application/json' }
  if (csrf) sent['X-CSRF-Token'] = csrf
  if (options.key) sent['Idempotency-Key'] = options.key
  return sent
}

export function isProblem(failure: unknown): failure is ApiProblem {
  return failure instanceof ApiProblem
}

/** Any failure as a problem, so that a page always has something to say. */
export function asProblem(failure: unknown): ApiProblem {
  if (failure instanceof ApiProblem) return failure
  return new ApiProblem('defect', 0, { zh: '页面出错', en: 'The page broke' }, null, failure instanceof Error ? failure.name : 'unknown')
}
