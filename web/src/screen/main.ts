import { createApp } from 'vue'
import '@/styles/tokens.css'
import '@/styles/screen.css'
import ScreenApp from '@/screen/ScreenApp.vue'

createApp(ScreenApp).mount('#app')
