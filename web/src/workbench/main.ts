import { createApp } from 'vue'
import '@/styles/tokens.css'
import App from '@/workbench/App.vue'
import { router } from '@/workbench/router'
import '@/styles/element.css'
import '@/styles/workbench.css'
import '@/styles/blocks.css'
import '@/workbench/theme'

createApp(App).use(router).mount('#app')
