// Made-up figures over the demo county's real geometry, for looking at the wall screen and the phone page without a server.
import { readFileSync } from 'node:fs'

const folder = new URL('../../examples/gaoping/data/', import.meta.url)
function table(name) {
  const [head, ...lines] = readFileSync(new URL(name, folder), 'utf8').trim().split('\n')
  const names = head.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, at) => [names[at], value])))
}

let seed = 7
const chance = () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648)
const areas = table('areas.csv')
const units = table('organisations.csv')
const place = {
  nodes: table('network_nodes.csv').map((n) => ({ node_no: n.node_no, kind: n.kind, x_m: Number(n.x_m), y_m: Number(n.y_m) })),
  lines: table('network_lines.csv').map((l) => ({ from_node_no: l.from_node_no, to_node_no: l.to_node_no, feeder_no: l.feeder_no || null, normally_open: l.normally_open === 'true' })),
  feeders: table('feeders.csv').map((f) => ({ feeder_no: f.feeder_no, name: f.name, org: f.org_code })),
  areas: areas.map((a) => ({ area_no: a.area_no, name: a.name, org: a.org_code, feeder_no: a.feeder_no, x_m: Number(a.x_m), y_m: Number(a.y_m) })),
  stations: units.map((u) => ({ org: u.org_code, name: { zh: u.name, en: u.name_en }, kind: u.kind })),
}
const high = new Set(['TG064', 'TG013', 'TG063', 'TG041', 'TG033', 'TG024'])
const measured = areas.map((a) => ({
  area_no: a.area_no,
  load: a.area_no === 'TG031' ? null : (4000 + Number(a.transformer_kva) * (60 + chance() * 70)).toFixed(3),
  loss: a.area_no === 'TG031' ? null : a.area_no === 'TG077' ? '-31.20' : high.has(a.area_no) ? (11 + chance() * 14).toFixed(2) : (1.2 + chance() * 6.2).toFixed(2),
}))
const FIGURES = {
  accounts: 7061, read_rate: '99.86', reads_estimated: 121, bills: 7271, energy_sold: '2874512.000', energy_bought: '318244.000', receivable: '1873265.44', received: '1502377.10',
  outstanding: '370888.34', recovery_rate: '80.20', average_price: '0.6517', purchase_payable: '142288.90', held: 23, line_loss: '4.12',
}
const stations = units.slice(1).map((u) => ({
  ...FIGURES, org: u.org_code, name: { zh: u.name, en: u.name_en }, accounts: Math.round(600 + chance() * 1500), energy_sold: (220000 + chance() * 500000).toFixed(3),
  recovery_rate: (70 + chance() * 28).toFixed(2), line_loss: (2.2 + chance() * 4).toFixed(2), read_rate: (99 + chance()).toFixed(2),
}))
const day = (shape) => Array.from({ length: 96 }, (_, at) => (2600 + 1300 * Math.sin(((at - 30) / 96) * 2 * Math.PI) ** 2 * shape + 700 * Math.exp(-((at - 78) ** 2) / 60) - 900 * Math.exp(-((at - 50) ** 2) / 90)).toFixed(3))
const facts = [
  ['06', 'paid', '米山供电所收款 128.50 元（扫码）', 'Mishan Supply Station: 128.50 yuan by QR code'],
  ['05', 'posted', '2026-04 第 1 批入账：7,271 笔，1,730,976.54 元', '2026-04 issue 1 posted: 7,271 items, 1,730,976.54 yuan'],
  ['04', 'issued', '2026-04 电费发行第 1 批：7,271 张，1,730,976.54 元', '2026-04 issue 1: 7,271 bills, 1,730,976.54 yuan'],
  ['02', 'read', '2026-04 示数入库 429,812 条，更正 0 条', '2026-04: 429,812 registers received, 0 corrected'],
  ['01', 'exchanged', '计量点 P02010 换表', 'Meter at P02010 exchanged'],
].map(([minute, kind, zh, en]) => ({ at: `2026-05-01T01:${minute}:12Z`, kind, text: { zh, en }, org: null }))

let paid = 0
function screen(empty) {
  const now = new Date()
  const figures = empty ? Object.fromEntries(Object.keys(FIGURES).map((key) => [key, null])) : { ...FIGURES, received: (1502377.1 + paid).toFixed(2), outstanding: (370888.34 - paid).toFixed(2) }
  return {
    values: {
      month: empty ? null : '2026-04', figures, as_of: now.toISOString(), stations: empty ? [] : stations,
      classes: empty ? [] : [['resident', 5880, '1184233'], ['agricultural', 402, '361020'], ['general_single_part', 690, '702144'], ['two_part_capacity', 61, '498120'], ['two_part_demand', 28, '128995']].map(([tariff_class, accounts, energy]) => ({ tariff_class, accounts, energy })),
      methods: empty ? [] : [['debit', '902113.20'], ['bank', '512044.80'], ['qr', '71882.10'], ['cash', '16337.00']].map(([method, amount]) => ({ method, amount })),
      held: empty ? [] : [['read_held', 9], ['zero_use', 6], ['over_capacity', 4], ['outlier_amount', 3], ['negative', 1]].map(([code, count]) => ({ code, count })),
    },
    areas: empty ? [] : measured,
    run: empty ? null : {
      month: '2026-04', state: 'running', stage: 'rate', accounts: 7357, started_at: '2026-05-01T01:00:00Z', ended_at: null,
      stages: [['plan', 7444, 7444, true], ['read', 7444, 7444, true], ['rate', 4820, 7357, false], ['review', 0, 7357, false], ['issue', 0, 7357, false]].map(([name, done, total, ended]) => ({ name, done, total, ended })),
    },
    facts: empty ? [] : facts,
    load: empty ? [] : [{ day: '2026-04-29', values: day(0.8) }, { day: '2026-04-30', values: day(1) }],
    freshness: { state: empty ? 'starting' : 'following', said: { zh: '随业务库实时更新', en: 'Follows the business store' }, as_of: now.toISOString(), lag_ms: 64, lag_bytes: 0, p50_ms: 64, p95_ms: 138, transactions: 1240 },
  }
}

const signed = { phone: false }
const phone = JSON.parse(readFileSync(new URL('phone.json', import.meta.url), 'utf8'))

export async function answer(operation, request) {
  if (operation === 'analytics.place') return [200, place]
  if (operation === 'analytics.screen') return [200, screen(false)]
  if (operation === 'access.session') return signed.phone ? [200, phone.session] : [401, { type: '/problems/platform/not-signed-in', title: { zh: '请先登录', en: 'Sign in first' }, status: 401 }]
  if (operation === 'access.sign_in') {
    if (request.password !== 'right') return [401, { type: '/problems/access/wrong', title: { zh: '用户名或密码不对', en: 'Wrong user name or password' }, status: 401 }]
    signed.phone = true
    return [200, phone.session]
  }
  if (operation === 'access.sign_out') {
    signed.phone = false
    return [200, {}]
  }
  if (operation in phone.replies) return [200, typeof phone.replies[operation] === 'object' && phone.by?.[operation] ? phone.replies[operation][request[phone.by[operation]]] ?? phone.replies[operation].any : phone.replies[operation]]
  return [404, { type: '/problems/platform/not-found', title: { zh: '未找到', en: 'Not found' }, status: 404 }]
}

export function stream(url, request, response) {
  const empty = /empty/.test(request.headers.referer ?? '')
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  const send = () => response.write(`data: ${JSON.stringify(screen(empty))}\n\n`)
  send()
  const timer = setInterval(() => ((paid += 128.5), send()), 3000)
  request.on('close', () => clearInterval(timer))
}
