import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Vant's icon style names a font on a foreign host and carries it inline as well; the policy forbids both, so it becomes a file. */
function ownVantFont(): Plugin {
  return {
    name: 'own-vant-font',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/vant/') || !id.includes('.css') || !code.includes('@font-face')) return null
      const inline = /url\(["']?data:font\/[\w-]+;[^,]*base64,([A-Za-z0-9+/=]+)["']?\)/.exec(code)
      if (!inline) throw new Error('Vant no longer carries its icon font inline')
      const font = Buffer.from(inline[1]!, 'base64')
      const name = `assets/vant-icon-${createHash('sha256').update(font).digest('hex').slice(0, 8)}.woff2`
      this.emitFile({ type: 'asset', fileName: name, source: font })
      const face = `@font-face{font-family:vant-icon;font-weight:400;font-style:normal;font-display:block;src:url(/${name}) format("woff2")}`
      return { code: code.replace(/@font-face\s*\{[^}]*\}/, face), map: null }
    },
  }
}

/** Compressed forms beside each built file, so that a server only hands them out. */
function compressed(): Plugin {
  let folder = ''
  return {
    name: 'compressed',
    apply: 'build',
    configResolved: (config) => void (folder = join(config.root, config.build.outDir)),
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(html|js|css|svg|json|webmanifest)$/.test(entry.name)) continue
        const path = join(entry.parentPath, entry.name)
        const content = readFileSync(path)
        if (content.length < 512) continue
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
      }
    },
  }
}

/** The files of field reading, told to its worker, which keeps them on the phone: the page, its scripts and its styles. */
function keptFiles(): Plugin {
  return {
    name: 'kept-files',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const page = bundle['field.html']
      const worker = bundle[WORKER_FILE]
      if (page?.type !== 'asset' || worker?.type !== 'chunk') throw new Error('field reading has no page or no worker')
      const files = new Set<string>()
      const waiting = Object.values(bundle).flatMap((one) => (one.type === 'chunk' && one.facadeModuleId === here('./field.html') ? [one.fileName] : []))
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        const chunk = bundle[name]
        if (files.has(name) || chunk?.type !== 'chunk') continue
        files.add(name)
        chunk.viteMetadata?.importedCss.forEach((style) => files.add(style))
        waiting.push(...chunk.imports, ...chunk.dynamicImports)
      }
      // Assets are named by their content; the page is not, so it carries a revision.
      const revision = createHash('sha256').update(page.source).digest('hex').slice(0, 16)
      const list = [{ url: '/field.html', revision }, ...[...files].sort().map((name) => ({ url: `/${name}`, revision: null }))]
      worker.code = worker.code.replace('self.__FIELD_FILES__', () => JSON.stringify(list))
    },
  }
}

/** The pages of the product: workbench, the customer's phone, field reading, the wall screen. */
const inputs = Object.fromEntries(
  [
    ['index', 'workbench'],
    ['docs', 'docs'],
    ['field', 'field'],
    ['phone', 'phone'],
    ['screen', 'screen'],
  ]
    .filter(([, folder]) => existsSync(here(`./src/${folder}/main.ts`)))
    .map(([page]) => [page, here(`./${page}.html`)]),
)

const WORKER_FILE = 'field-worker.js'

export default defineConfig({
  plugins: [vue(), Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: 'css' })] }), ownVantFont(), keptFiles(), compressed()],
  resolve: { alias: { '@': here('./src') } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: { ...inputs, 'field-worker': here('./src/field/worker.ts') },
      // At the root, because a worker minds only what lies below it.
      output: { entryFileNames: (chunk) => (chunk.name === 'field-worker' ? WORKER_FILE : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } } },
})
