/** Files that operations answer with: a name, a media type and the content as base64 text. */

export interface Download {
  file_name: string
  media_type: string
  content: string
  /** Of a file in parts: what asks for the part behind this one. */
  next?: string | null
}

const MEDIA = new Set(['application/pdf', 'text/csv', 'text/plain', 'application/zip', 'application/vnd.apache.parquet', 'application/xml'])

export function isDownload(reply: unknown): reply is Download {
  const file = reply as Partial<Download> | null
  return typeof file?.file_name === 'string' && typeof file.media_type === 'string' && typeof file.content === 'string'
}

/** Shows a PDF in a window of its own, from where it is printed; where no window may open, it is kept instead. */
export function openForPrint(file: Download): void {
  if (file.media_type !== 'application/pdf') return download(file)
  const bytes = Uint8Array.from(atob(file.content), (letter) => letter.charCodeAt(0))
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }))
  if (!window.open(address, '_blank')) download(file)
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

/** Hands the file to the browser to keep. Only plain document types are handed on under their own name. more: its parts behind the first. */
export function download(file: Download, more: Download[] = []): void {
  const bytes = [file, ...more].map((part) => Uint8Array.from(atob(part.content), (letter) => letter.charCodeAt(0)))
  const type = MEDIA.has(file.media_type.split(';')[0]!) ? file.media_type : 'application/octet-stream'
  const address = URL.createObjectURL(new Blob(bytes, { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = file.file_name.replace(/[/\\:*?"<>|\x00-\x1f]/g, '_')
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
