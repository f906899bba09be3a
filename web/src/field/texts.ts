import type { Order } from '@/field/kept'
import type { Warning } from '@/field/plausible'
import type { Text } from '@/spec/contracts'

const pair = (zh: string, en: string): Text => ({ zh, en })

export const words = {
  product: pair('灯火 · 现场抄表', 'Denghuo · Field reading'),
  slogan: pair('没有网络也能抄', 'Works without a network'),
  orders: pair('补抄单', 'Orders'),
  offline: pair('没有网络：照常录入，联网后自动上传', 'No network: go on, it is sent when the network is back'),
  open: pair('待抄', 'To read'),
  unsent: pair('待上传', 'To send'),
  fresh: pair('更新于', 'As of'),
  syncNow: pair('上传并更新', 'Send and update'),
  syncing: pair('正在上传…', 'Sending…'),
  none: pair('没有补抄单', 'No orders'),
  noneHint: pair('本人抄表册中没有需要补抄的表计。', 'No meter of your books has to be read again.'),
  place: pair('第', 'No.'),
  book: pair('抄表册', 'Book'),
  meter: pair('表号', 'Meter'),
  account: pair('户号', 'Account'),
  last: pair('上次示数', 'Last register'),
  collected: pair('采集示数', 'Collected'),
  multiplier: pair('倍率', 'Multiplier'),
  shownAs: pair('录入的是', 'What the display shows'),
  frozen: pair('抄表日冻结值', 'Frozen at the reading day'),
  current: pair('现场当前值', 'As it shows now'),
  frozenAt: pair('冻结时点', 'Frozen at'),
  warned: pair('请再看一眼表', 'Look at the meter again'),
  confirm: pair('已现场核实，示数无误', 'I checked it on site; it is right'),
  reason: pair('说明原因（必填）', 'Say why (required)'),
  digits: pair('表计显示不出这个数，请核对位数', 'The meter cannot show this: check the digits'),
  photo: pair('拍照', 'Take a photo'),
  photoAgain: pair('重拍', 'Take it again'),
  photoKept: pair('表计照片', 'Photo of the meter'),
  photoFailed: pair('照片无法读取，请重拍', 'The photo cannot be read; take it again'),
  located: pair('已定位', 'Position known'),
  unlocated: pair('未能定位，可不带位置保存', 'No position; you may save without'),
  locating: pair('正在定位…', 'Looking for the position…'),
  save: pair('保存', 'Save'),
  saved: pair('已存在手机里', 'Kept on the phone'),
  refusedFor: pair('已退回', 'Refused'),
  history: pair('我的录入', 'What I entered'),
  gone: pair('这张补抄单已不在您的清单中', 'This order is no longer on your list'),
  noPermit: pair('您没有现场抄表的权限', 'You may not read in the field'),
  signOut: pair('退出登录', 'Sign out'),
  unsentStay: pair('还有未上传的录入，联网上传后再退出。', 'There are entries to send; sign out once they are sent.'),
  storeFailed: pair('手机存储已满或不可用，录入没有保存', 'The phone cannot keep it: its storage is full or closed'),
}

export const WARNINGS: Record<Warning, Text> = {
  negative: pair('小于上次示数', 'Below the last register'),
  still: pair('示数没有走动', 'The register has not moved'),
  high: pair('远高于平常用量', 'Far above the usual use'),
  low: pair('远低于平常用量', 'Far below the usual use'),
  over_capacity: pair('超过合同容量所能用的电量', 'More than the agreed capacity lets pass'),
}

const WHY: Record<string, Text> = {
  missing: pair('没有采到示数', 'No register came'),
  negative: pair('示数倒走', 'Ran backwards'),
  spike: pair('电量突增', 'Sudden rise'),
  zero_run: pair('连续零电量', 'Zero for days'),
  no_start: pair('缺新表起度', 'No start register'),
  exchange_no_final: pair('缺旧表止度', 'No final register'),
  over_capacity: pair('超过发电容量', 'Above the plant'),
}

const PLANS = { temporary: pair('临时抄表', 'Temporary plan'), loss: pair('线损抄表', 'For line loss') }

/** Why an order is there: the plan that it is for, else the rule that held the read. */
export const why = (order: Pick<Order, 'rule' | 'plan_kind'>): Text => (order.plan_kind ? PLANS[order.plan_kind] : (WHY[order.rule] ?? pair('示数待核', 'To be checked')))

const QUANTITIES: Record<string, Text> = {
  active_fwd: pair('正向有功', 'Active, forward'),
  active_rev: pair('反向有功', 'Active, reverse'),
  reactive_fwd: pair('正向无功', 'Reactive, forward'),
  reactive_rev: pair('反向无功', 'Reactive, reverse'),
  demand: pair('最大需量', 'Maximum demand'),
}
const BANDS: Record<string, Text> = {
  total: pair('总', 'total'),
  sharp: pair('尖', 'sharp'),
  peak: pair('峰', 'peak'),
  flat: pair('平', 'flat'),
  valley: pair('谷', 'valley'),
  deep: pair('深谷', 'deep valley'),
}

export const registerName = (quantity: string, band: string): Text =>
  pair(`${QUANTITIES[quantity]?.zh ?? quantity} ${BANDS[band]?.zh ?? band}`, `${QUANTITIES[quantity]?.en ?? quantity}, ${BANDS[band]?.en ?? band}`)

/** How an outcome looks; what it says comes with it. */
export function toneOf(state: string): string {
  if (state === 'counted' || state === 'accepted') return 'good'
  if (state === 'waiting') return 'notice'
  return ['superseded', 'older', 'settled'].includes(state) ? 'warning' : 'danger'
}
