import { createApp } from 'vue'
import 'vant/es/button/style/index'
import 'vant/es/pull-refresh/style/index'
import 'vant/es/icon/style/index'
import '@/styles/tokens.css'
import '@/styles/phone.css'
import PhoneApp from '@/phone/PhoneApp.vue'
import { router } from '@/phone/router'

createApp(PhoneApp).use(router).mount('#app')
