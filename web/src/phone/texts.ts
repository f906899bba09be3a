import type { Text } from '@/spec/contracts'

const pair = (zh: string, en: string): Text => ({ zh, en })

export const words = {
  product: pair('灯火 · 网上营业厅', 'Denghuo · My electricity'),
  slogan: pair('每一度电，都说得清', 'Every kilowatt-hour, explained'),
  bills: pair('账单', 'Bills'),
  use: pair('用电', 'Usage'),
  notices: pair('消息', 'Messages'),
  me: pair('我的', 'Me'),
  language: pair('English', '中文'),
  user: pair('用户名', 'User name'),
  password: pair('密码', 'Password'),
  code: pair('6 位验证码', '6-digit code'),
  signIn: pair('登录', 'Sign in'),
  signingIn: pair('正在登录…', 'Signing in…'),
  signOut: pair('退出登录', 'Sign out'),
  toPay: pair('应缴电费（元）', 'To be paid (yuan)'),
  nothingToPay: pair('电费已缴清', 'All paid'),
  payNow: pair('立即缴费', 'Pay now'),
  overdueOf: pair('其中已逾期', 'Of it overdue'),
  prepaid: pair('预存余额', 'Prepaid'),
  payable: pair('上网电费待结算', 'Solar income due to you'),
  account: pair('户号', 'Account'),
  noBills: pair('还没有已发行的账单', 'No bills issued yet'),
  noBillsHint: pair('每月抄表、核算后，账单会出现在这里。', 'After each month is read and reviewed your bill appears here.'),
  estimated: pair('含估算', 'Estimated'),
  illustrative: pair('含示例价', 'Illustrative prices'),
  purchase: pair('上网结算', 'Solar'),
  used: pair('用电', 'Used'),
  fed: pair('上网', 'Fed in'),
  kwh: pair('度', 'kWh'),
  bill: pair('电费账单', 'Electricity bill'),
  statement: pair('上网电费结算单', 'Solar statement'),
  period: pair('计费期间', 'Period'),
  makeUp: pair('这张账单由什么组成', 'What this bill is made of'),
  lines: pair('逐项说明', 'Line by line'),
  tapLine: pair('点开每一项，看它怎么算出来', 'Open a line to see how it came about'),
  registers: pair('电表示数', 'Meter registers'),
  meter: pair('电表', 'Meter'),
  before: pair('上次', 'Previous'),
  after: pair('本次', 'Current'),
  multiplier: pair('倍率', 'Multiplier'),
  energy: pair('电量', 'Energy'),
  basis: pair('依据', 'By'),
  version: pair('电价版本', 'Price version'),
  remarks: pair('请留意', 'Please note'),
  total: pair('合计', 'Total'),
  pdf: pair('下载账单', 'Download'),
  verify: pair('自己核验', 'Verify it yourself'),
  verifyHint: pair('账单文件含示数、电价和发行证明，不含姓名和地址。任何人可用 denghuo-verify 离线算出同样的金额。', 'The bill file holds registers, tariff and proof of issue, no name and no address. Anyone can compute the same amount from it offline, with denghuo-verify.'),
  billFile: pair('下载核验文件', 'Get the bill file'),
  myData: pair('我的用电数据', 'My usage data'),
  myDataHint: pair('每 15 分钟电量，估算值有标记，可交给其他软件使用', 'Energy of every 15 minutes, estimates marked, for other programs'),
  fromMonth: pair('起始月份', 'From month'),
  toMonth: pair('截止月份', 'To month'),
  fileFormat: pair('文件格式', 'Format'),
  getMyData: pair('下载用电数据', 'Download my data'),
  readingsFile: pair('下载示数与曲线', 'Get registers and curve'),
  pay: pair('缴费', 'Pay'),
  payTitle: pair('确认缴费', 'Confirm payment'),
  sandbox: pair('沙箱支付：演示用，不会真的扣款', 'Sandbox: for demonstration, no money moves'),
  sandboxShort: pair('沙箱', 'Sandbox'),
  confirmPay: pair('确认支付', 'Pay'),
  paying: pair('正在支付…', 'Paying…'),
  paid: pair('支付成功', 'Paid'),
  paidHint: pair('入账需要几秒，账单状态随后更新。', 'Posting takes a few seconds; the bill shows it then.'),
  receiptNo: pair('收款凭证号', 'Receipt no.'),
  done: pair('完成', 'Done'),
  cancel: pair('取消', 'Cancel'),
  payments: pair('缴费记录', 'Payments'),
  noPayments: pair('还没有缴费记录', 'No payments yet'),
  receipt: pair('收据', 'Receipt'),
  noUse: pair('还没有抄表记录', 'No reads yet'),
  daily: pair('每日用电', 'Day by day'),
  dailyFed: pair('每日上网电量', 'Fed in day by day'),
  greatest: pair('最多', 'Most'),
  average: pair('日均', 'Daily average'),
  reads: pair('抄表记录', 'Reads'),
  noNotices: pair('没有消息', 'No messages'),
  markAll: pair('全部已读', 'Mark all read'),
  offline: pair('网络已断开，显示的是断开前的内容', 'No connection: showing what was loaded before'),
  again: pair('再试一次', 'Try again'),
  codeOf: pair('代码', 'Code'),
  back: pair('返回', 'Back'),
  asOf: pair('数据时间', 'As of'),
  ended: pair('登录已过期，请重新登录', 'Your session ended; please sign in again'),
  staff: pair('此账号没有绑定户号，请用客户账号登录', 'No account is bound to this login; sign in as a customer'),
  staffDoor: pair('员工请到工作台', 'Staff: workbench'),
  settings: pair('设置', 'Settings'),
  help: pair('供电服务热线 95598', 'Service line 95598'),
  thisLanguage: pair('语言', 'Language'),
  held: pair('待核', 'Being checked'),
  estimatedRead: pair('估计', 'Estimated'),
  valid: pair('正常', 'Read'),
  ownRead: pair('您自报', 'You reported it'),
  report: pair('自报读数', 'Report your meter'),
  reportHint: pair('电表没有自动采集到示数时，按您报的数计费，少一次估算。抄表日当天报最准：当天示数按零点计；其他日子报的数用来推算抄表日零点示数。', 'Where nothing was collected from your meter your figure is billed instead of an estimate. Best on the reading day: it counts as of that midnight; on other days the reading midnight is worked out from it.'),
  readingDay: pair('抄表日', 'Reading day'),
  reportDays: pair('自报时间', 'Report between'),
  notOpen: pair('还没到自报时间', 'Not open yet'),
  openNow: pair('现在可报', 'Open now'),
  collectedAlready: pair('本次示数已自动采集或现场抄回，不必自报', 'It was collected or read on site already: nothing to report'),
  numberSeen: pair('电表上的编号（可只填末四位）', 'Number on the meter (its last four suffice)'),
  numberHint: pair('请照着表上抄，以免抄成邻户的表', 'Copy it from the meter, so that it is not a neighbour’s'),
  checkedIt: pair('我已核对，电表确实这样显示', 'I looked again; the meter shows this'),
  remark: pair('说明（可不填）', 'Remark (optional)'),
  sendReport: pair('报送', 'Report'),
  sending: pair('正在报送…', 'Sending…'),
  reported: pair('已收到', 'Received'),
  myReports: pair('本次自报', 'What I reported'),
  noMeters: pair('该户号下没有电表', 'This account has no meter'),
  plans: pair('换电价省不省', 'Would another tariff save'),
  presentPlan: pair('现行', 'Present'),
  bestPlan: pair('最省', 'Best'),
  confidence: pair('把握依据', 'What it rests on'),
  day: pair('日期', 'Day'),
  reads15: pair('15 分钟示值', '15-minute reads'),
  noReads15: pair('该表本月没有 15 分钟示值', 'The meter has no 15-minute reads of the month'),
  pastErrors: pair('历月预测误差', 'Errors of past forecasts'),
  pastErrorsSaid: pair('每月以抽样用户的预测与账单比较，公布误差。', 'Every month forecasts of a sample of accounts are compared with their bills.'),
  noPastErrors: pair('还没有公布的月份', 'No month was published yet'),
  daysKnown: pair('已知天数', 'Days known'),
  halfWithin: pair('半数误差不超过', 'Half within'),
  ninthWithin: pair('九成误差不超过', 'Nine of ten within'),
  withinBand: pair('落入区间', 'Within the band'),
  sampled: pair('抽样户数', 'Accounts sampled'),
  soFar: pair('本月至今', 'So far'),
  monthEnd: pair('全月预计', 'Expected for the month'),
  readUntil: pair('示数截至', 'Read until'),
  notOwed: pair('估算，不作为缴费依据', 'An estimate: nothing of it is owed'),
  saves: pair('可少付', 'Saves'),
  costs: pair('多付', 'Costs more'),
  whyChanged: pair('为什么变化', 'Why it changed'),
  causes: pair('逐项原因', 'Cause by cause'),
  inAll: pair('相差合计', 'Difference in all'),
  yuan: pair('元', 'yuan'),
}

