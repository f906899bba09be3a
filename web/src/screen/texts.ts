import type { Text } from '@/spec/contracts'

const pair = (zh: string, en: string): Text => ({ zh, en })

export const words = {
  product: pair('灯火', 'Denghuo'),
  overview: pair('营销全景', 'Customer business'),
  energy: pair('电量', 'Energy'),
  load: pair('全网负荷', 'Network load'),
  reading: pair('抄表', 'Meter reading'),
  money: pair('电费回收', 'Recovery'),
  loss: pair('台区线损', 'Area loss'),
  held: pair('待处理异常', 'Waiting for a person'),
  run: pair('当月核算', "The month's run"),
  facts: pair('实时动态', 'Happening now'),
  accounts: pair('用电户数', 'Accounts'),
  sold: pair('售电量', 'Energy sold'),
  bought: pair('光伏购电量', 'Solar bought'),
  price: pair('售电均价', 'Average price'),
  receivable: pair('应收电费', 'Receivable'),
  received: pair('实收', 'Received'),
  outstanding: pair('未收', 'Outstanding'),
  recovery: pair('电费回收率', 'Recovery rate'),
  lineLoss: pair('综合线损率', 'Line loss'),
  readRate: pair('抄表成功率', 'Reads obtained'),
  estimated: pair('估计', 'Estimated:'),
  bills: pair('已发行账单', 'Bills issued'),
  byClass: pair('按用电类别', 'By tariff class'),
  byStation: pair('按供电所', 'By station'),
  byMethod: pair('收款渠道', 'By method'),
  pieces: pair('件', 'open'),
  points: pair('个', 'points'),
  nothingYet: pair('本月尚无数据', 'Nothing this month yet'),
  noCurve: pair('尚无关口曲线', 'No gateway curves yet'),
  noReads: pair('尚未抄表', 'Not read yet'),
  noMoney: pair('尚未入账', 'Nothing posted yet'),
  noLoss: pair('线损尚未计算', 'Loss not computed yet'),
  noHeld: pair('没有待处理的异常', 'Nothing waits'),
  noRun: pair('本月核算尚未启动', 'The month was not started'),
  noFacts: pair('暂无动态', 'Nothing yet'),
  noNetwork: pair('电网结构尚未导入', 'No network imported yet'),
  asOf: pair('数据时间', 'As of'),
  lag: pair('入仓滞后', 'lag'),
  broken: pair('连接中断，正在重连', 'Connection lost, trying again'),
  connecting: pair('正在连接', 'Connecting'),
  signIn: pair('到工作台登录', 'Sign in at the workbench'),
  retry: pair('每 4 秒重试一次，登录后本页自动打开。', 'Tried every 4 s; opens by itself once you are signed in.'),
  language: pair('EN', '中文'),
  full: pair('全屏', 'Full screen'),
  peak: pair('最大', 'peak'),
  supply: pair('供电', 'supply'),
  north: pair('北', 'N'),
  bandNormal: pair('≤6%', '≤6 %'),
  bandRaised: pair('6–10%', '6–10 %'),
  bandHigh: pair('>10%', '>10 %'),
  bandNegative: pair('负损', 'negative'),
  bandUnknown: pair('未算', 'unknown'),
  bySize: pair('灯的大小为月供电量，颜色为线损率', 'Size: supply of the month. Colour: loss'),
}

export const CLASSES: Record<string, Text> = {
  resident: pair('居民生活', 'Residential'),
  agricultural: pair('农业生产', 'Agricultural'),
  general_single_part: pair('工商业单一制', 'Business, single part'),
  two_part_capacity: pair('两部制 · 容量', 'Two-part, capacity'),
  two_part_demand: pair('两部制 · 需量', 'Two-part, demand'),
  generation: pair('发电上网', 'Generation'),
}

export const METHODS: Record<string, Text> = {
  cash: pair('现金', 'Cash'),
  card: pair('刷卡', 'Card'),
  qr: pair('扫码', 'QR code'),
  online: pair('线上', 'Online'),
  bank: pair('银行代收', 'Bank'),
  debit: pair('银行代扣', 'Direct debit'),
}

export const HOLDS: Record<string, Text> = {
  read_held: pair('示数未确定', 'Register not settled'),
  no_reading: pair('无抄表电量', 'No quantity read'),
  tariff_unknown: pair('无适用电价', 'No tariff in force'),
  contract_changed: pair('月内合同变更', 'Contract changed'),
  rating_failed: pair('算费规则不适用', 'Rules do not fit'),
  review_remark: pair('计费提示待核', 'Rating asks for a look'),
  zero_use: pair('零电量', 'Zero consumption'),
  over_capacity: pair('超合同容量', 'Over capacity'),
  negative: pair('负电量或负电费', 'Negative'),
  spike: pair('电量突增', 'Sudden rise'),
  drop: pair('电量突降', 'Sudden drop'),
  first_bill: pair('首次出账', 'First bill'),
  new_tariff: pair('电价变更', 'Another tariff'),
  old_price: pair('沿用往月价格', 'Old price'),
  estimated_share: pair('估算占比过高', 'Mostly estimated'),
  outlier_amount: pair('大额电费', 'Amount out of range'),
}

export const STAGES: Record<string, Text> = {
  plan: pair('抄表计划', 'Plan'),
  read: pair('抄表校验', 'Read'),
  rate: pair('电费计算', 'Rate'),
  review: pair('电费审核', 'Review'),
  issue: pair('电费发行', 'Issue'),
}

export const RUN_STATES: Record<string, Text> = {
  running: pair('进行中', 'Running'),
  stopped: pair('已暂停', 'Stopped'),
  failed: pair('出错停止', 'Failed'),
  done: pair('已完成', 'Done'),
}

export const FACTS: Record<string, Text> = {
  issued: pair('发行', 'Issue'),
  posted: pair('入账', 'Posted'),
  paid: pair('收款', 'Paid'),
  read: pair('抄表', 'Read'),
  exchanged: pair('换表', 'Meter'),
  priced: pair('电价', 'Price'),
}

export const STATES: Record<string, Text> = {
  starting: pair('准备中', 'starting'),
  following: pair('实时', 'live'),
  reading: pair('定时重读', 'read now and then'),
  failing: pair('重试中', 'retrying'),
  stopped: pair('已停止', 'stopped'),
}
