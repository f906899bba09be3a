import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
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

export default defineConfig({
  plugins: [vue(), Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: 'css' })] }), ownVantFont()],
  resolve: { alias: { '@': here('./src') } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: { index: here('./index.html') },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } } },
})