export const CAUSES: Record<string, Text> = {
  days: pair('计费天数', 'Days billed'),
  weather: pair('天气（估算）', 'Weather (estimate)'),
  energy: pair('用电多少', 'Energy used'),
  time_shift: pair('用电时段', 'Time of use'),
  tier: pair('阶梯位置', 'Tier'),
  basic: pair('容量与需量', 'Capacity and demand'),
  power_factor: pair('功率因数', 'Power factor'),
  price: pair('电价', 'Price'),
  plan: pair('电价方案', 'Tariff'),
  stages: pair('分段计费', 'Stages of a month'),
  other: pair('更正', 'Corrections'),
}

export const ITEM_STATES: Record<string, { text: Text; tone: string }> = {
  open: { text: pair('待缴', 'To pay'), tone: 'warning' },
  part: { text: pair('部分缴纳', 'Part paid'), tone: 'warning' },
  paid: { text: pair('已缴清', 'Paid'), tone: 'good' },
  overdue: { text: pair('已逾期', 'Overdue'), tone: 'danger' },
}

export const PURCHASE_STATES: Record<string, { text: Text; tone: string }> = {
  open: { text: pair('待结算', 'To be settled'), tone: 'notice' },
  part: { text: pair('部分结算', 'Part settled'), tone: 'notice' },
  paid: { text: pair('已结算', 'Settled'), tone: 'good' },
  overdue: { text: pair('待结算', 'To be settled'), tone: 'notice' },
}

