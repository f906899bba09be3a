/** Addresses of the workbench: /w/<app>/<page>?<parameters>. */
import { createRouter, createWebHistory } from 'vue-router'
import { readSession, session } from '@/workbench/session'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: () => import('@/workbench/SignIn.vue') },
    {
      path: '/',
      component: () => import('@/workbench/Workbench.vue'),
      children: [
        { path: '', name: 'home', component: () => import('@/workbench/Home.vue') },
        { path: 'w/:app/:page', name: 'page', component: () => import('@/workbench/PageHost.vue') },
      ],
    },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})

router.beforeEach(async (to) => {
  if (to.name === 'sign-in' || session.value) return true
  const found = await readSession().catch(() => null)
  if (found) return true
  return { name: 'sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
})
