// Made-up answers for looking at pages while no service runs. Never part of the product.
const L = (zh, en, more = {}) => ({ type: 'string', ...more, 'x-label': { zh, en } })
const money = (zh, en) => L(zh, en, { format: 'money', 'x-unit': 'yuan' })
const energy = (zh, en) => L(zh, en, { format: 'energy', 'x-unit': 'kWh' })
const object = (properties, required = []) => ({ type: 'object', properties, required })
const list = (properties) => ({ type: 'array', items: object(properties) })
const query = (permit, request, reply) => ({ kind: 'query', permit, request: object(request), reply: object(reply) })
const T = (zh, en) => ({ zh, en })
const at = (path) => ({ var: path })

const NAMES = ['罗秀英', '董子轩', '韩静怡', '文敏', '长平新能源有限公司', '姜军丽', '郭怡明', '薛强鹏', '汪丽', '秦华丽', '刘敏涛', '邹刚芳', '冯伟华', '易国飞', '李宇', '长平商贸有限公司']
const STATIONS = ['北诗供电所', '陈区供电所', '米山供电所', '寺庄供电所', '城关供电所', '马村供电所', '三甲供电所']
const customers = Array.from({ length: 743 }, (_, i) => ({
  account: `14058${String(1000000 + i * 37)}`,
  name: NAMES[i % NAMES.length],
  category: ['residential', 'business', 'industry', 'farm'][i % 7 === 4 ? 1 : i % 11 === 3 ? 2 : i % 13 === 5 ? 3 : 0],
  station: STATIONS[i % STATIONS.length],
  address: `山西省高平市${['长平街', '神农路', '泫氏街', '康乐路'][i % 4]}${i + 12}号`,
  capacity: [8, 16, 315, 50, 1000][i % 5] + '',
  usage: (((i * 7919) % 90000) / 100).toFixed(2),
  balance: ((((i * 104729) % 120000) - 20000) / 100).toFixed(2),
  state: ['active', 'active', 'active', 'overdue', 'active', 'paused'][i % 6],
  since: '2018-01-27',
}))
const customerRow = {
  account: L('户号', 'Account'), name: L('户名', 'Name'), category: L('用电类别', 'Category', { 'x-dictionary': 'customer.category' }), station: L('供电单位', 'Station'),
  address: L('用电地址', 'Address'), capacity: L('合同容量', 'Capacity', { format: 'apparent_power', 'x-unit': 'kVA' }), usage: energy('本月电量', 'This month'), balance: money('账户余额', 'Balance'),
  state: L('状态', 'State', { 'x-dictionary': 'customer.state' }), since: L('立户日期', 'Since', { format: 'date' }),
}
const lines = [
  ['平段电度电费', 'Flat-hour energy', '3120.40', '0.5469', '1706.55', '31204 ÷ 10 = 3,120.40 kWh；3,120.40 kWh × 0.5469 元/kWh = 1,706.55 元'],
  ['高峰电度电费', 'Peak-hour energy', '1904.20', '0.8203', '1562.02', '1,904.20 kWh × 0.8203 元/kWh = 1,562.02 元'],
  ['低谷电度电费', 'Valley-hour energy', '2210.00', '0.2735', '604.44', '2,210.00 kWh × 0.2735 元/kWh = 604.44 元'],
  ['基本电费（容量）', 'Capacity charge', '315', '24.0000', '7560.00', '315 kVA × 24.00 元/kVA·月 = 7,560.00 元'],
  ['功率因数调整电费', 'Power-factor adjustment', null, null, '-85.72', '11,433.01 元 × −0.75% = −85.75 元'],
  ['国家重大水利工程建设基金', 'Water-project fund', '7234.60', '0.00105', '7.60', '7,234.60 kWh × 0.00105 元/kWh = 7.60 元'],
].map(([zh, en, quantity, price, amount, sum]) => ({
  name: T(zh, en), quantity, price, amount, arithmetic: sum, version: '2026-01-01 起执行', document: '晋发改价格〔2025〕312号',
  sentence: T(`本月${zh.slice(0, 4)}按表计示数差乘以倍率得到电量，再乘以执行电价。`, 'The register difference times the multiplier gives the quantity, which is charged at the price in force.'),
  registers: quantity && price !== '24.0000' ? [{ meter: '657957930388', register: '有功 ' + zh.slice(0, 2), from: '18422.31', to: '18578.33', multiplier: 20, quantity }] : [],
}))
const stages = [['采集', 'Collect', 'done'], ['校验', 'Validate', 'done'], ['估算', 'Estimate', 'done'], ['计费', 'Bill', 'running'], ['复核', 'Review', 'waiting'], ['发行', 'Issue', 'waiting'], ['入账', 'Post', 'waiting']]
let runStarted = Date.now()

