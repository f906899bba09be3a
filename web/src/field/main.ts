import { createApp } from 'vue'
import 'vant/es/button/style/index'
import '@/styles/tokens.css'
import '@/styles/phone.css'
import '@/styles/field.css'
import FieldApp from '@/field/FieldApp.vue'
import { router } from '@/field/router'

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  void navigator.serviceWorker.register('/field-worker.js', { scope: '/field', type: 'module' })
}
createApp(FieldApp).use(router).mount('#app')
