// For development only: serves a build under the product's policy and answers operations from a fixture.
// node dev/server.mjs [port] [fixture, such as fixture-public.mjs] [folder of the build]
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'

const port = Number(process.argv[2] ?? 4173)
const { answer, stream } = await import(new URL(process.argv[3] ?? 'fixture.mjs', import.meta.url))
const dist = process.argv[4] ?? fileURLToPath(new URL('../dist', import.meta.url))
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.json': 'application/json', '.webmanifest': 'application/manifest+json' }

function page(path) {
  if (path.startsWith('/phone')) return 'phone.html'
  if (path.startsWith('/screen')) return 'screen.html'
  return 'index.html'
}

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  response.setHeader('Content-Security-Policy', POLICY)
  if (url.pathname.startsWith('/api/') && url.pathname.endsWith('/stream')) return stream(url, request, response)
  if (url.pathname.startsWith('/api/')) {
    const parts = []
    for await (const part of request) parts.push(part)
    const [status, body] = await answer(url.pathname.slice(5).replace('/', '.'), parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {}, request.headers)
    response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', 'X-Trace-Id': '4f2a9c11d0e7' })
    return response.end(JSON.stringify(body))
  }
  let file = join(dist, normalize(url.pathname))
  if (!existsSync(file) || statSync(file).isDirectory()) file = join(dist, page(url.pathname))
  const type = TYPES[extname(file)] ?? 'application/octet-stream'
  if (/text|javascript|json|svg/.test(type)) {
    response.writeHead(200, { 'Content-Type': type, 'Content-Encoding': 'br' })
    return response.end(brotliCompressSync(readFileSync(file)))
  }
  response.writeHead(200, { 'Content-Type': type })
  return createReadStream(file).pipe(response)
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`))