const operations = {
  'customer.find': query('customer.read', { keyword: L('户号/户名/表号', 'Account, name, meter'), category: customerRow.category, station: L('供电单位', 'Station'), state: customerRow.state, limit: { type: 'integer' }, after: L('', '') }, { rows: list(customerRow), total: { type: 'integer' }, next: L('', ''), as_of: L('', '') }),
  'customer.overview': query('customer.read', { account: L('户号', 'Account') }, { ...customerRow, phone: L('联系电话', 'Phone', { 'x-mask': 'phone' }), meter: L('电能表', 'Meter'), owed: money('欠费', 'Owed'), bills: list({ month: L('月份', 'Month'), usage: energy('电量', 'Energy'), amount: money('电费', 'Charge') }), events: list({ at: L('时间', 'At', { format: 'date-time' }), what: L('事项', 'Event'), by: L('经办', 'By') }), as_of: L('', '') }),
  'customer.register': { kind: 'command', permit: 'customer.register', request: object({ name: L('户名', 'Name', { maxLength: 64 }), phone: L('联系电话', 'Phone', { pattern: '^1[0-9]{10}$' }), category: customerRow.category, capacity: customerRow.capacity, since: customerRow.since }, ['name', 'phone']), reply: object({ account: L('户号', 'Account') }) },
  'billing.run': query('billing.read', { run: L('', '') }, { state: L('状态', 'State', { 'x-dictionary': 'run.state' }), done: { type: 'integer', 'x-label': T('已完成', 'Done') }, total: { type: 'integer', 'x-label': T('总户数', 'Total') }, amount: money('已算电费', 'Billed'), held: { type: 'integer', 'x-label': T('挂起', 'Held'), 'x-unit': 'household' }, stages: list({ name: L('环节', 'Stage'), state: L('状态', 'State', { 'x-dictionary': 'stage.state' }), count: { type: 'integer' } }), month: L('电费月', 'Month'), as_of: L('', '') }),
  'billing.stop': { kind: 'command', permit: 'billing.run', request: object({ run: L('', '') }), reply: object({}) },
  'billing.bill': query('billing.read', { bill: L('', '') }, { account: customerRow.account, name: customerRow.name, month: L('电费月', 'Month'), total: money('应收电费', 'Total'), lines: list({ name: L('项目', 'Item'), quantity: L('计费数量', 'Quantity', { format: 'energy' }), price: L('单价', 'Price', { format: 'price', 'x-unit': 'yuan' }), amount: money('金额', 'Amount'), arithmetic: L('算式', 'Arithmetic'), sentence: L('说明', 'In words'), version: L('价格版本', 'Price version'), document: L('文号', 'Document'), registers: list({ meter: L('电能表', 'Meter'), register: L('示数类型', 'Register'), from: energy('上次示数', 'From'), to: energy('本次示数', 'To'), multiplier: { type: 'integer', 'x-label': T('倍率', 'Multiplier') }, quantity: energy('电量', 'Energy') }) }) }),
  'reading.curve': query('reading.read', {}, { day: L('', '', { format: 'date' }), values: { type: 'array', items: L('', '', { format: 'power', 'x-unit': 'kW' }), 'x-label': T('有功功率', 'Active power') }, estimated: { type: 'array', items: { type: 'boolean' } }, limit: L('报装容量', 'Capacity', { format: 'power', 'x-unit': 'kW' }) }),
  'loss.areas': query('loss.read', {}, { rows: list({ code: L('台区', 'Area'), parent: L('上级', 'Parent'), name: L('名称', 'Name'), loss: L('线损率', 'Loss', { format: 'percent', 'x-unit': '%' }) }) }),
}
const dictionaries = {
  'customer.category': { residential: T('居民生活', 'Residential'), business: T('一般工商业', 'Business'), industry: T('大工业', 'Industry'), farm: T('农业生产', 'Farming') },
  'customer.state': { active: { ...T('正常用电', 'In service'), tone: 'good' }, overdue: { ...T('欠费停电', 'Cut off'), tone: 'danger' }, paused: { ...T('暂停', 'Paused'), tone: 'warning' } },
  'run.state': { running: { ...T('进行中', 'Running'), tone: 'notice' } },
  'stage.state': { done: { ...T('完成', 'Done'), tone: 'good' }, running: { ...T('进行中', 'Running'), tone: 'notice' }, waiting: T('等待', 'Waiting') },
}

