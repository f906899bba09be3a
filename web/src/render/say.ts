/** A short word at the top of the page: what was done, or why it was not. */
import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import 'element-plus/es/components/message/style/css'
import { t } from '@/language'
import type { Text } from '@/spec/contracts'

export function say(text: Text, type: 'success' | 'error' = 'success'): void {
  ElMessage({ message: t(text), type, duration: 2600, grouping: true })
}
