// Writes src/spec/types.ts from the published JSON Schema of the page spec; with --check it fails when the file is not current.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile } from 'json-schema-to-typescript'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const schema = JSON.parse(readFileSync(path('../../src/denghuo/application/spec/schema.json'), 'utf8'))

/** Property titles would each become a type of their own; only the named definitions are wanted. */
function withoutTitles(node, inProperties = false) {
  if (Array.isArray(node)) return node.map((item) => withoutTitles(item))
  if (node === null || typeof node !== 'object') return node
  const entries = Object.entries(node).filter(([key]) => inProperties || key !== 'title')
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutTitles(value, key === 'properties' || key === '$defs')]))
}

const clean = withoutTitles(schema)
// A list limited in length would become a union of tuples; the limit is the server's business.
const unlimited = JSON.parse(JSON.stringify(clean, (key, value) => (key === 'maxItems' || key === 'minItems' ? undefined : value)))
unlimited.$defs.Logic = { description: unlimited.$defs.Logic.description, tsType: 'unknown' }
unlimited.$defs.JsonValue = { tsType: 'unknown' }

const raw = await compile(unlimited, 'PageSpec', {
  bannerComment: '// Generated from application/spec/schema.json by npm run types.',
  additionalProperties: false,
  style: { printWidth: 120, semi: false, singleQuote: true },
})
// The generator remarks where a type is used; that changes with every field and says nothing.
const text = raw.replace(/ \*\n \* This interface was referenced by[^\n]*\n \* via [^\n]*\n/g, '')
const target = path('../src/spec/types.ts')
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/spec/types.ts is not current: npm run types')
    process.exit(1)
  }
} else {
  writeFileSync(target, text)
}