const pages = {
  'customer.accounts': {
    id: 'customer.accounts', title: T('客户档案', 'Customers'), blocks: [{ kind: 'list', source: { operation: 'customer.find' }, key: 'account', as_of: 'as_of', choose: true,
      filters: ['keyword', 'category', { name: 'station' }, 'state'], fields: ['account', 'name', 'category', 'station', { name: 'address', weight: 'minor' }, 'capacity', 'usage', 'balance', 'state'],
      open: { page: 'customer.account', given: { account: at('row.account') }, place: 'drawer' },
      actions: [{ label: T('登记用户', 'Register'), operation: 'customer.register', ask: ['name', 'phone', 'category', 'capacity', 'since'], tone: 'primary' }],
    }],
  },
  'customer.account': {
    id: 'customer.account', title: T('客户全貌', 'Customer'), heading: 'overview.name', parameters: ['account'], sources: { overview: { operation: 'customer.overview', given: { account: at('page.account') } } }, blocks: [
      { kind: 'stat', source: 'overview', as_of: 'as_of', items: [{ field: 'balance' }, { field: 'owed', tone: { if: [{ '>': [at('reply.owed'), 0] }, 'danger', 'plain'] } }, { field: 'usage' }, { field: 'capacity' }] },
      { kind: 'detail', title: T('基本信息', 'Basics'), source: 'overview', sections: [{ fields: ['account', 'name', 'category', 'station', 'capacity', 'meter', 'phone', 'since', 'address', 'state'] }] },
      { kind: 'tabs', tabs: [
        { title: T('用电与电费', 'Use and bills'), blocks: [{ kind: 'chart', title: T('月用电量', 'Monthly energy'), source: 'overview', rows: 'bills', x: 'month', y: ['usage'], share: 'half' }, { kind: 'list', title: T('电费账单', 'Bills'), source: 'overview', rows: 'bills', key: 'month', fields: ['month', 'usage', 'amount'], share: 'half', open: { page: 'billing.bill', given: { bill: at('row.month') } } }] },
        { title: T('办理记录', 'History'), blocks: [{ kind: 'timeline', source: 'overview', rows: 'events', at: 'at', what: 'what', fields: ['by'] }] },
        { title: T('负荷曲线', 'Load curve'), blocks: [{ kind: 'curve', title: T('有功功率', 'Active power'), source: { operation: 'reading.curve' }, values: ['values'], estimated: 'estimated', limits: ['limit'] }] },
      ] },
    ],
  },
  'billing.run': {
    id: 'billing.run', title: T('核算运行', 'Billing run'), sources: { run: { operation: 'billing.run', every_s: 2 } }, blocks: [
      { kind: 'steps', title: T('2026年4月 月度核算', 'April 2026 cycle'), source: 'run', stages: 'stages', count: 'count', done: 'done', total: 'total', as_of: 'as_of', running: { '==': [at('reply.state'), 'running'] }, facts: ['month', 'state', 'amount', 'held'], actions: [{ label: T('停止', 'Stop'), operation: 'billing.stop', confirm: T('停止后可以从停下的地方继续。现在停止吗？', 'It can be resumed where it stopped. Stop now?'), tone: 'danger', when: { '==': [at('user.language'), at('user.language')] } }] },
    ],
  },
  'billing.bill': {
    id: 'billing.bill', title: T('电费账单', 'Bill'), parameters: ['bill'], sources: { bill: { operation: 'billing.bill', given: { bill: at('page.bill') } } }, blocks: [
      { kind: 'detail', source: 'bill', sections: [{ fields: ['account', 'name', 'month', { name: 'total', weight: 'lead' }] }] },
      { kind: 'explain', title: T('费用明细', 'Lines'), source: 'bill', name: 'name', quantity: 'quantity', price: 'price', amount: 'amount', sentence: 'sentence', arithmetic: 'arithmetic', document: 'document', registers: 'registers', register_fields: ['meter', 'register', 'from', 'to', 'multiplier', 'quantity'], facts: ['version'], total: 'total' },
    ],
  },
  'customer.register': { id: 'customer.register', title: T('新装登记', 'Registration'), blocks: [{ kind: 'wizard', title: T('登记用户', 'Register a customer'), steps: [{ title: T('用户', 'Customer'), fields: ['name', 'phone'] }, { title: T('用电', 'Supply'), fields: ['category', 'capacity', 'since'] }], submit: { label: T('登记', 'Register'), operation: 'customer.register' } }] },
  'loss.areas': { id: 'loss.areas', title: T('台区线损', 'Area loss'), blocks: [{ kind: 'tree', title: T('网络', 'Network'), source: { operation: 'loss.areas' }, key: 'code', parent: 'parent', label: 'name', fields: [{ name: 'loss', tone: { if: [{ '>': [at('row.loss'), 7] }, 'danger', 'plain'] } }], share: 'third' }, { kind: 'chart', form: 'rank', title: T('线损排行', 'Loss ranking'), source: { operation: 'loss.areas' }, x: 'name', y: ['loss'], share: 'two_thirds' }] },
}
const menus = [
  { app: 'customer', title: T('客户档案', 'Customers'), icon: 'customer', items: [{ page: 'customer.accounts', title: T('客户档案', 'Customers'), icon: 'customer' }, { page: 'customer.register', title: T('新装登记', 'Registration'), icon: 'customer' }] },
  { app: 'billing', title: T('核算管理', 'Billing'), icon: 'billing', items: [{ page: 'billing.run', title: T('核算运行', 'Billing run'), icon: 'billing' }, { page: 'billing.bill', title: T('账单查询', 'Bills'), icon: 'billing', count: 17 }] },
  { app: 'loss', title: T('线损管理', 'Line loss'), icon: 'loss', items: [{ page: 'loss.areas', title: T('台区线损', 'Area loss'), icon: 'loss' }] },
]
const as_of = '2026-05-01T00:15:00+08:00'
const bills = Array.from({ length: 12 }, (_, i) => ({ id: `b${i}`, month: `2026-${String(12 - i).padStart(2, '0')}`, usage: (100 + ((i * 37) % 80)).toFixed(2), amount: (52 + ((i * 19) % 50)).toFixed(2) }))
let signedIn = true