const TAKEN_BACK = { text: pair('已冲销', 'Taken back'), tone: 'notice' }
const REVERSAL = { text: pair('冲销账单', 'Reversal'), tone: 'notice' }

/** What a bill is to its holder: taken back, what takes one back, or how much of it is paid; null where nothing is known of it. */
export function stateOf(
  bill: { state: string; reverses: string | null },
  item: { kind: string; state: string } | null | undefined,
): { text: Text; tone: string } | null {
  if (bill.reverses) return REVERSAL
  if (bill.state === 'reversed') return TAKEN_BACK
  return item ? ((item.kind === 'purchase' ? PURCHASE_STATES : ITEM_STATES)[item.state] ?? null) : null
}

export const GROUPS: Record<string, { text: Text; tone: string }> = {
  energy: { text: pair('电度电费', 'Energy'), tone: 'a' },
  basic: { text: pair('基本电费', 'Basic charge'), tone: 'b' },
  power_factor: { text: pair('功率因数调整', 'Power factor'), tone: 'c' },
  fund: { text: pair('政府性基金', 'Government funds'), tone: 'd' },
  purchase: { text: pair('上网电费', 'Solar'), tone: 'a' },
  adjustment: { text: pair('退补', 'Adjustment'), tone: 'c' },
}

export const METHODS: Record<string, Text> = {
  cash: pair('现金', 'Cash'),
  card: pair('刷卡', 'Card'),
  qr: pair('扫码', 'QR code'),
  online: pair('线上支付', 'Online'),
  bank: pair('银行代收', 'Bank'),
  debit: pair('银行代扣', 'Direct debit'),
}

export const PAYMENT_STATES: Record<string, { text: Text; tone: string }> = {
  taken: { text: pair('入账中', 'Being posted'), tone: 'notice' },
  posted: { text: pair('已入账', 'Posted'), tone: 'good' },
  reversing: { text: pair('冲正中', 'Being reversed'), tone: 'warning' },
  reversed: { text: pair('已冲正', 'Reversed'), tone: 'warning' },
}

export const FILE_FORMATS: { code: string; text: Text }[] = [
  { code: 'espi', text: pair('Green Button（XML）', 'Green Button (XML)') },
  { code: 'csv', text: pair('CSV 表格', 'CSV table') },
  { code: 'parquet', text: pair('Parquet', 'Parquet') },
  { code: 'cim', text: pair('IEC 61968-9（XML）', 'IEC 61968-9 (XML)') },
]
export const READ_STATES: Record<string, { text: Text; tone: string }> = {
  valid: { text: words.valid, tone: 'good' },
  estimated: { text: words.estimatedRead, tone: 'notice' },
  held: { text: words.held, tone: 'warning' },
}

/** What a read is called: that its customer reported it is said before its state. */
export const readTag = (row: { status: string; method: string }): { text: Text; tone: string } =>
  row.method === 'self_read' && row.status === 'valid' ? { text: words.ownRead, tone: 'good' } : (READ_STATES[row.status] ?? { text: pair(row.status, row.status), tone: 'plain' })

export const REPORT_STATES: Record<string, { text: Text; tone: string }> = {
  counted: { text: pair('已采用', 'Taken'), tone: 'good' },
  waiting: { text: pair('供电所核实后采用', 'The office looks at it'), tone: 'warning' },
  outweighed: { text: pair('已有采集或现场示数，以其为准', 'A collected or field read goes before it'), tone: 'notice' },
  superseded: { text: pair('已被后来的自报取代', 'Replaced by a later report'), tone: 'notice' },
  accepted: { text: pair('已核实采用', 'Looked at and taken'), tone: 'good' },
  refused: { text: pair('未采用', 'Not taken'), tone: 'danger' },
}
