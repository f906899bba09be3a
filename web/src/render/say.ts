/** A short word of success at the top of the page. */
import { ElMessage } from 'element-plus/es/components/message/index.mjs'
import 'element-plus/es/components/message/style/css'
import { t } from '@/language'
import type { Text } from '@/spec/contracts'

export function say(text: Text): void {
  ElMessage({ message: t(text), type: 'success', duration: 2600, grouping: true })
}