const problem = (status, slug, zh, en, more = {}) => [status, { type: `/problems/${slug}`, status, title: T(zh, en), detail: T(zh, en), ...more }]

const handlers = {
  'access.session': () => (signedIn ? [200, { actor: 'wangjuan', name: '王娟', organisation: '1405810.01', organisation_name: '城关供电所', post: 'billing_clerk', post_name: T('核算员', 'Billing clerk'), posts: ['billing_clerk'], permits: ['*'], accounts: [], csrf: 'x', as_of }] : problem(401, 'access/not-signed-in', '请先登录', 'Sign in first')),
  'access.sign_in': ({ password, code }) => {
    if (password !== 'demo') return problem(401, 'access/wrong-credentials', '用户名或密码不对', 'Wrong user name or password')
    if (!code) return problem(401, 'access/code-wanted', '需要验证码', 'A code is wanted')
    signedIn = true
    return [200, {}]
  },
  'access.sign_out': () => ((signedIn = false), [200, {}]),
  'application.menus': () => [200, { groups: menus }],
  'application.page': ({ app, page }) => (pages[`${app}.${page}`] ? [200, { page: pages[`${app}.${page}`], operations, dictionaries }] : problem(404, 'application/no-such-page', '没有这个页面', 'No such page')),
  'application.search': ({ keyword }) => [200, { rows: customers.filter((c) => (c.account + c.name).includes(keyword)).slice(0, 6).map((c) => ({ page: 'customer.account', parameters: { account: c.account }, title: c.name, note: c.account })) }],
  'customer.find': ({ keyword = '', category, state, limit = 50, after = '0' }) => {
    if (keyword === 'boom') return [500, {}]
    if (keyword === 'no') return problem(403, 'platform/not-permitted', '没有此操作的权限', 'Not permitted')
    const found = customers.filter((c) => (c.account + c.name).includes(keyword) && (!category || c.category === category) && (!state || c.state === state))
    const start = Number(after)
    return [200, { rows: found.slice(start, start + limit), total: found.length, next: start + limit < found.length ? String(start + limit) : null, as_of }]
  },
  'customer.overview': ({ account }) => [200, { ...(customers.find((c) => c.account === account) ?? customers[0]), phone: '133****9929', meter: '657957930388', owed: '126.89', bills: bills.slice().reverse(), events: [{ at: as_of, what: '电费发行 2026-04', by: '系统' }, { at: '2026-04-12T10:02:00+08:00', what: '柜台缴费 201.81 元', by: '张敏' }], as_of }],
  'customer.register': ({ phone }) => (phone === '13000000000' ? problem(422, 'platform/invalid', '请求不符合契约', 'Does not fit', { errors: [{ field: 'phone', zh: '此号码已登记', en: 'Already registered' }] }) : [200, { account: '1' }]),
  'billing.run': () => {
    const done = Math.min(7150, Math.floor((Date.now() - runStarted) / 3))
    if (done === 7150 && Date.now() - runStarted > 40000) runStarted = Date.now()
    return [200, { state: 'running', done, total: 7150, amount: (done * 131.27).toFixed(2), held: 17, month: '2026-04', stages: stages.map(([zh, en, state], i) => ({ name: T(zh, en), state, count: i < 3 ? 7150 : i === 3 ? done : 0 })), as_of }]
  },
  'billing.stop': () => problem(409, 'billing/run-has-ended', '运行已经结束', 'The run has ended', { detail: T('这次运行在 08:15 已全部完成，不需要停止。', 'The run was complete at 08:15; there is nothing to stop.') }),
  'billing.bill': ({ bill }) => [200, { account: customers[4].account, name: customers[4].name, month: bill, total: '11354.89', lines }],
  'reading.curve': () => [200, { day: '2026-04-30', values: Array.from({ length: 96 }, (_, i) => (120 + 80 * Math.sin((i - 20) / 15) + (i % 7) * 3).toFixed(1)), estimated: Array.from({ length: 96 }, (_, i) => i > 40 && i < 49), limit: '250' }],
  'loss.areas': () => [200, { rows: [{ code: 'f1', parent: null, name: '10kV 城关线', loss: '4.20' }, ...Array.from({ length: 12 }, (_, i) => ({ code: `a${i}`, parent: 'f1', name: `${STATIONS[i % 7].slice(0, 2)}${i + 1}号台区`, loss: (2 + ((i * 13) % 90) / 10).toFixed(2) }))] }],
}

export async function answer(operation, request) {
  await new Promise((resolve) => setTimeout(resolve, 60))
  const handler = handlers[operation]
  return handler ? handler(request) : problem(404, 'platform/not-found', '未找到', 'Not found')
}

export function stream(url, request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const operation = url.pathname.slice(5).replace('/stream', '').replace('/', '.')
  const send = () => response.write(`data: ${JSON.stringify(handlers[operation]?.({})[1] ?? {})}\n\n`)
  send()
  const timer = setInterval(send, 2000)
  request.on('close', () => clearInterval(timer))
}
export { handlers, T, L, money, energy, object, list, query }
