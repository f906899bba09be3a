import { expect, test } from 'vitest'
import { problemOf } from '@/api/problem'

const answer = (status: number, type?: string) => new Response(type ? JSON.stringify({ type, title: { zh: '不对', en: 'Wrong' } }) : '', { status })

test.each([
  [401, '/problems/access/wrong-code', 'problem'],
  [401, '/problems/access/wrong-credentials', 'problem'],
  [401, '/problems/not-signed-in', 'not-signed-in'],
  [401, undefined, 'not-signed-in'],
  [403, '/problems/not-permitted', 'not-permitted'],
  [500, undefined, 'defect'],
])('%s %s is a %s: a wrong code does not end a session', async (status, type, kind) => {
  expect((await problemOf(answer(status, type))).kind).toBe(kind)
})
