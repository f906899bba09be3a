/** Live replies of a query through server-sent events: GET /api/<noun>/<operation>/stream?request=<json>. */

export interface Live {
  close(): void
}

export function live<Reply>(
  operation: string,
  request: unknown,
  onReply: (reply: Reply) => void,
  onState: (connected: boolean) => void = () => undefined,
): Live {
  const [noun, name] = operation.split('.')
  const source = new EventSource(`/api/${noun}/${name}/stream?request=${encodeURIComponent(JSON.stringify(request ?? {}))}`)
  source.onopen = () => onState(true)
  source.onerror = () => onState(false)
  source.onmessage = (event: MessageEvent<string>) => {
    onState(true)
    onReply(JSON.parse(event.data) as Reply)
  }
  // A stream that says it is done must not be opened again by the browser.
  source.addEventListener('done', () => source.close())
  return source
}
