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

/** The pages of the product: workbench, the customer's phone, the wall screen. */
const inputs = Object.fromEntries(
  [
    ['index', 'workbench'],
    ['docs', 'docs'],
    ['phone', 'phone'],
    ['screen', 'screen'],
  ]
    .filter(([, folder]) => existsSync(here(`./src/${folder}/main.ts`)))
    .map(([page]) => [page, here(`./${page}.html`)]),
)

export default defineConfig({
  plugins: [vue(), Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: 'css' })] }), ownVantFont(), compressed()],
  resolve: { alias: { '@': here('./src') } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: inputs,
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } } },
})
